"""Promises, figures in words, and what pyinfra, pytest and /proc say."""

import gc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import environment
from inventory.drill_slo import DrillSlo
from inventory.model import Environment, Host
from inventory.slo import DeploySlo, LoadSlo
from loadtests.plan.scenarios import SCENARIOS
from loanstack.measure import machine, usage
from loanstack.measure.bulk import bulk_reading
from loanstack.measure.units import PORTAL
from loanstack.results import deploys, host_tests
from processes import ssh
from proof import objectives, promised
from proof.objectives import Objective, evaluate
from proof.titles import number, shown, title, unit
from proof.verdict import Verdict, overall

FIGURE = Objective(figure="latency_p99_ms", limit=250)


@pytest.mark.parametrize(
    ("value", "verdict"), [(249.9, Verdict.PASS), (250, Verdict.PASS), (250.1, Verdict.FAIL)]
)
def test_a_limit_belongs_to_what_is_allowed(value: float, verdict: Verdict) -> None:
    assert overall(evaluate([FIGURE], {"latency_p99_ms": value})).verdict is verdict


@pytest.mark.parametrize(("value", "met"), [(999.9, False), (1000, True), (1000.1, True)])
def test_a_least_value_too(value: float, met: bool) -> None:
    assert (
        Objective(figure="tps_acknowledged", limit=1000, at_least=True).met_by({"tps_acknowledged": value})
        is met
    )


def test_what_was_not_measured_was_not_proved() -> None:
    verdict, reasons = overall(evaluate([FIGURE], {}))
    assert verdict is Verdict.INVALID
    assert "not measured" in reasons[0]


def test_a_broken_promise_outranks_a_missing_figure_and_both_are_named() -> None:
    verdict, reasons = overall(evaluate([FIGURE, Objective(figure="errors", limit=0)], {"errors": 3}))
    assert verdict is Verdict.FAIL
    assert reasons == (
        "Latency p99, from the planned start: not measured; promised: at most 250 ms",
        "Errors: 3; promised: at most 0",
    )


def test_nothing_promised_and_nothing_found_proves_nothing() -> None:
    assert overall(evaluate([], {})) == (Verdict.INVALID, ())


def test_promises_survive_being_written() -> None:
    every = (
        *promised.of_first_deploy(DeploySlo()),
        *promised.of_second_deploy(DeploySlo()),
        *promised.of_verify(),
        *promised.of_load(LoadSlo(), DeploySlo(), rate_per_s=1000),
        *promised.of_drill(DrillSlo(), "primary-crash", may_lose=True),
    )
    assert objectives.from_list(objectives.to_list(every)) == every


def test_what_a_scenario_is_for_is_promised_in_it_alone() -> None:
    slo, own = LoadSlo(others_slowdown_p99_ratio_max=2.5), {}
    for scenario in ("journey", "hot-limit", "multi-entity"):
        found = SCENARIOS[scenario].objectives(slo, DeploySlo(), rate_per_s=100)
        own[scenario] = {promise.figure: promise.limit for promise in found}
    hot = own["journey"] | {"tps_answered": 100, "overdraws_acknowledged": 0}
    del hot["tps_acknowledged"], hot["service_share_min"]
    assert own["hot-limit"] == hot
    assert own["multi-entity"] == own["journey"] | {"others_slowdown_p99_ratio": 2.5}


def limits_of(name: str, *, may_lose: bool, repeats: int = 1) -> dict[str, float]:
    over_repeats = promised.of_repeats(DrillSlo(), name, may_lose=may_lose, repeats=repeats)
    one = promised.of_drill(DrillSlo(), name, may_lose=may_lose)
    assert [each.limit for each in one] == [each.limit for each in over_repeats][: len(one)]
    return {each.figure: each.limit for each in over_repeats}


EVERY_DRILL = {
    "clock_offset_certain_ms_max": 50,
    "acknowledged_doubled": 0,
    "two_primaries_seen": 0,
    "residue": 0,
}


def test_each_drill_promises_what_the_inventory_says() -> None:
    crash = {
        "rto_ms_max": 5000,
        "rto_sustained_ms_max": 8000,
        "silence_ms_max": 6250,
        "error_ratio_max": 0.02,
        "lost_window_ms_p99": 300,
        **EVERY_DRILL,
    }
    assert limits_of("primary-crash", may_lose=True) == crash
    assert limits_of("primary-crash", may_lose=True, repeats=20) == {**crash, "rto_ms_p95": 3000}
    assert limits_of("primary-paused", may_lose=True)["rto_ms_max"] == 6000
    assert limits_of("standby-lost", may_lose=False) == {
        "rto_ms_max": 2000,
        "rto_sustained_ms_max": 4000,
        "silence_ms_max": 2500,
        "error_ratio_max": 0.05,
        "acknowledged_lost": 0,
        **EVERY_DRILL,
    }
    assert limits_of("switchover-under-ddl", may_lose=False) == {
        "rto_ms_max": 1500,
        "rto_sustained_ms_max": 4000,
        "silence_ms_max": 1875,
        "errors": 0,
        "acknowledged_lost": 0,
        **EVERY_DRILL,
    }


