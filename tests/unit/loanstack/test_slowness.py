"""A load that was too slow says in one line what ran out, and how fast the machine was."""

from pathlib import Path

import pytest

from inventory import environment
from loanstack.capacity import evidence
from loanstack.capacity.bottleneck import Evidence
from loanstack.judging import slowness
from loanstack.measure import cpu_breakdown, machine
from loanstack.measure.machine_watch import Used
from proof import promised
from proof.objectives import evaluate

LAB = environment("lab")
PROMISED = promised.of_load(LAB.load_slo, LAB.deploy_slo, rate_per_s=1000.0)
KEPT = {
    "tps_acknowledged": 1000.0,
    "errors": 0.0,
    "latency_p99_ms": 100.0,
    "latency_p999_ms": 200.0,
    "worst_second_ratio": 0.9,
    "standby_lag_p99_ms": 120.0,
    "cpu_ms_per_transaction_at_reference_speed": 1.2,
}


@pytest.mark.parametrize(
    ("figure", "value", "is_too_slow"),
    [
        ("latency_p99_ms", 100.0, False),
        ("tps_acknowledged", 999.0, True),
        ("latency_p99_ms", 501.0, True),
        ("latency_p999_ms", 1501.0, True),
        ("worst_second_ratio", 0.59, True),
        ("standby_lag_p99_ms", 501.0, True),
        ("errors", 7.0, False),
        ("cpu_ms_per_transaction_at_reference_speed", 9.0, False),
    ],
)
def test_rate_latency_and_lag_are_what_a_slow_load_misses(
    figure: str, value: float, is_too_slow: bool
) -> None:
    assert slowness.is_too_slow(evaluate(PROMISED, {**KEPT, figure: value})) is is_too_slow


def test_what_was_not_measured_was_not_slow() -> None:
    assert not slowness.is_too_slow(evaluate(PROMISED, {}))


def test_the_explanation_names_the_resource_who_used_it_and_the_machines_speed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = Evidence(
        is_shared=True,
        cores=2,
        machine=Used(busy=97.0, stolen=0.0, stalled={}, disks={}),
        components={"databases": 40.0, "services": 30.0},
    )
    monkeypatch.setattr(evidence, "of_folder", lambda folder, env: found)
    said = slowness.explanation(tmp_path, LAB, {"machine_loop_cpu_ms": 2 * machine.REFERENCE_LOOP_CPU_MS})
    assert said.count("\n") == 0
    assert "ran out: CPU of the machine (97 % busy: databases 40 %, services 30 %)" in said
    assert said.endswith("for the loop amid the load, 2.00 times as long as on the reference machine")


def test_without_evidence_it_says_so(tmp_path: Path) -> None:
    assert slowness.explanation(tmp_path, LAB, {"machine_loop_cpu_ms": 60.0}).startswith("ran out: not known")
    assert "loop" not in slowness.explanation(tmp_path, LAB, {})


@pytest.mark.parametrize(("share", "words"), [(1.0, "as fast as"), (1.04, "as fast as"), (1.5, "1.50 times")])
def test_the_machines_speed_is_told_against_the_references(share: float, words: str) -> None:
    assert words in machine.speed(share * machine.REFERENCE_LOOP_CPU_MS)


def test_the_speed_that_the_readme_states_is_the_one_that_is_compared_with() -> None:
    root = Path(__file__).parents[3]
    for name in ("README.md", "README.zh-CN.md"):
        assert f"{machine.REFERENCE_LOOP_CPU_MS:g} ms" in (root / name).read_text(), name


def test_what_each_component_took_is_told_in_one_line() -> None:
    assert cpu_breakdown.summary({"gateways": 0.149, "rest": 0.001, "database ob-a": 0.3665}) == (
        "ms of CPU a transaction: gateways 0.15, database ob-a 0.37"
    )
    assert cpu_breakdown.summary({}) == ""
