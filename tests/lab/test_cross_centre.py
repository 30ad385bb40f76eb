"""Writes that are acknowledged once two centres have them: nothing is lost, and a lone primary says so."""

import json
import re

import pytest

from inventory.places import PROJECT_ROOT
from tests.lab.conftest import LOANSTACK, CrossCentre, Finished, Run

RATE_PER_S = 200
DRILLS = ("primary-host-poweroff", "primary-paused")
"""Each makes the other database the primary; two of them bring the roles back."""

STEPS = re.compile("alone promoted (followed alone )*followed redundant")
"""A standby that is stopped for longer than `degrade_after_s` while it catches up is one more time gone."""


@pytest.fixture(scope="module")
def across(cross_centre: CrossCentre) -> CrossCentre:
    """The lab that was switched to `cross_centre`: by the module before, if that has run."""
    if not cross_centre.is_deployed:
        switched = cross_centre.deploy()
        assert switched.exit_code == 0, switched.output
    return cross_centre


@pytest.fixture(scope="module")
def drilled(across: CrossCentre) -> dict[str, Finished]:
    """The drills, one after the other."""
    return {name: across("drill", "lab", name, "--rate", str(RATE_PER_S), "--json") for name in DRILLS}


@pytest.mark.parametrize("name", DRILLS)
def test_nothing_that_was_acknowledged_is_lost(drilled: dict[str, Finished], name: str) -> None:
    done = drilled[name]
    assert done.results["verdict"] in {"PASS", "FAIL"}, done.output
    figures = done.results["figures"]
    assert (figures["acknowledged_lost"], figures["acknowledged_doubled"]) == (0, 0), done.output
    assert (figures["two_primaries_seen"], figures["residue"]) == (0, 0)
    assert figures["rto_ms_max"] > 0


def test_the_new_primary_is_alone_until_a_standby_has_all_of_it(
    drilled: dict[str, Finished], across: CrossCentre
) -> None:
    """Nobody waits for a standby that is not there, and each drill ends with one that has everything."""
    folders = sorted((PROJECT_ROOT / "runs").glob("*drill*/timeline.jsonl"))[-len(DRILLS) :]
    for folder in folders:
        events = [json.loads(line) for line in folder.read_text().splitlines()]
        # A change of roles before the fault left a lone primary, too, for a while.
        fault_s = next(event["at_s"] for event in events if event["event"] == "fault")
        told = [event["event"] for event in events if event["at_s"] >= fault_s]
        found = [event for event in told if event in {"alone", "promoted", "followed", "redundant"}]
        assert STEPS.fullmatch(" ".join(found)), found
    status = json.loads(across("failover", "status", "lab", "--json").stdout)
    assert status["leader"]["alone"] == "no"
    assert status["durability"] == "cross_centre"


def test_a_bad_word_for_it_is_refused_before_anything_happens(run: Run) -> None:
    wrong = run("env", "LOANSTACK_LAB_DURABILITY=both", str(LOANSTACK), "plan", "lab")
    assert wrong.exit_code == 2, wrong.output
    assert "failover.durability" in wrong.stderr
    assert "local, cross_centre" in wrong.stderr
