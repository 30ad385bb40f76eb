"""What a run tells other programs, and that one host's trouble stays its own."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from pyinfra.api import FactBase
from pyinfra.api.command import StringCommand
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import FactProcessError
from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import add_op, operation
from pyinfra.api.operations import run_ops
from pyinfra.api.state import State
from pyinfra.context import host

from deploys import summary
from deploys.operations.barrier import barrier
from deploys.operations.refusal import refusal

RESPONSES = {
    "not right here": {"success": False, "stderr": "not right here"},
    "seven": {"success": True, "stdout": "seven"},
}


@operation()
def _written() -> Generator[StringCommand, None, None]:
    yield StringCommand("write something")


@operation()
def _refused() -> Generator[StringCommand, None, None]:
    yield refusal("it's not right here; do this instead")


class _Asked(FactBase[list[str]]):
    """A fact that cannot be loaded; or, where the host answers, cannot be processed."""

    def command(self, what: str) -> str:
        return what

    def process(self, output: list[str]) -> list[str]:
        raise FactProcessError(f"no number: {output}")


@operation()
def _looks(what: str) -> Generator[StringCommand, None, None]:
    host.get_fact(_Asked, what=what)
    yield StringCommand("write something")


@pytest.fixture
def state() -> State:
    data = {"fake_delay": 0, "fake_delay_jitter": 0, "fake_responses": RESPONSES}
    inventory = Inventory((["@fake/one", "@fake/two"], data))  # type: ignore[no-untyped-call]
    state = State(inventory, check_for_changes=False)
    connect_all(state)
    return state


def test_summary_counts_by_host_and_names_the_failing_one(state: State, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    summary.attach(state, str(path))
    summary.attach(state, str(path))
    one, two = state.inventory.get_host("@fake/one"), state.inventory.get_host("@fake/two")
    add_op(state, _written, name="Write")  # type: ignore[no-untyped-call]
    add_op(state, barrier, name="Barrier")  # type: ignore[no-untyped-call]
    add_op(state, barrier, name="Refuse", host=one)  # type: ignore[no-untyped-call]
    add_op(state, _refused, name="Refuse", host=two)  # type: ignore[no-untyped-call]
    add_op(state, _written, name="Go on")  # type: ignore[no-untyped-call]
    run_ops(state)
    found = json.loads(path.read_text())
    assert found["hosts"]["@fake/one"] == {
        "operations": 4,
        "changed": 2,
        "failed": 0,
        "error": None,
        "changes": ["Write", "Go on"],
    }
    assert found["hosts"]["@fake/two"] == {
        "operations": 3,
        "changed": 1,
        "failed": 1,
        "error": "Refuse: not right here",
        "changes": ["Write"],
    }
    assert [step["name"] for step in found["steps"]] == ["Write", "Barrier", "Refuse", "Go on"]
    assert len(state.callback_handlers) == 1, "attached once, however many hosts ask"


def test_the_last_host_left_that_fails_is_in_the_summary(tmp_path: Path) -> None:
    """It ends the run within the operation: a program of its own, as an end is what this is about."""
    script = f"""
from tests.plan.test_run import *
from tests.plan.test_run import _refused

data = {{"fake_delay": 0, "fake_delay_jitter": 0, "fake_responses": RESPONSES}}
state = State(Inventory((["@fake/one"], data)), check_for_changes=False)
connect_all(state)
summary.attach(state, {str(tmp_path / "summary.json")!r})
add_op(state, _refused, name="Refuse")
run_ops(state)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "No hosts remaining" in done.stderr
    found = json.loads((tmp_path / "summary.json").read_text())["hosts"]["@fake/one"]
    assert (found["failed"], found["error"]) == (1, "Refuse: not right here")


def test_a_host_that_could_not_be_reached_is_in_the_summary(state: State, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    summary.attach(state, str(path))
    two = state.inventory.get_host("@fake/two")
    state.activated_hosts.discard(two)
    state.fail_hosts({two})
    add_op(state, _written, name="Write")  # type: ignore[no-untyped-call]
    run_ops(state)
    found = json.loads(path.read_text())["hosts"]["@fake/two"]
    assert (found["failed"], found["error"]) == (1, "could not connect")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (
            "it is not right here",
            "could not load fact: {name} what=it is not right here / not right here",
        ),
        (
            "seven",
            "could not process fact: {name} what=seven / FactProcessError: no number: ['seven']",
        ),
    ],
)
def test_a_fact_that_fails_is_named_with_what_the_host_said(
    state: State, tmp_path: Path, asked: str, error: str
) -> None:
    path = tmp_path / "summary.json"
    summary.attach(state, str(path))
    two = state.inventory.get_host("@fake/two")
    add_op(state, _looks, name="Look", host=two, what=asked)  # type: ignore[no-untyped-call]
    add_op(state, _written, name="Write")  # type: ignore[no-untyped-call]
    run_ops(state)
    found = json.loads(path.read_text())["hosts"]["@fake/two"]
    assert (found["failed"], found["error"]) == (1, error.format(name=_Asked.name))
