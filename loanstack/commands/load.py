"""`load`: runs Locust and the replication sampler as subprocesses, then computes figures and verdict."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property

from chaos.recorders.clocks import record_clocks
from inventory.database_kind import DatabaseKind
from inventory.model import Environment
from loadtests.plan.options import DEFAULT_WARM_UP_S, curve_asked
from loadtests.plan.scenarios import SCENARIOS
from loadtests.plan.schedule import Spacing
from loadtests.plan.shape import CONSTANT
from loadtests.results import hdr_log
from loadtests.results.figures import LoadFigures
from loadtests.workers import fingerprint, remote
from loadtests.workers.placement import Place, hosts_of, not_on_hosts
from loanstack.commands import sampler
from loanstack.commands.seed import seed
from loanstack.companions.companion import Companion
from loanstack.companions.options import CompanionParameters
from loanstack.judging import readings
from loanstack.judging.load import JudgedLoad, judge_load
from loanstack.judging.readings import Reading, Readings
from loanstack.measure import cpu_breakdown, machine, machine_watch, portal_counts, usage
from loanstack.measure.bulk import bulk_reading
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, Task, tail
from proof.exits import ExitCode
from proof.objectives import Objective
from proof.record import Moment
from proof.verdict import Finding

LOCUST = ("-m", "locust", "-f", "loadtests/locustfile.py", "--headless")
_LONGER_THAN_LOAD_S = 90.0
"""Time that the generator may take beyond the load: start, users, and the deadline of the last answers."""
_LONGER_PER_S = 0.1
"""Further time for each second of the load: workers read their ledgers once more, and these are merged."""
_EXPORT_WITHIN_S, _EXPORTED_PER_S = 120.0, 5_000.0
"""Time limit of one table's export: a fixed part, and a part for the rows written, at this rate."""


@dataclass(frozen=True, kw_only=True)
class LoadParameters:
    """The parameters that a load was asked for."""

    scenario: str
    rate_per_s: float | None
    """Planned writes a second; None: the shape contains its own rates."""
    duration_s: float
    shape: str = CONSTANT
    spacing: str = Spacing.EVEN
    abort_on_fail: bool = False
    workers: tuple[Place, ...] = ()
    """Where the processes that make the load together run; none: a single process makes it."""
    warm_up_s: float | None = None
    """Warm-up before the measured time, in which the rate grows from 0; None: the generator's default."""
    beside: CompanionParameters = field(default_factory=CompanionParameters)
    """Companions of the load."""
    database: DatabaseKind = DatabaseKind.OCEANBASE
    """The database that the services use."""

    @cached_property
    def mean_per_s(self) -> float:
        """Mean planned rate over a whole number of writes; for a recorded day, its file is read once."""
        curve = curve_asked(
            self.shape, rate_per_s=self.rate_per_s, duration_s=self.duration_s, scenario=self.scenario
        )
        return curve.mean_per_s * round(curve.writes) / curve.writes


def load(
    task: Task, asked: LoadParameters, *, beside: AbstractContextManager[object] | None = None
) -> Results:
    """Seed, drive the load, export the database and judge all of it.

    + beside: context manager, entered right before the traffic and left right after it

    Raises:
        CommandError: the load could not be driven, its record cannot be read, or hosts cannot make it.
    """
    env = task.env
    _require_load_hosts(env, asked)
    objectives = SCENARIOS[asked.scenario].objectives(
        env.load_slo, env.deploy_slo, rate_per_s=asked.mean_per_s
    )
    task.begin(objectives)
    once: dict[str, float] = dict(seed(task))
    companions = _companions(task, asked)
    if env.is_lab:
        # Write dirty pages of the deploy and the seeding now: a flush during the load would delay commits.
        with task.step("flush"):
            os.sync()
    once["machine_loop_ms"] = machine.loop_ms()
    with task.step("load"), ExitStack() as entered:
        entered.enter_context(machine_watch.MachineWatch(task.folder.path))
        for each in (*companions, *([] if beside is None else [beside])):
            entered.enter_context(each)
        before, after = _drive(task, asked)
    readings.write(task.folder.path, Readings(before=before, after=after, figures=once))
    with task.step("export"):
        _export(task, asked)
    with task.step("judge"), bulk_reading():
        judged = _judge(task, objectives, companions)
    if judged.components:
        task.console.say(cpu_breakdown.summary(judged.components))
    results = Results(
        verb="load",
        environment=env.name,
        verdict=judged.judgement.verdict,
        reasons=judged.judgement.reasons,
        figures=judged.figures,
    )
    return task.end(results)


