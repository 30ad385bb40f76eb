"""Two of the drills at a modest rate: the agents recover, nothing is doubled, and the roles come back.

Two more run in `test_cross_centre`.
"""

import json

import pytest

from inventory.model import Environment, Role
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import Finished, Run

RATE_PER_S = 200
DRILLS = ("primary-crash", "switchover-under-load")
"""Each makes the other database the primary; two of them bring the roles back."""


@pytest.fixture(scope="module")
def drilled(at_home: Environment, loanstack: Run, on_host: Run) -> dict[str, tuple[Finished, str]]:
    """The drills, one after the other; with each the host that was primary afterwards."""
    done = {}
    for name in DRILLS:
        finished = loanstack("drill", "lab", name, "--rate", str(RATE_PER_S), "--json")
        primary = [host for host in ("ob-a", "ob-b") if role_of(on_host, host) == "PRIMARY"]
        done[name] = (finished, ",".join(primary))
    return done


def role_of(on_host: Run, host: str) -> str:
    return str(on_host(host, "loanstack-db role").stdout.strip())


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_leaves_an_honest_history(drilled: dict[str, tuple[Finished, str]], name: str) -> None:
    finished, _ = drilled[name]
    assert finished.exit_code in {0, 1}, finished.output
    figures = finished.results["figures"]
    assert figures["acknowledged_doubled"] == 0
    assert figures["residue"] == 0
    assert figures["rto_ms_max"] > 0
    assert finished.results["verdict"] != "INVALID", finished.output


@pytest.mark.parametrize("name", DRILLS)
def test_both_databases_were_tried_all_the_time_and_never_took_writes_at_once(
    drilled: dict[str, tuple[Finished, str]], name: str
) -> None:
    figures = drilled[name][0].results["figures"]
    assert figures["two_primaries_seen"] == 0
    assert figures["probes_accepted"] > 50
    assert figures["probes"] > 200


def test_the_roles_swap_and_come_back(drilled: dict[str, tuple[Finished, str]], on_host: Run) -> None:
    assert [drilled[name][1] for name in DRILLS] == ["ob-b", "ob-a"]
    assert (role_of(on_host, "ob-a"), role_of(on_host, "ob-b")) == ("PRIMARY", "STANDBY")


def test_the_agents_history_is_in_the_record(drilled: dict[str, tuple[Finished, str]]) -> None:
    folders = sorted((PROJECT_ROOT / "runs").glob("*drill*/timeline.jsonl"))[-len(DRILLS) :]
    events = [{json.loads(line)["event"] for line in path.read_text().splitlines()} for path in folders]
    for name, seen in zip(DRILLS, events, strict=True):
        assert "promoted" in seen, name
        assert name.startswith("switchover") or {"detected", "decided", "fenced"} <= seen, name


def test_a_switchover_fails_no_request_and_loses_nothing(drilled: dict[str, tuple[Finished, str]]) -> None:
    figures = drilled["switchover-under-load"][0].results["figures"]
    assert (figures["errors"], figures["acknowledged_lost"]) == (0, 0)


def test_the_checkers_pass_over_the_last_drill(drilled: dict[str, tuple[Finished, str]]) -> None:
    folders = sorted((PROJECT_ROOT / "runs").glob("*drill*/findings.json"))
    assert folders
    findings = {f["name"]: f["verdict"] for f in json.loads(folders[-1].read_text())}
    for name in (
        "nothing_acknowledged_lost",
        "nothing_doubled",
        "one_primary_throughout",
        "ledger_balances",
        "entities_apart",
    ):
        assert findings[name] == "PASS", findings


def test_data_sources_are_at_the_primary_that_the_drills_left(
    drilled: dict[str, tuple[Finished, str]], deployed: Environment, on_host: Run
) -> None:
    for host in deployed.hosts_with(Role.TONGWEB):
        url = f"http://{host.address}:{deployed.tongweb.port}/portal/data-source"
        assert on_host(host.name, f"curl --silent --max-time 5 {url}").stdout == "PRIMARY\n", host.name


def test_a_deploy_after_the_drills_respects_the_roles(
    drilled: dict[str, tuple[Finished, str]], loanstack: Run
) -> None:
    again = loanstack("deploy", "lab", "--json")
    assert again.exit_code == 0, again.output
    assert again.results["figures"]["operations_changed"] == 0, again.output


def test_a_drill_whose_hypothesis_is_unmet_injects_nothing(
    drilled: dict[str, tuple[Finished, str]], loanstack: Run, on_host: Run
) -> None:
    assert on_host("mon-c", "systemctl stop etcd").exit_code == 0
    try:
        # A member that is stopped stays missing, however long the hypothesis is waited for.
        asked = ("--rate", str(RATE_PER_S), "--steady-within", "8s", "--json")
        refused = loanstack("drill", "lab", "primary-crash", *asked)
        assert role_of(on_host, "ob-a") == "PRIMARY"
    finally:
        assert on_host("mon-c", "systemctl start etcd").exit_code == 0
    assert refused.exit_code == 3, refused.output
    assert refused.results["verdict"] == "INVALID"
    assert "2 of 3 members; missing: mon-c" in refused.output


def test_unknown_drills_are_refused_by_name(loanstack: Run) -> None:
    for repeat in ("1", "2"):
        refused = loanstack("drill", "lab", "primary-crush", "--repeat", repeat)
        assert refused.exit_code == 2
        assert "primary-crash" in refused.stderr
        assert "all" in refused.stderr
