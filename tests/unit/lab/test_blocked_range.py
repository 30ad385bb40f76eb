"""After `lab down`, this machine still has no way to the lab's addresses."""

import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from inventory.lab import ENVIRONMENT
from lab import network_setup
from lab.network import LAB_RANGE, plan_of

PLAN = plan_of(ENVIRONMENT)
ROUTE = f"unreachable {LAB_RANGE}"


class Machine:
    """Stands for the kernel: it keeps the unreachable routes of each namespace."""

    def __init__(self) -> None:
        self.routes: dict[str | None, list[str]] = {}

    def run(self, command: Sequence[str], *, stdin: str = "", **_: Any) -> str:
        namespace = command[2] if command[:2] == ["ip", "-n"] else None
        routes = self.routes.setdefault(namespace, [])
        if command[-4:] == ["route", "show", "type", "unreachable"]:
            return "".join(f"{route} \n" for route in routes)
        for line in (line for line in stdin.splitlines() if line.startswith("route add unreachable")):
            route = line.removeprefix("route add ")
            assert route not in routes, "RTNETLINK answers: File exists"
            routes.append(route)
        return ""

    def run_unchecked(self, command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[:3] == ["ip", "route", "del"]:
            self.routes[None].remove(" ".join(command[3:]))
        if command[:3] == ["ip", "netns", "del"]:
            self.routes.pop(command[3], None)
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(network_setup, "run", machine.run)
    monkeypatch.setattr(network_setup.subprocess, "run", machine.run_unchecked)
    monkeypatch.setattr(network_setup, "namespaces", lambda: frozenset(PLAN.namespaces))
    return machine


def test_the_route_that_keeps_connections_here_outlives_the_lab(machine: Machine) -> None:
    network_setup.lay_common(PLAN)
    network_setup.remove_common(PLAN)
    assert machine.routes == {None: [ROUTE]}


def test_the_next_lab_takes_it_as_it_is(machine: Machine) -> None:
    for _ in range(2):
        network_setup.lay_common(PLAN)
        assert machine.routes[None] == [ROUTE]
        network_setup.remove_common(PLAN)


def test_it_is_no_remains_of_a_lab(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    network_setup.lay_common(PLAN)
    network_setup.remove_common(PLAN)
    monkeypatch.setattr(network_setup, "namespaces", frozenset)
    assert network_setup.leftovers(PLAN) == []
