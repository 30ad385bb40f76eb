"""`load`: Locust and the replication sampler as subprocesses; figures, judge and checkers afterwards."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property

from chaos import checker_sets, checkers, contention, history
from chaos.findings import Finding, Verdict, worst
from inventory.model import Environment, Role
from inventory.peer import DatabaseKind
from loadtests import budget, figures, fingerprint, hdr_log, judge, workers, workers_remote
from loadtests.options import DEFAULT_WARM_UP_S, curve_asked
from loadtests.scenarios import SCENARIOS
from loadtests.schedule import Spacing
from loadtests.shape import CONSTANT
from loadtests.workers_places import Place, hosts_of, not_on_hosts
from loanstack import machine, portal_counts, processor, promises, sampler, slowness, usage
from loanstack.beside.asked import BesideAsked
from loanstack.beside.companion import Companion
from loanstack.bulk import bulk_reading
from loanstack.capacity import machine_watch
from loanstack.commands.seed import seed
from loanstack.exits import ExitCode
from loanstack.promises import Promise
from loanstack.runs import Results
from loanstack.task import CommandError, Task, tail

_LOCUST = ("-m", "locust", "-f", "loadtests/locustfile.py", "--headless")
_LONGER_THAN_LOAD_S = 90.0
"""What the generator may take beyond its duration: start, users, and the last answers' deadline."""
_LONGER_PER_S = 0.1
"""The same for each second of it: workers read their ledgers once more, and these are merged."""
_EXPORT_WITHIN_S, _EXPORTED_PER_S = 120.0, 5_000.0
"""What the export of one table may take: so long, and what was written in addition, at this rate."""


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
    workers: tuple[Place, ...] = ()
    """Processes that make the load together; none: one, by itself."""
    warm_up_s: float | None = None
    """How long the rate grows from nothing before that; None: as long as the generator is used to."""
    beside: BesideAsked = field(default_factory=BesideAsked)
    """What runs beside the transactions."""
    database: DatabaseKind = DatabaseKind.OCEANBASE
    """Which one the services work on."""

    @cached_property
    def mean_per_s(self) -> float:
        """The mean of the planned rate, in whole writes; a recorded day is read for it, once."""
        curve = curve_asked(
            self.shape, rate_per_s=self.rate_per_s, duration_s=self.duration_s, scenario=self.scenario
        )
        return curve.mean_per_s * round(curve.writes) / curve.writes


def load(task: Task, asked: Asked, *, beside: AbstractContextManager[object] | None = None) -> Results:
    """Seed, drive the load, export the database and judge all of it.

    + beside: what is entered right before the traffic and left right after it

    Raises:
        CommandError: the load could not be driven or its record not be read, or hosts cannot make it.
    """
    env = task.env
    _require_load_hosts(env, asked)
    promised = promises.of_load(
        env.load_slo, env.deploy_slo, rate_per_s=asked.mean_per_s, scenario=asked.scenario
    )
    task.begin(promised)
    measured: dict[str, float] = dict(seed(task))
    companions = _companions(task, asked)
    if env.is_lab:
        # What a deploy and the seeding wrote would be flushed amid the load, and commits would wait for it.
        with task.step("flush"):
            os.sync()
    measured["machine_loop_ms"] = machine.loop_ms()
    with task.step("load"), ExitStack() as entered:
        entered.enter_context(machine_watch.MachineWatch(task.folder.path))
        for each in (*companions, *([] if beside is None else [beside])):
            entered.enter_context(each)
        times = machine.cpu_times()
        counted = portal_counts.read(env)
        before, after = _drive(task, asked)
        services = portal_counts.shares(counted, portal_counts.read(env), env)
        measured |= machine.figures(times, machine.cpu_times())
    with task.step("export"):
        _export(task, writes=asked.mean_per_s * asked.duration_s)
    with task.step("judge"), bulk_reading():
        judged, findings, values = _judge(task, asked, companions)
        measured |= values
        rows = usage.rows(before, after)
        measured |= portal_counts.figures(services)
        # What hosts used was read before the warm-up and after the last answer.
        transactions = values.get("transactions_with_warm_up", 0.0)
        measured |= usage.figures(rows, env, transactions=transactions, requests=values.get("requests", 0.0))
        measured |= machine_watch.figures(task.folder.path, measured, is_lab=env.is_lab)
        components = _components(task, rows, measured, transactions)
        task.folder.write_json(
            "hosts.json",
            {
                **usage.as_json(rows, transactions=transactions),
                "components": components,
                "services": portal_counts.as_json(services),
            },
        )
        task.save_findings(findings)
    if components:
        task.console.say(processor.told(components))
    verdict, reasons = _composed(judged, findings, promised, measured)
    if slowness.is_too_slow(promised, measured):
        reasons.append(slowness.explanation(task.folder.path, env, measured))
    results = Results(
        verb="load",
        environment=env.name,
        verdict=verdict,
        reasons=tuple(reasons),
        figures=measured,
    )
    return task.end(results)


