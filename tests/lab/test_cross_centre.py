"""Writes that are acknowledged once two centres have them: a crash loses none, and a lone primary says so."""

import json

import pytest

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import LOANSTACK, Finished, Run

RATE_PER_S = 200


@pytest.fixture(scope="module")
def across(deployed: Environment, run: Run) -> Run:
    """Commands on a lab that was switched to `cross_centre`, and stays so: it is not deployed on later."""

    def command(*arguments: str) -> Finished:
        return run("env", "LOANSTACK_LAB_DURABILITY=cross_centre", str(LOANSTACK), *arguments)

    switched = command("deploy", "lab", "--json")
    assert switched.exit_code == 0, switched.output
    return command


@pytest.fixture(scope="module")
def crashed(across: Run) -> Finished:
    return across("drill", "lab", "primary-crash", "--rate", str(RATE_PER_S), "--json")


def test_a_crash_loses_nothing_that_was_acknowledged(crashed: Finished) -> None:
    assert crashed.results["verdict"] in {"PASS", "FAIL"}, crashed.output
    figures = crashed.results["figures"]
    assert (figures["acknowledged_lost"], figures["acknowledged_doubled"]) == (0, 0), crashed.output
    assert (figures["two_primaries_seen"], figures["residue"]) == (0, 0)


def test_the_new_primary_is_alone_until_a_standby_has_all_of_it(crashed: Finished, across: Run) -> None:
    """Nobody waits for a standby that is not there, and the drill ends with one that has everything."""
    folder = sorted((PROJECT_ROOT / "runs").glob("*drill*/timeline.jsonl"))[-1]
    events = [json.loads(line) for line in folder.read_text().splitlines()]
    # The hand-over of the deploy before it left a lone primary, too, for a while.
    fault_s = next(event["at_s"] for event in events if event["event"] == "fault")
    told = [event["event"] for event in events if event["at_s"] >= fault_s]
    found = [event for event in told if event in {"alone", "promoted", "followed", "redundant"}]
    assert found[:2] == ["alone", "promoted"]
    assert "followed" in found
    status = json.loads(across("failover", "status", "lab", "--json").stdout)
    assert status["leader"]["alone"] in {"no", "ending"}
    assert status["durability"] == "cross_centre"


def test_a_bad_word_for_it_is_refused_before_anything_happens(run: Run) -> None:
    wrong = run("env", "LOANSTACK_LAB_DURABILITY=both", str(LOANSTACK), "plan", "lab")
    assert wrong.exit_code == 2, wrong.output
    assert "failover.durability" in wrong.stderr
    assert "local, cross_centre" in wrong.stderr
