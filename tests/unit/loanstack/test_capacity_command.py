"""`loanstack load --find-capacity`: probes in folders of their own, how it ends, what it refuses."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from chaos.system.world import WorldError
from loanstack.capacity.search import Search
from loanstack.cli import load, main
from loanstack.commands import capacity as module
from loanstack.commands.capacity import CapacityParameters, find_capacity
from loanstack.commands.load import LoadParameters
from loanstack.commands.verb import run_verb
from loanstack.report.page import render
from loanstack.report.reading import read
from loanstack.runs.folder import Results, RunFolder
from loanstack.runs.task import CommandError, InterruptedWith, Task
from proof.exits import ExitCode
from proof.verdict import Finding, Verdict

HOW = CapacityParameters(
    search=Search(from_per_s=400, to_per_s=10_000, resolution=0.1, repeats=1, promised_per_s=1200),
    probe_duration_s=20.0,
    within_s=3600.0,
)
ASKED = LoadParameters(scenario="journey", rate_per_s=None, duration_s=120.0)


@dataclass
class Loads:
    """Stands for the load: what a system with this capacity shows."""

    capacity: float = 1250.0
    rates: list[float] = field(default_factory=list)
    trouble: dict[int, Callable[[Task], Results]] = field(default_factory=dict)
    """Number of a probe -> what it does instead."""
    watched: list[str] = field(default_factory=list)

    def load(self, task: Task, asked: LoadParameters, *, beside: AbstractContextManager[object]) -> Results:
        task.begin(())
        assert asked.rate_per_s is not None
        self.rates.append(asked.rate_per_s)
        assert (asked.duration_s, asked.warm_up_s) == (HOW.probe_duration_s, 10.0)
        with beside:
            pass
        if len(self.rates) in self.trouble:
            return self.trouble[len(self.rates)](task)
        kept = asked.rate_per_s <= self.capacity
        return task.end(shown(Verdict.PASS if kept else Verdict.FAIL, 20.0 if kept else 900.0))


def shown(verdict: Verdict, p99_ms: float = 20.0) -> Results:
    reasons = () if verdict is Verdict.PASS else ("latency p99 was too long",)
    figures = {"latency_p50_ms": p99_ms / 2, "latency_p99_ms": p99_ms, "tps_acknowledged": 400.0}
    return Results(verb="load", environment="lab", verdict=verdict, reasons=reasons, figures=figures)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Loads:
    found = Loads()

    @contextmanager
    def watched(part: Task) -> Iterator[None]:
        found.watched.append(part.folder.path.name)
        yield

    monkeypatch.setattr(module, "load", found.load)
    monkeypatch.setattr(module, "DatabaseWatch", watched)
    monkeypatch.setattr(module, "_save_prometheus", lambda part: None)
    monkeypatch.setattr(module, "cool_down", lambda env, database: None)
    monkeypatch.setattr("loanstack.runs.task.secrecy.leaks", lambda folder, secrets_file: ())
    return found


def test_each_probe_is_a_load_of_its_own_and_every_one_is_seen(loads: Loads, task: Task) -> None:
    results = find_capacity(task, ASKED, HOW)
    assert loads.rates == [400, 800, 1600, 1200, 1386, 1290]
    assert list(results.children) == loads.watched
    assert results.children[3] == "4-probe-1200-per-s"
    assert all((task.folder.path / child / "results.json").exists() for child in results.children)
    assert (results.verdict, results.reasons) == (Verdict.PASS, ())
    figures = results.figures
    assert (figures["capacity_tps"], figures["capacity_tps_high"], figures["capacity_probes"]) == (
        1200,
        1290,
        6,
    )
    assert figures["knee_tps"] == 1200
    page = render(read(task.folder.path))
    assert page.count("<details>") == 6
    assert 'aria-label="Latency over rate"' in page
    assert "1,200/s keep every promise, 1,290/s do not" in page
    assert "At least one promise" not in page


def test_a_capacity_below_the_promise_fails(loads: Loads, task: Task) -> None:
    loads.capacity = 1000.0
    results = find_capacity(task, ASKED, HOW)
    assert results.verdict is Verdict.FAIL
    assert results.figures["capacity_tps"] <= 1000.0
    assert "promised: at least 1,200/s" in results.reasons[0]


def test_a_lower_bound_is_promised_by_its_own_name(loads: Loads, task: Task) -> None:
    loads.capacity = 1e9
    results = find_capacity(task, ASKED, replace(HOW, search=replace(HOW.search, to_per_s=1300)))
    assert results.verdict is Verdict.PASS
    assert "capacity_tps" not in results.figures
    assert [p["figure"] for p in task.folder.read_json("objectives.json")] == ["capacity_tps_low"]
    assert "at least 1,300/s" in render(read(task.folder.path))


def test_a_probe_that_could_not_be_driven_is_made_again(loads: Loads, task: Task) -> None:
    def silent(part: Task) -> Results:
        raise CommandError("hosts do not answer: ob-a", code=ExitCode.INVALID)

    loads.trouble[2] = silent
    results = find_capacity(task, ASKED, HOW)
    assert loads.rates[:4] == [400, 800, 800, 1600]
    assert (results.verdict, results.figures["capacity_probes_invalid"]) == (Verdict.PASS, 1)
    again = RunFolder(path=task.folder.path / "2-probe-800-per-s").read_results()
    assert (again.verdict, again.reasons) == (Verdict.INVALID, ("hosts do not answer: ob-a",))


def test_what_is_refused_ends_the_search(loads: Loads, task: Task) -> None:
    def refused(part: Task) -> Results:
        raise CommandError("no such scenario")

    loads.trouble[1] = refused
    with pytest.raises(CommandError, match="no such scenario"):
        find_capacity(task, ASKED, HOW)


def test_money_that_is_wrong_ends_the_search_at_once(loads: Loads, task: Task) -> None:
    def corrupt(part: Task) -> Results:
        part.save_findings([Finding(name="nothing_doubled", verdict=Verdict.FAIL, reasons=("1 twice",))])
        return part.end(shown(Verdict.FAIL))

    loads.trouble[3] = corrupt
    results = find_capacity(task, ASKED, HOW)
    assert len(loads.rates) == 3
    assert results.verdict is Verdict.FAIL
    assert results.reasons[0].startswith("3-probe-1600-per-s: ")


def test_an_environment_that_does_not_come_to_rest_ends_it(
    loads: Loads, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def restless(env: object, database: object) -> None:
        raise WorldError("the standby is 900 ms behind")

    monkeypatch.setattr(module, "cool_down", restless)
    results = find_capacity(task, ASKED, HOW)
    assert (results.verdict, len(loads.rates)) == (Verdict.INVALID, 1)
    assert "the standby is 900 ms behind" in results.reasons[0]


def test_no_probe_begins_that_would_end_too_late(
    loads: Loads, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s[0])

    def takes_30_s(env: object, database: object) -> None:
        now_s[0] += 30.0

    monkeypatch.setattr(module, "cool_down", takes_30_s)
    results = find_capacity(task, ASKED, replace(HOW, within_s=100.0))
    assert (len(loads.rates), results.verdict) == (3, Verdict.INVALID)
    assert "--within" in results.reasons[0]
    assert results.figures["capacity_tps_low"] == 800


def test_ctrl_c_keeps_what_was_found(
    loads: Loads, task: Task, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(part: Task) -> Results:
        raise KeyboardInterrupt

    loads.trouble[4] = interrupted
    monkeypatch.setattr("loanstack.commands.verb.RUNS_DIR", tmp_path / "runs")
    monkeypatch.setattr("loanstack.commands.verb.require_reachable", lambda env: None)
    with pytest.raises(InterruptedWith):
        run_verb("load", "lab", lambda one: find_capacity(one, ASKED, HOW), machine_readable=True)
    folder = RunFolder(path=tmp_path / "runs" / "latest")
    results = folder.read_results()
    assert (results.verdict, results.reasons) == (Verdict.INVALID, ("interrupted after 3 whole probes",))
    assert results.figures["capacity_tps_low"] == 800
    assert len(results.children) == 3
    assert folder.read_json("capacity.json")["says"][0].endswith("at least 800/s, below 1,600/s")
    ended = RunFolder(path=folder.path / "4-probe-1200-per-s").read_results()
    assert (ended.verdict, ended.reasons) == (Verdict.INVALID, ("interrupted",))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--find-capacity", "--rate", "100"), ("--rate",)),
        (("--find-capacity", "--shape", "ramp:1..2"), ("--shape",)),
        (("--find-capacity", "--duration", "30s"), ("--duration",)),
        (("--find-capacity", "--from", "0"), ("--from 0",)),
        (("--find-capacity", "--from", "100", "--to", "100"), ("--to 100",)),
        (("--find-capacity", "--resolution", "nan"), ("--resolution nan",)),
        (("--find-capacity", "--resolution", "0.5", "--repeats", "0"), ("--resolution 0.5", "--repeats 0")),
        (("--find-capacity", "--probe-duration", "3s"), ("--probe-duration 3s",)),
        (("--find-capacity", "--probe-duration", "4.5s"), ("--probe-duration 4.5s", "whole seconds")),
        (("--find-capacity", "--within", "10s"), ("--within 10s",)),
        (("--find-capacity", "--from", "50", "--probe-duration", "4s"), ("at least 250", "proves nothing")),
        (("--from", "50", "--repeats", "2"), ("--from", "--repeats", "only with --find-capacity")),
        (("--find-capacity", "--scenario", "multi-entity"), ("--scenario multi-entity", "storm")),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_happens(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(load, "run_verb", lambda *_, **__: pytest.fail("something happened"))
    done = CliRunner().invoke(main.cli, ["load", "lab", *arguments])
    assert done.exit_code == ExitCode.USAGE
    assert all(word in done.output for word in words), done.output


def test_a_search_is_asked_for_with_the_promise_of_the_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[LoadParameters, CapacityParameters]] = []
    monkeypatch.setattr(load, "find_capacity", lambda task, asked, how: seen.append((asked, how)))
    monkeypatch.setattr(load, "run_verb", lambda verb, env, work, **_: work(None))
    options = ("--find-capacity", "--from", "200", "--to", "3000", "--resolution", "2.5", "--repeats", "5")
    done = CliRunner().invoke(main.cli, ["load", "lab", *options, "--scenario", "read-mostly"])
    assert done.exit_code == 0, done.output
    ((asked, how),) = seen
    assert how.search == Search(
        from_per_s=200, to_per_s=3000, resolution=0.025, repeats=5, promised_per_s=1200
    )
    assert (how.probe_duration_s, asked.scenario) == (30.0, "read-mostly")
