"""`load`: Locust and the replication sampler as subprocesses; figures, judge and checkers afterwards."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

from chaos import checkers, history
from chaos.findings import Finding, Verdict, worst
from inventory.model import Environment
from inventory.peer import DatabaseKind
from loadtests import budget, figures, hdr_log, judge, workers
from loadtests.options import curve_asked
from loadtests.schedule import Spacing
from loadtests.shape import CONSTANT
from loanstack import machine, processor, promises, sampler, usage
from loanstack.bulk import bulk_reading
from loanstack.commands.seed import seed
from loanstack.exits import ExitCode
from loanstack.runs import Results
from loanstack.task import CommandError, Task, tail

_LOCUST = ("-m", "locust", "-f", "loadtests/locustfile.py", "--headless")
_LONGER_THAN_LOAD_S = 90.0
"""What the generator may take beyond its duration: start, users, and the last answers' deadline."""
_LONGER_PER_S = 0.1
"""The same for each second of it: workers read their ledgers once more, and these are merged."""
_EXPORT_TIMEOUT_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a load run was asked for."""

    scenario: str
    rate_per_s: float | None
    """None: the shape brings its own."""
    duration_s: float
    shape: str = CONSTANT
    spacing: str = Spacing.EVEN
    abort_on_fail: bool = False
    workers: int | None = None
    """Processes that make the load together; None: one, by itself."""
    warm_up_s: float | None = None
    """How long the rate grows from nothing before that; None: as long as the generator is used to."""
    database: DatabaseKind = DatabaseKind.OCEANBASE
    """Which one the services work on."""

    @cached_property
    def mean_per_s(self) -> float:
        """The mean of the planned rate; a recorded day is read for it, once."""
        curve = curve_asked(self.shape, rate_per_s=self.rate_per_s, duration_s=self.duration_s)
        return curve.mean_per_s


def load(task: Task, asked: Asked, *, beside: AbstractContextManager[object] | None = None) -> Results:
    """Seed, drive the load, export the database and judge all of it.

    + beside: what is entered right before the traffic and left right after it

    Raises:
        CommandError: the load could not be driven or its record not be read.
    """
    env = task.env
    task.begin(promises.of_load(env.load_slo, env.deploy_slo, rate_per_s=asked.mean_per_s))
    measured: dict[str, float] = dict(seed(task))
    with task.step("load"), beside or nullcontext():
        times = machine.cpu_times()
        before, after = _drive(task, asked)
        measured |= machine.figures(times, machine.cpu_times())
    with task.step("export"):
        _export(task)
    with task.step("judge"), bulk_reading():
        judged, findings, values = _judge(task)
        measured |= values
        rows = usage.rows(before, after)
        transactions = values.get("transactions_acknowledged", 0.0)
        measured |= usage.figures(rows, env, transactions=transactions)
        task.folder.write_json(
            "hosts.json",
            {
                **usage.as_json(rows, transactions=transactions),
                "components": _components(task, rows, measured, transactions),
            },
        )
        task.save_findings(findings)
    found = [*findings, _costs(task, asked, measured)]
    results = Results(
        verb="load",
        environment=env.name,
        verdict=worst([Verdict(judged.verdict.value), *(finding.verdict for finding in found)]),
        reasons=(*judged.reasons, *(f"{f.name}: {reason}" for f in found for reason in f.reasons)),
        figures=measured,
    )
    return task.end(results)


def _drive(task: Task, asked: Asked) -> tuple[Mapping[str, usage.HostUsage], Mapping[str, usage.HostUsage]]:
    """Run the load with the sampler beside it, and return the hosts' usage before and after."""
    env, folder = task.env, task.folder.path
    options = {
        "--environment": env.name,
        "--scenario": asked.scenario,
        **({} if asked.rate_per_s is None else {"--rate": f"{asked.rate_per_s:g}"}),
        "--shape": asked.shape,
        "--spacing": asked.spacing,
        "--duration": f"{asked.duration_s:g}s",
        **({} if asked.warm_up_s is None else {"--warm-up": f"{asked.warm_up_s:g}s"}),
        "--run-folder": str(folder),
    }
    flags = ["--abort-on-fail"] if asked.abort_on_fail else []
    argv = [*_generator(env, asked.workers), *(part for pair in options.items() for part in pair), *flags]
    try:
        before = usage.read(env)
        sampling = sampler.start(task, asked.database)
        task.folder.note("load", at_s=time.time(), detail=f"{asked.mean_per_s:g} writes/s planned")
        done = task.processes.run(
            argv,
            log=task.log("locust"),
            timeout_s=asked.duration_s * (1 + _LONGER_PER_S) + _LONGER_THAN_LOAD_S,
            on_line=task.console.note,
            grace_s=30,
        )
        after = usage.read(env)
        sampling.end()
    except usage.UsageError as silent:
        raise CommandError(f"hosts do not answer: {silent}", code=ExitCode.INVALID) from None
    # What a lost worker means for the verdict is said by the record, which is whole all the same.
    if done.returncode != 0 and (asked.workers is None or done.returncode != workers.INVALID):
        raise CommandError(
            f"the load generator ended with status {done.returncode} and says:\n{tail(task.log('locust'))}",
            code=ExitCode.INVALID,
        )
    return before, after


