"""Scenario `soak`: what a host says about its components, their slopes, and when a soak proves nothing."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chaos.system.world import WorldError
from inventory import environment
from inventory.model import Host
from inventory.slo import SoakSlo
from loanstack.cli import load, main
from loanstack.companions import components, leak_check, soak
from loanstack.companions.leak_check import ComponentSample, Key, floor, slope_per_h
from proof.verdict import Verdict

START_S = 1_800_000_000.0
HOUR_S = 3600.0
SLO = SoakSlo(
    memory_mib_per_h_max=10.0, database_memory_mib_per_h_max=100.0, handles_per_h_max=5.0, samples_min=60
)
LOAN: Key = ("app-a", "loanstack-loan")
DATABASE: Key = ("ob-a", "loanstack-oceanbase")

PRINTED = """\
12/fd:9
13/fd:4
40/fd:0
7/fd:3
12/status:VmRSS:\t  20480 kB
13/status:VmRSS:\t   1024 kB
7/status:VmRSS:\t   512 kB
12/cgroup:0::/system.slice/nginx.service
13/cgroup:12:cpu:/host/system.slice/nginx.service
13/cgroup:0::/host/system.slice/nginx.service
40/cgroup:0::/system.slice/nginx.service
7/cgroup:0::/init.scope
"""


def test_a_units_processes_are_added_up_and_what_has_no_memory_is_none_of_them() -> None:
    found = components.parse(PRINTED)
    assert set(found) == {"nginx"}
    assert found["nginx"] == components.Component(pid=12, memory_mib=21.0, handles=13)
    assert components.parse("") == {}


def test_a_database_says_what_its_caches_hold_and_others_are_not_asked() -> None:
    database = "7/status:VmRSS:\t 1024 kB\n7/cgroup:0::/system.slice/loanstack-oceanbase.service\n"
    agent = "8/status:VmRSS:\t 1024 kB\n8/cgroup:0::/system.slice/loanstack-failover.service\n"
    found = components.parse(f"{database}{agent}caches:3145728\n")
    assert {unit: each.caches_mib for unit, each in found.items()} == {
        "loanstack-oceanbase": 3.0,
        "loanstack-failover": 0.0,
    }
    asked = {host.name: components.question(host) for host in environment("lab").hosts}
    assert {name for name, question in asked.items() if "kvcache" in question} == {"ob-a", "ob-b"}


def test_the_question_is_answered_by_a_real_machine_with_what_is_parsed() -> None:
    done = subprocess.run(["bash", "-c", components.READ], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    for file in ("fd", "status", "cgroup"):
        assert any(line.split(":")[0].endswith(f"/{file}") for line in lines), file
    components.parse(done.stdout)


def test_every_host_of_the_lab_but_none_in_vain_is_sampled() -> None:
    units = {host.name: components.expected(host) for host in environment("lab").hosts}
    assert units["gw-a"] == ("nginx",)
    assert units["app-b"] == ("loanstack-tongweb", "loanstack-loan")
    assert units["ob-a"] == ("loanstack-oceanbase", "loanstack-failover", "etcd")
    assert units["mon-c"] == ("etcd",)


@given(st.floats(-100, 100), st.floats(-1e4, 1e4), st.integers(2, 1500))
def test_the_slope_of_a_line_is_that_line_however_many_its_points(per_h: float, at_0: float, n: int) -> None:
    points = [(10.0 * i, at_0 + per_h * i / 360.0) for i in range(n)]
    assert slope_per_h(points) == pytest.approx(per_h, abs=1e-3)


@given(st.lists(st.integers(0, 89), max_size=20), st.floats(10, 1e6))
def test_a_few_bursts_do_not_tilt_it(bursts: list[int], height: float) -> None:
    points = [(10.0 * i, 100.0 + (height if i in bursts else 0.0)) for i in range(90)]
    assert slope_per_h(points) == 0.0


def test_without_two_moments_there_is_no_slope() -> None:
    assert slope_per_h([]) == slope_per_h([(1.0, 5.0)]) == slope_per_h([(1.0, 5.0), (1.0, 9.0)]) == 0.0


@given(st.lists(st.floats(0, 1e6), max_size=60), st.integers(1, 20))
def test_a_floor_is_the_least_of_each_stretch_and_of_whole_ones_only(held: list[float], stretch: int) -> None:
    points = [(10.0 * n, value) for n, value in enumerate(held)]
    found = floor(points, stretch)
    assert len(found) == max(0, len(held) - stretch + 1)
    assert all(value == min(held[n : n + stretch]) for n, (_, value) in enumerate(found))
    assert [at_s for at_s, _ in found] == [10.0 * n for n in range(len(found))]


def samples(
    key: Key = LOAN, *, mib_per_h: float = 0.0, handles_per_h: float = 0.0, first_half_mib: float = 0.0
) -> Iterator[ComponentSample]:
    """An hour, a sample each 10 s; the first half may grow in another way."""
    for n in range(360):
        hours = n / 360.0
        mib = 200.0 + mib_per_h * hours + (first_half_mib * min(hours, 0.5))
        handles = round(50 + handles_per_h * hours)
        yield ComponentSample(
            at_s=START_S + 10.0 * n, host=key[0], unit=key[1], pid=7, memory_mib=mib, handles=handles
        )


def judged(
    *found: ComponentSample, expected: tuple[Key, ...] = (LOAN,)
) -> tuple[Verdict, str, dict[str, float]]:
    finding = leak_check.judge(
        found, expected, SLO, from_s=START_S, until_s=START_S + HOUR_S, caches_mib_max=800.0
    )
    return finding.verdict, "; ".join(finding.reasons), dict(finding.figures)


@pytest.mark.parametrize(
    ("key", "mib_per_h", "verdict"),
    [
        (LOAN, 9.0, Verdict.PASS),
        (LOAN, 11.0, Verdict.FAIL),
        (LOAN, -50.0, Verdict.PASS),
        (DATABASE, 90.0, Verdict.PASS),
        (DATABASE, 110.0, Verdict.FAIL),
    ],
)
def test_memory_may_grow_by_what_is_promised_and_no_more(
    key: Key, mib_per_h: float, verdict: Verdict
) -> None:
    found, reasons, figures = judged(*samples(key, mib_per_h=mib_per_h), expected=(key,))
    assert found is verdict
    assert figures["soak_memory_mib_per_h_max"] == pytest.approx(mib_per_h)
    assert ("memory grows by" in reasons) == (verdict is Verdict.FAIL)


@pytest.mark.parametrize(("grows", "verdict"), [(0.0, Verdict.PASS), (400.0, Verdict.FAIL)])
@pytest.mark.parametrize("shift", [0, 20, 40])
def test_a_database_is_judged_by_what_it_holds_after_a_dump(
    shift: int, grows: float, verdict: Verdict
) -> None:
    saw = [
        replace(one, memory_mib=300.0 + 4.0 * ((n + shift) % 61) + grows * n / 360.0)
        for n, one in enumerate(samples(DATABASE))
    ]
    found, _, figures = judged(*saw, expected=(DATABASE,))
    assert found is verdict
    assert figures["soak_memory_mib_per_h_max"] == pytest.approx(grows, abs=0.3 * grows)


def test_caches_fill_up_to_their_limit_and_no_further() -> None:
    def filling(per_h: float) -> list[ComponentSample]:
        grown = [per_h * n / 360.0 for n in range(360)]
        return [
            replace(one, memory_mib=one.memory_mib + mib, caches_mib=mib)
            for one, mib in zip(samples(DATABASE), grown, strict=True)
        ]

    verdict, _, figures = judged(*filling(790.0), expected=(DATABASE,))
    assert verdict is Verdict.PASS
    assert figures["soak_memory_mib_per_h_max"] == 0.0
    assert figures["soak_caches_mib_max"] == pytest.approx(790.0, abs=3)
    verdict, reasons, _ = judged(*filling(900.0), expected=(DATABASE,))
    assert verdict is Verdict.FAIL
    assert "its caches hold 898 MiB; their limit: 800" in reasons


def test_half_an_hour_is_too_short_for_a_saw_of_ten_minutes() -> None:
    finding = leak_check.judge(
        samples(DATABASE), (DATABASE,), SLO, from_s=START_S, until_s=START_S + 1800.0, caches_mib_max=800.0
    )
    assert finding.verdict is Verdict.INVALID
    assert "needed: at least 144" in finding.reasons[0]


def test_handles_that_are_never_closed_fail() -> None:
    verdict, reasons, _ = judged(*samples(handles_per_h=20.0))
    assert verdict is Verdict.FAIL
    assert "loanstack-loan on app-a" in reasons
    assert "more open handles an hour" in reasons
    assert judged(*samples(handles_per_h=3.0))[0] is Verdict.PASS


def test_what_grows_in_the_first_half_alone_is_a_cache_that_fills() -> None:
    assert judged(*samples(first_half_mib=500.0))[0] is Verdict.PASS


def test_a_component_that_was_restarted_fails_however_flat_it_looks() -> None:
    restarted = [replace(one, pid=99) if n >= 100 else one for n, one in enumerate(samples())]
    verdict, reasons, figures = judged(*restarted)
    assert verdict is Verdict.FAIL
    assert "was restarted: 1 in all" in reasons
    assert figures["soak_restarts"] == 1


def test_too_few_samples_of_any_component_prove_nothing_not_even_a_leak() -> None:
    short = [one for one in samples(mib_per_h=5000.0) if one.at_s < START_S + 2300.0]
    verdict, reasons, _ = judged(*short)
    assert verdict is Verdict.INVALID
    assert "needed: at least 60" in reasons
    verdict, reasons, figures = judged(*samples(), expected=(LOAN, DATABASE))
    assert verdict is Verdict.INVALID
    assert "0 samples in the judged half of loanstack-oceanbase on ob-a" in reasons
    assert figures["soak_components"] == 2


def test_samples_outside_of_the_measured_traffic_count_for_nothing() -> None:
    later = [replace(one, at_s=one.at_s + HOUR_S, memory_mib=9999.0, pid=99) for one in samples()]
    assert judged(*samples(), *later)[0] is Verdict.PASS


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert list(leak_check.read(tmp_path)) == []
    every = list(samples())
    (tmp_path / leak_check.SAMPLES_FILE).write_bytes(b"".join(map(leak_check.encode, every)))
    assert list(leak_check.read(tmp_path)) == every


@dataclass
class Answer:
    """Stands for a command under way."""

    over: threading.Event
    says: str | None

    def finish(self, within_s: float) -> "Answer":
        self.over.set()
        if self.says is None:
            raise WorldError("no answer in time")
        return self

    @property
    def stdout(self) -> str:
        assert self.says is not None
        return self.says


@dataclass
class Hosts:
    """Stands for the open shells: gateways answer, databases do not, the rest cannot be reached."""

    over: threading.Event

    def get(self, host: Host) -> "Hosts":
        self.host = host
        return self

    def begin(self, argv: tuple[str, ...]) -> Answer:
        assert argv[-1].startswith(components.READ)
        if self.host.name.startswith("app"):
            raise WorldError("unreachable")
        return Answer(self.over, PRINTED if self.host.name.startswith("gw") else None)


def test_a_host_that_does_not_answer_lacks_its_sample_and_stops_nothing(tmp_path: Path) -> None:
    over = threading.Event()
    soak.sample_until(over, environment("lab"), Hosts(over), tmp_path)  # type: ignore[arg-type]
    found = list(leak_check.read(tmp_path))
    assert [(one.host, one.unit, one.memory_mib) for one in found] == [
        ("gw-a", "nginx", 21.0),
        ("gw-b", "nginx", 21.0),
    ]


def test_a_soak_lasts_an_hour_unless_somebody_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def run_verb(verb: str, env: str, work: object, *, parameters: dict[str, float], **_: object) -> int:
        seen.append(parameters["duration_s"])
        return 0

    monkeypatch.setattr(load, "run_verb", run_verb)
    for more in ((), ("--duration", "60s"), ("--duration", "120s")):
        done = CliRunner().invoke(main.cli, ["load", "lab", "--scenario", "soak", *more])
        assert done.exit_code == 0, done.output
    assert CliRunner().invoke(main.cli, ["load", "lab"]).exit_code == 0
    assert seen == [3600.0, 60.0, 120.0, 120.0]


def test_a_soak_is_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "run_verb", lambda *_, **__: pytest.fail("something happened"))
    done = CliRunner().invoke(main.cli, ["load", "lab", "--scenario", "soak", "--find-capacity"])
    assert done.exit_code == 2
    assert "not with --find-capacity" in done.output
