"""Driving a load: what is read before its traffic and after it, in which order."""

from types import SimpleNamespace

import pytest

from loanstack.commands import load as module
from loanstack.commands.load import LoadParameters
from loanstack.judging.readings import Reading
from loanstack.measure.machine import CpuTimes
from loanstack.runs.task import Task

ASKED = LoadParameters(scenario="journey", rate_per_s=100.0, duration_s=10.0)
READING = Reading(hosts={}, portals={}, machine=CpuTimes(busy=0, idle=0, stolen=0))


def test_clocks_are_read_before_what_a_load_costs_and_after_it(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def note(step: str, value: object = None) -> object:
        steps.append(step)
        return value

    sampling = SimpleNamespace(end=lambda: note("sampler ends"))
    monkeypatch.setattr(module, "record_clocks", lambda env, folder, moment: note(f"clocks {moment}"))
    monkeypatch.setattr(module, "_read", lambda env: note("readings", READING))
    monkeypatch.setattr(module.sampler, "start", lambda task, database: note("sampler", sampling))
    traffic = SimpleNamespace(wait=lambda within_s: note("traffic", SimpleNamespace(returncode=0)))
    monkeypatch.setattr(task.processes, "start", lambda argv, **how: traffic)
    assert module._drive(task, ASKED) == (READING, READING)
    assert steps == [
        *("clocks begin", "readings", "sampler", "traffic"),
        *("readings", "sampler ends", "clocks end"),
    ]
