"""`load --find-capacity`: runs loads at one rate after another until the highest kept rate is known."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.table import Table

from chaos.system.world import WorldError
from loadtests.results import run_info
from loanstack.capacity import evidence, prometheus
from loanstack.capacity.bottleneck import statement
from loanstack.capacity.conclusion import Conclusion, conclude
from loanstack.capacity.cool_down import cool_down
from loanstack.capacity.database_watch import DatabaseWatch
from loanstack.capacity.probed import CAPACITY_FILE, CURVE_FIGURES, Probed, as_json, knee_of, ran_out
from loanstack.capacity.search import Search, next_rate
from loanstack.commands.load import LoadParameters, load
from loanstack.runs.console import COLOUR_OF
from loanstack.runs.folder import FINDINGS_FILE, Results
from loanstack.runs.task import CommandError, InterruptedWith, Task
from processes.child import CommandTimeoutError
from proof import objectives, promised
from proof.exits import ExitCode
from proof.objectives import OBJECTIVES_FILE
from proof.titles import number
from proof.verdict import Verdict

WARM_UP_S = 10.0
"""Warm-up before each probe, in which the rate grows from 0; half of the probe if that is shorter."""


@dataclass(frozen=True, kw_only=True)
class CapacityParameters:
    """The parameters that a search was asked for."""

    search: Search
    probe_duration_s: float
    within_s: float
    """Time limit of the search: a probe that would end later is not started."""

    def at(self, asked: LoadParameters, rate_per_s: int) -> LoadParameters:
        """Return the load parameters of a probe at `rate_per_s`."""
        warm_up_s = min(WARM_UP_S, self.probe_duration_s / 2.0)
        return replace(
            asked, rate_per_s=float(rate_per_s), duration_s=self.probe_duration_s, warm_up_s=warm_up_s
        )

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters that the report shows."""
        search = self.search
        return {
            "from": search.from_per_s,
            "to": search.to_per_s,
            "resolution_percent": 100 * search.resolution,
            "probe_duration_s": self.probe_duration_s,
            "repeats": search.repeats,
        }


def find_capacity(task: Task, asked: LoadParameters, how: CapacityParameters) -> Results:
    """Search the highest rate at which a load keeps every promise, and return the results.

    + asked: parameters of every probe, except rate and duration

    Raises:
        CommandError: a probe was refused.
        InterruptedWith: Ctrl-C; holds the results so far.
    """
    task.begin(promised.of_capacity(task.env.load_slo))
    done: list[Probed] = []
    try:
        ended = _probe_all(task, asked, how, done)
    except KeyboardInterrupt:
        task.processes.end_all()
        why = f"interrupted after {len(done)} whole probes"
        raise InterruptedWith(_finish(task, how.search, done, ended=why)) from None
    return task.end(_finish(task, how.search, done, ended=ended))


def _probe_all(task: Task, asked: LoadParameters, how: CapacityParameters, done: list[Probed]) -> str | None:
    """Probe until the search is over; return why it ended early, or None."""
    until_s = time.monotonic() + how.within_s
    longest_s = how.probe_duration_s
    while (rate := next_rate(how.search, [one.probe for one in done])) is not None:
        began_s = time.monotonic()
        if began_s + longest_s > until_s:
            return f"the search was not over within {how.within_s:g} s (--within)"
        done.append(_probe(task, how.at(asked, rate), len(done) + 1))
        _say(task, done[-1])
        _save(task, how.search, done, _conclude(how.search, done))
        if done[-1].is_corrupt:
            return None
        try:
            with task.step(f"cool-down {len(done)}"):
                cool_down(task.env, asked.database)
        except WorldError as restless:
            return f"after {rate:,}/s the environment did not come to rest: {restless}"
        longest_s = max(longest_s, time.monotonic() - began_s)
    return None