def _require_load_hosts(env: Environment, asked: Asked) -> None:
    """Make sure, before anything is done, that the hosts which are to make the load can."""
    hosts = hosts_of(asked.workers)
    if not hosts:
        return
    problems = not_on_hosts(shape=asked.shape, target=None)
    problems = problems or workers_remote.problems(env, hosts, version=fingerprint.of_code())
    if problems:
        raise CommandError("--workers: " + "; ".join(problems))


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
    if done.returncode != 0 and (not asked.workers or done.returncode != workers.INVALID):
        raise CommandError(
            f"the load generator ended with status {done.returncode} and says:\n{tail(task.log('locust'))}",
            code=ExitCode.INVALID,
        )
    return before, after


def _generator(env: Environment, where: tuple[Place, ...]) -> list[str]:
    """Return the command that makes the load: one process where clients stand, or several."""
    if not where:
        return [*env.client_command, sys.executable, *_LOCUST]
    workers_module = [sys.executable, "-m", "loadtests.workers"]
    hosts = hosts_of(where)
    if not hosts:
        return [*workers_module, "--workers", str(len(where))]
    names, per_host = ",".join(host.name for host in hosts), len(where) // len(hosts)
    return [*workers_module, "--workers", names, "--processes-per-host", str(per_host)]


def _export(task: Task, *, writes: float) -> None:
    within_s = _EXPORT_WITHIN_S + writes / _EXPORTED_PER_S
    options = ["--run-folder", str(task.folder.path), "--within", f"{within_s:.0f}"]
    argv = [sys.executable, "-m", "chaos.export", task.env.name, *options]
    done = task.processes.run(argv, log=task.log("export"), timeout_s=3.0 * within_s)
    if done.returncode != 0:
        problem = f"the database could not be exported:\n{tail(task.log('export'))}"
        raise CommandError(problem, code=ExitCode.INVALID)


def _companions(task: Task, asked: Asked) -> list[Companion]:
    warm_up_s = DEFAULT_WARM_UP_S if asked.warm_up_s is None else asked.warm_up_s
    return asked.beside.companions(
        task,
        scenario=asked.scenario,
        duration_s=asked.duration_s,
        warm_up_s=warm_up_s,
        database=asked.database,
    )


def _judge(
    task: Task, asked: Asked, companions: Sequence[Companion]
) -> tuple[judge.Judgement, tuple[Finding, ...], dict[str, float]]:
    """Return the verdict over the figures, the checkers' and companions' findings, and all figures."""
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
    more = contention.CHECKERS if SCENARIOS[asked.scenario].may_refuse else ()
    beside = (companion.finding(found) for companion in companions)
    findings = (*checkers.judge(saved, (*checker_sets.LOAD, *more)), *beside)
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
    makers = {host.name for host in task.env.hosts_with(Role.LOADGEN)}
    found = processor.by_component(rows, transactions=transactions, load_makers=makers)
    # Elsewhere the hosts' kernels run on machines of their own.
    return processor.with_machine(found, measured, transactions=transactions) if task.env.is_lab else found


def _composed(
    judged: judge.Judgement,
    findings: Sequence[Finding],
    promised: Sequence[Promise],
    measured: Mapping[str, float],
) -> tuple[Verdict, list[str]]:
    """Return the verdict of the run and its reasons: the worst of all, over every promise that is shown.

    A spoiled run is INVALID whatever else is found: nobody knows what the planned one would have shown.
    """
    kept, _ = promises.judge(promised, measured)
    # The others are in the judgement's own words, or a checker's.
    told = judge.FIGURES | {figure for finding in findings for figure in finding.figures}
    _, untold = promises.judge([each for each in promised if each.figure not in told], measured)
    reasons = [
        *judged.reasons,
        *(f"{finding.name}: {reason}" for finding in findings for reason in finding.reasons),
        *untold,
    ]
    if judged.is_spoiled:
        return Verdict.INVALID, reasons
    verdicts = (Verdict(judged.verdict.value), *(finding.verdict for finding in findings), kept)
    return worst(verdicts), reasons