def test_what_a_cut_off_primary_acknowledged_is_counted_and_not_limited() -> None:
    assert "lost_window_ms_p99" not in limits_of("centre-a-cut-off", may_lose=True)
    assert limits_of("centre-a-cut-off", may_lose=False)["acknowledged_lost"] == 0, "across centres: nothing"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rto_ms_p95", "ms"),
        ("memory_mib_total", "MiB"),
        ("deploy_s", "s"),
        ("errors", ""),
        ("tps_acknowledged", ""),
    ],
)
def test_units_come_from_the_names(name: str, expected: str) -> None:
    assert unit(name) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1000, "1,000"), (1234.56, "1,235"), (61.24, "61.2"), (1.625, "1.62"), (0.0123, "0.0123")],
)
def test_numbers_carry_no_needless_digits(value: float, text: str) -> None:
    assert number(value) == text
    assert shown("latency_p99_ms", value) == f"{text} ms"


@given(st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True))
def test_every_figure_has_a_title(name: str) -> None:
    assert isinstance(title(name), str)


SUMMARY = {
    "hosts": {
        "gw-a": {
            "operations": 30,
            "changed": 2,
            "failed": 0,
            "error": None,
            "changes": ["Run nginx", "Open 443"],
        },
        "ob-a": {
            "operations": 4,
            "changed": 0,
            "failed": 1,
            "error": "Install seekdb: no space",
            "changes": [],
        },
    }
}


def test_a_deploy_names_the_hosts_that_failed_and_why() -> None:
    found = deploys.of_summary(SUMMARY, ["gw-a", "ob-a", "mon-c"])
    assert found.failures == ("ob-a: Install seekdb: no space", "mon-c: nothing was done on it")
    assert found.changes == found.few_changes == ("gw-a: Run nginx", "gw-a: Open 443")
    assert found.figures() == {"hosts": 3, "hosts_failed": 2, "operations": 34, "operations_changed": 2}


def test_changes_are_named_while_they_are_few() -> None:
    def changed(count: int) -> deploys.DeployOutcome:
        names = [f"Write {number}" for number in range(count)]
        host = {"operations": 40, "changed": count, "failed": 0, "changes": names}
        return deploys.of_summary({"hosts": {"gw-a": host}}, ["gw-a"])

    most = deploys.FEW_CHANGES_MAX
    assert len(changed(most).few_changes) == most
    assert changed(most + 1).few_changes == ()


def test_a_deploy_that_ended_before_it_began_failed_everywhere() -> None:
    found = deploys.of_summary(None, ["gw-a", "ob-a"])
    assert found.figures() == {"hosts": 2, "hosts_failed": 2, "operations": 0, "operations_changed": 0}


def test_restarts_that_only_follow_a_change_are_no_pending_changes() -> None:
    printed = {
        "plan": [
            {
                "name": "Write nginx.conf",
                "hosts_with_change": ["gw-a", "gw-b"],
                "hosts_with_conditional_change": [],
            },
            {"name": "Restart nginx", "hosts_with_change": [], "hosts_with_conditional_change": ["gw-a"]},
        ]
    }
    assert deploys.pending(printed) == ("gw-a: Write nginx.conf", "gw-b: Write nginx.conf")


ADDRESSES = host_tests.addresses_of(
    [("gw-a", "198.18.0.11"), ("ob-a", "198.18.0.13"), ("ob-aa", "198.18.0.131")]
)


@pytest.mark.parametrize(
    ("case", "host", "name"),
    [
        ("test_port_is_closed[gw-a]", "gw-a", "port is closed"),
        ("test_port_is_closed[ssh://root@198.18.0.13:22]", "ob-a", "port is closed"),
        ("test_port_is_closed[198.18.0.131-2881]", "ob-aa", "port is closed [2881]"),
        ("test_inventory_is_sound", host_tests.CONTROL, "inventory is sound"),
    ],
)
def test_the_host_of_a_test_is_found_in_its_parameters(
    tmp_path: Path, case: str, host: str, name: str
) -> None:
    junit = tmp_path / "junit.xml"
    junit.write_text(f'<testsuites><testsuite name="x"><testcase name="{case}"/></testsuite></testsuites>')
    (found,) = host_tests.read(junit, ADDRESSES)
    assert (found.host, found.name, found.outcome) == (host, name, "passed")