def _generator(env: Environment, processes: int | None) -> list[str]:
    """Return the command that makes the load: one process where clients stand, or several."""
    if processes is not None:
        return [sys.executable, "-m", "loadtests.workers", "--workers", str(processes)]
    return [*env.client_command, sys.executable, *_LOCUST]


def _export(task: Task) -> None:
    argv = [sys.executable, "-m", "chaos.export", task.env.name, "--run-folder", str(task.folder.path)]
    done = task.processes.run(argv, log=task.log("export"), timeout_s=_EXPORT_TIMEOUT_S)
    if done.returncode != 0:
        problem = f"the database could not be exported:\n{tail(task.log('export'))}"
        raise CommandError(problem, code=ExitCode.INVALID)


def _judge(task: Task) -> tuple[judge.Judgement, tuple[Finding, ...], dict[str, float]]:
    """Return the verdict over the figures, the checkers' findings, and all figures."""
    folder = task.folder.path
    try:
        found = figures.of_folder(folder)
        records = history.read_run(folder)
    except (FileNotFoundError, ValueError) as damaged:
        raise CommandError(f"the record of the load is not whole: {damaged}", code=ExitCode.INVALID) from None
    codes = tuple(entity.code for entity in task.env.entities)
    context = history.Context(entity_numbers=history.entity_numbers(codes), samples=records.samples)
    saved = history.History(
        writes=records.writes, journal=records.journal, limits=records.limits, context=context
    )
    findings = checkers.judge(saved, checkers.LOAD_CHECKERS)
    if not (folder / hdr_log.HDR_FILE).exists():
        # Workers leave the sum of their own.
        hdr_log.write(folder, found)
    values = dict(found.values)
    values |= budget.figures(found, task.env.load_slo)
    for finding in findings:
        values |= finding.figures
    return judge.judge(found, task.env.load_slo), findings, values


def _components(
    task: Task, rows: Sequence[usage.Row], measured: Mapping[str, float], transactions: float
) -> dict[str, float]:
    if not transactions:
        return {}
    found = processor.by_component(rows, transactions=transactions)
    # Elsewhere the hosts' kernels run on machines of their own.
    return processor.with_machine(found, measured, transactions=transactions) if task.env.is_lab else found


def _costs(task: Task, asked: Asked, measured: Mapping[str, float]) -> Finding:
    """Return whether the load cost the hosts more than it may."""
    promised = promises.of_hosts(task.env.load_slo, task.env.deploy_slo, rate_per_s=asked.mean_per_s)
    verdict, reasons = promises.judge(promised, measured)
    return Finding(name="costs", verdict=verdict, reasons=reasons)