def _judge(task: Task, objectives: Sequence[Objective], companions: Sequence[Companion]) -> JudgedLoad:
    """Judge the load from the run folder, and write the files of the judgement."""
    folder = task.folder.path

    def beside(record: LoadFigures) -> Iterator[Finding]:
        return (companion.finding(record) for companion in companions)

    try:
        judged = judge_load(folder, task.env, objectives, beside=beside)
    except (FileNotFoundError, ValueError) as damaged:
        raise CommandError(f"the record of the load is not whole: {damaged}", code=ExitCode.INVALID) from None
    if not (folder / hdr_log.HDR_FILE).exists():
        # Workers have already written the sum of their histograms.
        hdr_log.write(folder, judged.record)
    task.folder.write_json("hosts.json", judged.hosts)
    task.save_findings(judged.findings)
    return judged


def _read(env: Environment) -> Reading:
    return Reading(hosts=usage.read(env), portals=portal_counts.read(env), machine=machine.cpu_times())


def _require_load_hosts(env: Environment, asked: LoadParameters) -> None:
    """Check, before anything is done, that the chosen hosts can make the load."""
    hosts = hosts_of(asked.workers)
    if not hosts:
        return
    problems = not_on_hosts(shape=asked.shape, target=None)
    problems = problems or remote.problems(env, hosts, version=fingerprint.of_code())
    if problems:
        raise CommandError("--workers: " + "; ".join(problems))


def _drive(task: Task, asked: LoadParameters) -> tuple[Reading, Reading]:
    """Run the load and the replication sampler; return the readings of hosts and machine before and after."""
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
    flags += ["--accompanied"] if SCENARIOS[asked.scenario].companions else []
    argv = [*_generator(env, asked.workers), *(part for pair in options.items() for part in pair), *flags]
    record_clocks(env, folder, Moment.BEGIN)
    try:
        before = _read(env)
        sampling = sampler.start(task, asked.database)
        task.folder.note("load", at_s=time.time(), detail=f"{asked.mean_per_s:g} writes/s planned")
        done = task.processes.start(
            argv,
            log=task.log("locust"),
            on_line=task.console.note,
            grace_s=30,
        ).wait(asked.duration_s * (1 + _LONGER_PER_S) + _LONGER_THAN_LOAD_S)
        after = _read(env)
        sampling.end()
        record_clocks(env, folder, Moment.END)
    except usage.UsageError as silent:
        raise CommandError(f"hosts do not answer: {silent}", code=ExitCode.INVALID) from None
    # If a worker was lost, the record is still complete, and the verdict follows from the record.
    if done.returncode != 0 and (not asked.workers or done.returncode != ExitCode.INVALID):
        raise CommandError(
            f"the load generator ended with status {done.returncode} and says:\n{tail(task.log('locust'))}",
            code=ExitCode.INVALID,
        )
    return before, after


def _generator(env: Environment, where: tuple[Place, ...]) -> list[str]:
    """Return the command that makes the load: one process where clients are, or several workers."""
    if not where:
        return [*env.client_command, sys.executable, *LOCUST]
    workers_module = [sys.executable, "-m", "loadtests.workers"]
    hosts = hosts_of(where)
    if not hosts:
        return [*env.client_command, *workers_module, "--workers", str(len(where))]
    names, per_host = ",".join(host.name for host in hosts), len(where) // len(hosts)
    return [*workers_module, "--workers", names, "--processes-per-host", str(per_host)]


def _export(task: Task, asked: LoadParameters) -> None:
    within_s = _EXPORT_WITHIN_S + asked.mean_per_s * asked.duration_s / _EXPORTED_PER_S
    options = ["--run-folder", str(task.folder.path), "--within", f"{within_s:.0f}"]
    options += ["--database", asked.database.value]
    argv = [sys.executable, "-m", "chaos.recorders.export", task.env.name, *options]
    done = task.processes.start(argv, log=task.log("export")).wait(3.0 * within_s)
    if done.returncode != 0:
        problem = f"the database could not be exported:\n{tail(task.log('export'))}"
        raise CommandError(problem, code=ExitCode.INVALID)


def _companions(task: Task, asked: LoadParameters) -> list[Companion]:
    warm_up_s = DEFAULT_WARM_UP_S if asked.warm_up_s is None else asked.warm_up_s
    return asked.beside.companions(
        task,
        scenario=asked.scenario,
        duration_s=asked.duration_s,
        warm_up_s=warm_up_s,
        database=asked.database,
    )
