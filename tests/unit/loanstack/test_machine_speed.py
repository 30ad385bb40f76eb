"""A lab's load is charged for its software, not for the neighbours of the machine that it runs on."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import environment
from loanstack.measure import machine, machine_watch
from loanstack.measure.machine_watch import MACHINE_FILE, MachineSample
from proof import promised
from proof.objectives import evaluate
from proof.verdict import Verdict, overall

REFERENCE_MS = machine.REFERENCE_LOOP_CPU_MS
COST_MS = {"cpu_ms_per_transaction": 1.6}


@given(cpu_ms=st.floats(0.0, 1e3), slower=st.floats(1.0, machine.SLOWER_MAX))
def test_a_slow_machine_is_allowed_for_and_a_fast_one_is_no_penalty(cpu_ms: float, slower: float) -> None:
    slow = machine.at_reference_speed(cpu_ms, loop_cpu_ms=REFERENCE_MS * slower)
    assert slow == pytest.approx(cpu_ms / slower)
    assert machine.at_reference_speed(cpu_ms, loop_cpu_ms=REFERENCE_MS / slower) == cpu_ms


@pytest.mark.parametrize(("loop_cpu_ms", "divisor"), [(0.0, 1.0), (1e9, machine.SLOWER_MAX)])
def test_what_is_allowed_for_has_an_end(loop_cpu_ms: float, divisor: float) -> None:
    assert machine.at_reference_speed(1.6, loop_cpu_ms=loop_cpu_ms) == 1.6 / divisor


def test_the_loop_amid_a_load_is_told_in_processor_time_of_its_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = iter([7.0, 7.004])
    monkeypatch.setattr(time, "thread_time", lambda: next(read))
    assert machine.loop_cpu_ms() == 80.0


def write(folder: Path, *loops_cpu_ms: float) -> None:
    now = machine_watch.sample()
    lines = (asdict(MachineSample(**{**vars(now), "loop_cpu_ms": each})) for each in loops_cpu_ms)
    (folder / MACHINE_FILE).write_text("".join(json.dumps(line, default=asdict) + "\n" for line in lines))


def test_a_labs_cost_is_told_at_the_reference_speed_beside_what_was_measured(tmp_path: Path) -> None:
    write(tmp_path, *[REFERENCE_MS] * 5, *[1.5 * REFERENCE_MS] * 5)
    assert machine_watch.figures(tmp_path, COST_MS, is_lab=True) == {
        "machine_loop_cpu_ms": 1.25 * REFERENCE_MS,
        "cpu_ms_per_transaction_at_reference_speed": 1.28,
    }


def test_hosts_elsewhere_have_a_speed_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, *[2.0 * REFERENCE_MS] * 10)
    assert set(machine_watch.figures(tmp_path, COST_MS, is_lab=False)) == {"machine_loop_cpu_ms"}


def test_without_samples_or_cost_nothing_is_said(tmp_path: Path) -> None:
    assert machine_watch.figures(tmp_path, COST_MS, is_lab=True) == {}
    write(tmp_path, *[REFERENCE_MS] * (machine_watch.SAMPLES_MIN - 1))
    with (tmp_path / MACHINE_FILE).open("a") as file:
        file.write('{"at_s": 1.0, "cpu"')
    assert machine_watch.figures(tmp_path, COST_MS, is_lab=True) == {}
    write(tmp_path, *[REFERENCE_MS] * machine_watch.SAMPLES_MIN)
    assert set(machine_watch.figures(tmp_path, {}, is_lab=True)) == {"machine_loop_cpu_ms"}


def test_a_lab_promises_the_cost_at_the_reference_speed_and_is_not_proved_without_it() -> None:
    lab = environment("lab")
    limits = {each.figure: each for each in promised.of_hosts(lab.load_slo, lab.deploy_slo, rate_per_s=1e3)}
    assert "cpu_ms_per_transaction" not in limits
    figure = "cpu_ms_per_transaction_at_reference_speed"
    dear = {"memory_mib_total": 1.0, "cpu_ms_per_transaction": 9.0}
    for measured, verdict in (
        ({**dear, figure: 1.35}, Verdict.PASS),
        ({**dear, figure: 1.36}, Verdict.FAIL),
        (dear, Verdict.INVALID),
    ):
        assert overall(evaluate(limits.values(), measured)).verdict is verdict
