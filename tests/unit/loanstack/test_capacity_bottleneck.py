"""Which resource ran out: from the counters that were saved to the sentence that is printed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.system.world import WorldError
from inventory import environment
from loanstack.capacity import database_watch, prometheus
from loanstack.capacity.bottleneck import Evidence, ranked, statement
from loanstack.capacity.cool_down import CALM_FOR_S, wait_until_calm, waiting_in
from loanstack.capacity.database_watch import Reading, Statements
from loanstack.capacity.evidence import of_folder
from loanstack.capacity.prometheus import HostUse, PoolUse
from loanstack.measure import machine_watch
from loanstack.measure.machine import CpuTimes
from loanstack.measure.machine_watch import MachineSample, MachineWatch, Used
from tests.unit.loanstack import example

WAITED = Statements(executions=9, elapsed_us=100, waited_us=60, blocked_share=0.0)
FULL = Used(busy=97.0, stolen=0.5, stalled={"cpu some": 80.0, "io full": 0.2}, disks={"vda": 12.0})
IDLE = Used(busy=40.0, stolen=0.0, stalled={"cpu some": 5.0, "io full": 0.0}, disks={"vda": 1.0})
PARTS = {"services": 31.0, "databases": 46.0}
POOL = PoolUse(host="app-a", size=16.0, in_use_mean=15.0, waiting_share=1.0)


def lab(machine: Used | None, **more: object) -> Evidence:
    return Evidence(is_shared=True, cores=2, machine=machine, components=PARTS, **more)  # type: ignore[arg-type]


def test_a_full_machine_is_named_with_what_filled_it() -> None:
    assert statement(lab(FULL)) == (
        "ran out: CPU of the machine (97 % busy: databases 46 %, services 31 %; tasks waited for it 80 % of"
        " the time); all hosts and the load generator share its 2 cores"
    )


def test_a_queue_in_front_of_a_full_processor_is_no_cause() -> None:
    said = statement(lab(FULL, pools=(POOL,)))
    assert said.startswith("ran out: CPU of the machine")
    assert "full as well: connections of app-a" in said


def test_the_pool_is_named_where_nothing_below_it_is_full() -> None:
    assert statement(lab(IDLE, pools=(POOL,))).startswith(
        "ran out: connections of app-a (15.0 of 16 connections in use; requests waited in 100% of"
    )


def test_evidence_that_names_nothing_says_so_and_what_comes_closest() -> None:
    said = statement(lab(IDLE, generator_cpu_percent=20.0))
    assert said.startswith("ran out: nothing that was measured; closest: CPU of the machine (40 % busy")
    assert "cores" not in said
    assert statement(Evidence()) == "ran out: not known, because nothing was measured beside the probe"


@pytest.mark.parametrize(
    ("evidence", "named"),
    [
        (lab(Used(busy=60, stolen=35, stalled={}, disks={})), "processors that the hypervisor gave"),
        (lab(Used(busy=60, stolen=0, stalled={"io full": 30}, disks={})), "disks"),
        (lab(Used(busy=60, stolen=0, stalled={}, disks={"vda": 99})), "disk vda"),
        (lab(FULL, generator_cpu_percent=88), "the load generator"),
        (lab(IDLE, statements=replace(WAITED, blocked_share=0.6)), "row locks"),
        (lab(IDLE, statements=WAITED), "waits inside"),
        (Evidence(hosts=(HostUse(host="ob-1", busy=99, stolen=0, disk=3),)), "CPU of ob-1"),
        (Evidence(hosts=(HostUse(host="ob-1", busy=9, stolen=0, disk=93),)), "disk of ob-1"),
    ],
)  # fmt: skip
def test_each_resource_is_named_by_its_own_evidence(evidence: Evidence, named: str) -> None:
    first = ranked(evidence)[0]
    assert first.name.startswith(named)
    assert first.is_full


def test_elsewhere_the_generators_own_machine_is_no_host() -> None:
    assert ranked(Evidence(machine=FULL)) == ()


def sample(
    at_s: float, busy: int, idle: int, *, stalled_us: int = 0, disk_ms: int = 0, loop_cpu_ms: float = 60.0
) -> MachineSample:
    return MachineSample(
        at_s=at_s,
        cpu=CpuTimes(busy=busy, idle=idle, stolen=0),
        stalled_us={"cpu some": stalled_us},
        disks_busy_ms={"vda": disk_ms},
        loop_cpu_ms=loop_cpu_ms,
    )


def test_only_the_window_counts() -> None:
    samples = (
        sample(0, 0, 0),
        sample(10, 100, 900),
        sample(20, 1000, 1000, stalled_us=5_000_000, disk_ms=2500),
        sample(30, 1001, 1999),
    )
    found = machine_watch.used(samples, from_s=10, until_s=20)
    assert found == Used(busy=90.0, stolen=0.0, stalled={"cpu some": 50.0}, disks={"vda": 25.0})
    assert machine_watch.used(samples, from_s=11, until_s=20) is None


def test_pressure_and_disks_are_read_as_the_kernel_prints_them() -> None:
    text = (
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=45\n"
    )
    assert machine_watch.parse_pressure("io", text) == {"io some": 123, "io full": 45}
    disks = "\n".join(
        f" 254 0 {name} 1 2 3 4 5 6 7 8 0 {busy} 99 0 0 0 0 0 0"
        for name, busy in (
            ("vda", 77),
            ("vda1", 70),
            ("loop0", 5),
            ("nvme0n1", 8),
            ("nvme0n1p1", 7),
            ("zram0", 1),
        )
    )
    assert machine_watch.parse_disks(disks) == {"vda": 77, "nvme0n1": 8}


def test_the_watch_leaves_samples_of_this_machine(tmp_path: Path) -> None:
    with MachineWatch(tmp_path):
        pass
    (found,) = machine_watch.read(tmp_path)
    assert found.cpu.busy > 0
    assert found.loop_cpu_ms > 0
    assert machine_watch.read(tmp_path / "elsewhere") == ()


def reading(at_s: float, executions: int, elapsed_us: int, cpu_us: int, blocked: int = 0) -> Reading:
    return Reading(at_s=at_s, executions=executions, elapsed_us=elapsed_us, cpu_us=cpu_us, blocked=blocked)


def test_only_a_primary_counts_statements() -> None:
    line = "1795549847.518067\tPRIMARY\t5\t100\t70\t3"
    assert database_watch.parse(line) == reading(1795549847.518067, 5, 100, 70, 3)
    for text in (
        line.replace("PRIMARY", "STANDBY"),
        "",
        "ERROR 2002 (HY000)",
        line[:30],
        line.replace("70", "x"),
    ):
        assert database_watch.parse(text) is None


def test_statements_are_the_difference_over_the_window() -> None:
    found = [
        reading(0, 0, 0, 0, 9),
        reading(2, 10, 100, 60),
        reading(4, 15, 300, 90, 2),
        reading(6, 30, 700, 200),
    ]
    assert database_watch.between(found, from_s=1, until_s=5) == Statements(
        executions=5, elapsed_us=200, waited_us=170, blocked_share=0.5
    )
    assert database_watch.between(found, from_s=1, until_s=3) is None


def test_statements_are_unknown_where_plans_were_dropped() -> None:
    found = [reading(2, 10, 100, 60), reading(4, 5, 50, 30)]
    assert database_watch.between(found, from_s=0, until_s=5) is None


def test_statements_of_two_primaries_are_no_evidence(tmp_path: Path) -> None:
    lines = "1\tPRIMARY\t5\t100\t70\t3\n3\tPRIMARY\t9\t200\t90\t0\n"
    (tmp_path / "statements-ob-a.tsv").write_text(lines)
    (tmp_path / "statements-ob-b.tsv").write_text(lines.replace("PRIMARY", "STANDBY"))
    found = database_watch.of_window(tmp_path, from_s=0, until_s=5)
    assert found == Statements(executions=4, elapsed_us=100, waited_us=80, blocked_share=0.5)
    (tmp_path / "statements-ob-b.tsv").write_text(lines)
    assert database_watch.of_window(tmp_path, from_s=0, until_s=5) is None


def series(name: str, values: list[float], **labels: str) -> dict[str, object]:
    return {
        "metric": {"__name__": name, "host": "app-a", **labels},
        "values": [[100 + 5 * n, str(value)] for n, value in enumerate(values)],
    }


def test_pools_and_hosts_come_from_raw_samples() -> None:
    found = [
        series("loan_pool_size", [16, 16]),
        series("loan_pool_in_use", [4, 12]),
        series("loan_pool_waiting", [0, 3]),
        series("loan_pool_size", [16], host="app-b"),
        series("node_cpu_seconds_total", [0, 4], mode="user"),
        series("node_cpu_seconds_total", [0, 5], mode="idle"),
        series("node_cpu_seconds_total", [0, 1], mode="steal"),
        series("node_disk_io_time_seconds_total", [0, 2], device="vda"),
        series("node_cpu_seconds_total", [7], mode="user", host="once"),
    ]
    assert prometheus.pools(found) == (PoolUse(host="app-a", size=16, in_use_mean=8, waiting_share=0.5),)
    (host,) = prometheus.hosts(found)
    assert (host.host, host.busy, host.stolen, host.disk) == pytest.approx(("app-a", 40.0, 10.0, 40.0))


def test_the_evidence_of_a_folder_splits_the_machine_by_component(tmp_path: Path) -> None:
    load = {**example.load_info(seconds=10, rate=40), "cpu_percent": 20.0}
    rows = [{"host": "ob-a", "cpu_s": 8.0}, {"host": "app-a", "cpu_s": 4.0}, {"host": "ob-b", "cpu_s": 1.0}]
    (tmp_path / "load.json").write_text(json.dumps(load))
    (tmp_path / "hosts.json").write_text(json.dumps({"rows": rows}))
    first, last = (
        {**vars(sample(example.START_S + at_s, busy, idle)), "cpu": {"busy": busy, "idle": idle, "stolen": 0}}
        for at_s, busy, idle in ((0, 0, 0), (10, 2000, 0))
    )
    (tmp_path / "machine.jsonl").write_text(f"{json.dumps(first)}\n{json.dumps(last)}\n")
    found = of_folder(tmp_path, environment("lab"))
    assert found.components == pytest.approx(
        {"databases": 45.0, "services": 20.0, "load generator": 10.0, "kernel and others": 25.0}
    )
    assert statement(found).startswith("ran out: CPU of the machine (100 % busy: databases 45 %")


def test_a_folder_without_a_load_holds_no_evidence(tmp_path: Path) -> None:
    assert statement(of_folder(tmp_path, environment("lab"))).startswith("ran out: not known")


class Clock:
    """A clock that only sleeping moves."""

    time_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    def sleep_s(self, seconds: float) -> None:
        self.time_s += seconds


def test_calm_must_last() -> None:
    clock, said = Clock(), iter(["lag", None, "lag"])
    wait_until_calm(lambda: next(said, None), clock)
    assert clock.time_s == pytest.approx(3 * 0.5 + CALM_FOR_S)
    with pytest.raises(WorldError, match="9 requests"):
        wait_until_calm(lambda: "9 requests", Clock())


@pytest.mark.parametrize(
    ("in_flight", "waiting", "word"), [(1, 0, None), (2, 0, None), (3, 0, "3 requests"), (1, 1, "1 wait")]
)
def test_a_queue_is_seen_in_the_services_metrics(in_flight: int, waiting: int, word: str | None) -> None:
    page = f"# HELP x\nloan_requests_in_flight {in_flight}.0\nloan_pool_waiting {waiting}.0\n"
    found = waiting_in(page)
    assert found is None if word is None else found is not None and word in found


def test_a_service_without_metrics_is_not_calm() -> None:
    assert waiting_in("") == "no metrics"