def test_failures_errors_and_skips_are_told_apart(tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    junit.write_text(
        '<testsuites><testsuite name="x"><testcase name="test_a"><failure message="one&#10;two"/></testcase>'
        '<testcase name="test_b"><error message="broke"/></testcase>'
        '<testcase name="test_c"><skipped message="no"/></testcase></testsuite></testsuites>'
    )
    found = host_tests.read(junit, {})
    assert [(t.outcome, t.message) for t in found] == [
        ("failed", "one"),
        ("failed", "broke"),
        ("skipped", ""),
    ]


PROC = """100
/proc/1/stat:1 (systemd) S 0 1 1 0 -1 4194560 9 9 0 0 50 25 7 7 20 0 1 0 5 1 1
/proc/7/stat:7 (a (b) c) S 1 7 7 0 -1 4194560 9 9 0 0 200 100 0 0 20 0 1 0 5 1 1
/proc/8/stat:8 (b) S 1 7 7 0 -1 4194560 9 9 0 0 100 0 0 0 20 0 1 0 5 1 1
/proc/9/stat:9 (gone) S 1 7 7 0 -1 4194560 9 9 0 0 1 0 0 0 20 0 1 0 5 1 1
/proc/1/cgroup:0::/init.scope
/proc/7/cgroup:1:name=systemd:/system.slice/loanstack-loan.service
/proc/7/cgroup:0::/
/proc/8/cgroup:0::/system.slice/loanstack-loan.service
/proc/7/smaps_rollup:Pss:               20480 kB
/proc/8/smaps_rollup:Pss:               10240 kB
"""


def test_usage_is_summed_by_unit_over_both_versions_of_control_groups() -> None:
    found = usage.parse(PROC)
    assert found.cpu_s == {"init": 0.75, "loanstack-loan": 4.0, "other": 0.01}
    assert found.memory_mib == {"init": 0, "loanstack-loan": 30, "other": 0}


def test_usage_that_is_no_usage_is_refused() -> None:
    with pytest.raises(ValueError, match="clock ticks"):
        usage.parse("Permission denied")


def test_only_what_was_used_between_two_readings_counts() -> None:
    before = {"app-a": usage.HostUsage(cpu_s={"loan": 4.0, "restarted": 9.0}, memory_mib={})}
    after = {
        "app-a": usage.HostUsage(cpu_s={"loan": 10.0, "restarted": 1.0}, memory_mib={"loan": 96.0}),
        "ob-a": usage.HostUsage(cpu_s={"db": 3.0}, memory_mib={"db": 1000.0}),
    }
    rows = usage.rows(before, after)
    assert [(r.host, r.unit, r.cpu_s) for r in rows] == [
        ("app-a", "loan", 6.0),
        ("ob-a", "db", 3.0),
        ("app-a", "restarted", 0.0),
    ]
    found = usage.figures(rows, environment("lab"), transactions=9000)
    assert found == {
        "memory_mib_total": 1096.0,
        "cpu_ms_per_transaction": 1.0,
        "cpu_ms_per_transaction_loan": 0.6667,
        "cpu_ms_per_transaction_oceanbase": 0.3333,
    }


def test_a_portals_part_is_told_apart_from_the_services_on_its_host() -> None:
    rows = [
        usage.Row(host="app-a", unit="loanstack-loan", cpu_s=3.0, memory_mib=90.0),
        usage.Row(host="app-a", unit=PORTAL, cpu_s=2.0, memory_mib=300.0),
    ]
    found = usage.figures(rows, environment("lab"), transactions=10_000, requests=10_500)
    assert found["cpu_ms_per_transaction_loan"] == 0.3
    assert found["cpu_ms_per_transaction_tongweb"] == 0.2
    assert found["cpu_ms_per_request_portal"] == 0.1905


def test_without_a_transaction_there_is_no_cost_of_one() -> None:
    assert usage.figures((), environment("lab"), transactions=0) == {"memory_mib_total": 0}


def test_only_hosts_of_the_system_must_tell_what_they_used(monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment("qinghai")
    silent = {"load-a1"}

    def argv(_: Environment, host: Host, command: str) -> list[str]:
        return ["sh", "-c", "echo gone >&2" if host.name in silent else "echo 100"]

    monkeypatch.setattr(ssh, "ssh_argv", argv)
    assert set(usage.read(env)) == {host.name for host in env.hosts} - silent
    silent.add("ob-a1")
    with pytest.raises(usage.UsageError, match=r"^ob-a1: gone$"):
        usage.read(env)


def test_what_makes_load_is_not_counted_as_the_systems() -> None:
    rows = [
        usage.Row(host="app-a1", unit="loan", cpu_s=9.0, memory_mib=100.0),
        usage.Row(host="load-a1", unit="other", cpu_s=3.0, memory_mib=50.0),
    ]
    assert usage.figures(rows, environment("qinghai"), transactions=1000) == {
        "memory_mib_total": 100.0,
        "cpu_ms_per_transaction": 9.0,
        "cpu_ms_per_transaction_loan": 9.0,
        "cpu_ms_per_transaction_loadgen": 3.0,
    }


def test_how_busy_the_machine_was_comes_from_two_readings() -> None:
    before = machine.parse_cpu_times("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3")
    after = machine.parse_cpu_times("cpu  180 5 60 810 50 2 3 90 7 0\ncpu0 1 2 3")
    assert machine.figures(before, after) == {
        "machine_busy_s": 1.0,
        "machine_busy_percent": 50.0,
        "machine_stolen_percent": 45.0,
    }
    assert machine.figures(before, before) == {}


def test_the_fixed_loop_takes_time() -> None:
    assert machine.loop_ms() > 0


def test_the_garbage_collector_is_on_again_after_bulk_reading_that_failed() -> None:
    with bulk_reading():
        assert not gc.isenabled()
    with pytest.raises(KeyError), bulk_reading():
        raise KeyError("damaged")
    assert gc.isenabled()