def _probe(task: Task, asked: LoadParameters, count: int) -> Probed:
    """Make one probe: an ordinary load in its own folder, with machine and databases watched."""
    rate = round(asked.mean_per_s)
    folder = f"{count}-probe-{rate}-per-s"
    part = task.part(folder, scenario=asked.scenario, rate=rate, duration_s=asked.duration_s)
    task.console.say(f"probe {count}: {rate:,}/s for {asked.duration_s:g} s")
    with task.step(folder):
        try:
            results = load(part, asked, beside=DatabaseWatch(part))
            _save_prometheus(part)
        except (CommandError, CommandTimeoutError) as failed:
            if getattr(failed, "code", ExitCode.INVALID) is not ExitCode.INVALID:
                raise
            # A probe that could not be driven is INVALID, and the search tries its rate again.
            results = part.end(_unfinished(part, str(failed)))
        except KeyboardInterrupt:
            task.processes.end_all()
            part.end(_unfinished(part, "interrupted"))
            raise
    findings = part.folder.read_json(FINDINGS_FILE) or ()
    return Probed(
        folder=folder,
        rate_per_s=rate,
        verdict=results.verdict,
        reasons=results.reasons,
        figures={name: results.figures[name] for name in CURVE_FIGURES if name in results.figures},
        ran_out=statement(evidence.of_folder(part.folder.path, task.env)),
        is_corrupt=any(finding["verdict"] == Verdict.FAIL for finding in findings),
    )


def _save_prometheus(part: Task) -> None:
    load_info = run_info.read(part.folder.path)
    until_s = load_info.start_s + load_info.measured_s
    prometheus.save(part.env, part.folder, from_s=load_info.start_s, until_s=until_s)


def _unfinished(part: Task, why: str) -> Results:
    return Results(verb="load", environment=part.env.name, verdict=Verdict.INVALID, reasons=(why,))


def _conclude(search: Search, done: Sequence[Probed], *, ended: str | None = None) -> Conclusion:
    wrong = next((f"{one.folder}: {'; '.join(one.reasons)}" for one in done if one.is_corrupt), None)
    return conclude(search, [one.probe for one in done], ended=ended, corrupt=wrong)


def _save(task: Task, search: Search, done: Sequence[Probed], found: Conclusion) -> None:
    limit_ms = task.env.load_slo.latency_p99_ms_max
    task.folder.write_json(CAPACITY_FILE, as_json(search, done, found, limit_ms=limit_ms))


def _finish(task: Task, search: Search, done: Sequence[Probed], *, ended: str | None) -> Results:
    """Conclude from the probes; save, print and return the results."""
    found = _conclude(search, done, ended=ended)
    _save(task, search, done, found)
    figures = dict(found.figures)
    at_knee = knee_of(done)
    if at_knee is not None:
        figures["knee_tps"] = at_knee
    if "capacity_tps" not in figures and found.verdict is Verdict.PASS:
        # A lower bound that is high enough keeps the promise, but it is not the capacity.
        at_least = promised.of_capacity(task.env.load_slo, figure="capacity_tps_low")
        task.folder.write_json(OBJECTIVES_FILE, objectives.to_list(at_least))
    if done:
        task.console.table(table(done))
    for line in (*found.summary, ran_out(done)):
        if line is not None:
            task.console.say(line)
    return Results(
        verb="load",
        environment=task.env.name,
        verdict=found.verdict,
        reasons=found.reasons,
        figures=figures,
        children=tuple(one.folder for one in done),
    )


def _say(task: Task, one: Probed) -> None:
    task.console.say(f"   {one.verdict.value}{_p99(one)}; {one.ran_out}")
    for reason in one.reasons:
        task.console.say(f"   - {reason}")


def _p99(one: Probed) -> str:
    p99_ms = one.figures.get("latency_p99_ms")
    return "" if p99_ms is None else f", p99 {number(round(p99_ms))} ms"


def table(done: Sequence[Probed]) -> Table:
    """Return one row for each probe, in the order in which they were made; fits 80 columns."""
    shown = Table("probe", "per second", "acknowledged", "p50 ms", "p99 ms", "", box=None, pad_edge=False)
    for column in shown.columns[:-1]:
        column.justify = "right"
    for count, one in enumerate(done, start=1):
        figures = (one.figures.get(name) for name in ("tps_acknowledged", "latency_p50_ms", "latency_p99_ms"))
        cells = ("-" if value is None else number(round(value)) for value in figures)
        verdict = f"[{COLOUR_OF[one.verdict]}]{one.verdict.value}[/]"
        shown.add_row(str(count), f"{one.rate_per_s:,}", *cells, verdict)
    return shown
