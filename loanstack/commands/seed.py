"""`seed`: inserts the customers that load and drills need, if they are missing."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from inventory.model import Environment, Host, Role
from inventory.ssh import ssh_argv
from loanstack.commands import sampler
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, Task, read_json, tail
from loanstack.system import seeding as pure
from processes.child import Child, Completed
from proof import promised
from proof.exits import ExitCode
from proof.files import SEED_FILE, read_lines
from proof.objectives import evaluate
from proof.record import Sample
from proof.verdict import overall

TIMEOUT_S = 300.0
"""For the inventory's customers; `loanstack seed` has `_TIMEOUT_PER_CUSTOMER_S` more for each customer."""
_TIMEOUT_PER_CUSTOMER_S = 0.001
CAUGHT_UP_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.5

# The services' environment file is in shell syntax and readable by root only.
_SEED = (
    "set -eu; set -a; . /etc/loanstack/loan.env; set +a;"
    " exec /opt/loanstack/loan/current/bin/python3 -m app_stub.seed"
    " --customers {customers} --entities {entities}"
)


@dataclass(frozen=True, kw_only=True)
class SeedParameters:
    """The parameters that a seeding was asked for."""

    customers: int
    """Number of customers over all entities, with those already there."""
    seed: int | None = None
    """Seed of the random generator; None: the seed of the customers already there."""


def seed_environment(task: Task, asked: SeedParameters) -> Results:
    """Seed the customers that are missing, and wait until the standby has them.

    Raises:
        CommandError: the customers do not fit into the databases, contradict those already there (another
            seed), or could not be inserted.
    """
    env = task.env
    too_many = pure.space_problems(env.database, asked.customers)
    if too_many:
        raise CommandError(f"environment {env.name}: {'; '.join(too_many)}")
    judged_by = promised.of_seed(
        customers=asked.customers, max_healthy_lag_ms=env.database.max_healthy_lag_ms
    )
    task.begin(judged_by)
    samples = task.folder.path / sampler.SAMPLES_FILE
    sampling = sampler.start(task)
    with task.step("seed"):
        timeout_s = TIMEOUT_S + asked.customers * _TIMEOUT_PER_CUSTOMER_S
        measured = _finish(task, _start(task, asked).wait(timeout_s))
    with task.step("standby"):
        measured |= _caught_up(task, since_s=time.time())
    sampling.end()
    lags = [sample.lag_ms for sample in read_lines(samples, Sample) if sample.lag_ms is not None]
    if lags:
        measured["standby_lag_max_ms"] = round(max(lags), 1)
    verdict, reasons = overall(evaluate(judged_by, measured))
    results = Results(verb="seed", environment=env.name, verdict=verdict, reasons=reasons, figures=measured)
    return task.end(results)


def seed(task: Task) -> dict[str, float]:
    """Seed those of the environment's customers that are missing, from a host of the loan services.

    Returns:
        `customers` in all, `customers_inserted` by this run, and `seed_s`, the duration.

    Raises:
        CommandError: the seeding failed.
    """
    with task.step("seed"):
        done = _start(task, SeedParameters(customers=task.env.journey.customers)).wait(TIMEOUT_S)
        return _few(_finish(task, done))


@contextmanager
def seeding(task: Task) -> Iterator[dict[str, float]]:
    """Seed as `seed` does, during a `with` block that does something else; wait for the seeding at its end.

    Yields:
        What `seed` returns, filled at the end.

    Raises:
        CommandError: the seeding failed.
    """
    measured: dict[str, float] = {}
    child = _start(task, SeedParameters(customers=task.env.journey.customers))
    yield measured
    measured.update(_few(_finish(task, child.wait(TIMEOUT_S))))


def _start(task: Task, asked: SeedParameters) -> Child:
    env = task.env
    command = _SEED.format(
        customers=asked.customers,
        entities=shlex.quote(",".join(entity.code for entity in env.entities)),
    )
    if asked.seed is not None:
        command += f" --seed {asked.seed}"
    return task.processes.start(
        ssh_argv(env, _host(env), command),
        log=task.log("seed"),
        stdout=task.folder.path / SEED_FILE,
        on_line=lambda line: task.console.note(pure.progress(line)),
    )


def _finish(task: Task, done: Completed) -> dict[str, float]:
    found = read_json(task.folder.path / SEED_FILE)
    if done.returncode == ExitCode.USAGE:
        raise CommandError(f"no customers were seeded; it says:\n{tail(task.log('seed'))}")
    if done.returncode != 0 or not isinstance(found, dict):
        raise CommandError(
            f"customers could not be seeded from {_host(task.env).name}; is the environment deployed? "
            f"It says:\n{tail(task.log('seed'))}",
            code=ExitCode.INVALID,
        )
    return {**pure.figures(found), "seed_s": round(done.seconds, 2)}


def _few(measured: dict[str, float]) -> dict[str, float]:
    """Return the figures about customers that a load or a drill reports."""
    return {name: measured[name] for name in ("customers", "customers_inserted", "seed_s")}


def _caught_up(task: Task, *, since_s: float) -> dict[str, float]:
    """Wait until a sample later than `since_s` shows the standby's lag within its limit.

    Returns:
        `standby_lag_ms` of the last sample, and `standby_caught_up_s`, the time it took; the latter only if
        the standby caught up, and nothing at all if no sample has a lag.
    """
    deadline_s = since_s + CAUGHT_UP_WITHIN_S
    last: dict[str, float] = {}
    while time.time() < deadline_s:
        time.sleep(_LOOK_EVERY_S)
        sample = _last_sample(task.folder.path / sampler.SAMPLES_FILE)
        if sample is None or sample.lag_ms is None or sample.at_s < since_s:
            continue
        last = {"standby_lag_ms": round(sample.lag_ms, 1)}
        if sample.lag_ms <= task.env.database.max_healthy_lag_ms:
            return last | {"standby_caught_up_s": round(sample.at_s - since_s, 2)}
    return last


def _last_sample(path: Path) -> Sample | None:
    """Return the last sample that is written completely."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines[-2:] if line.endswith(b"\n")]
    return msgspec.json.decode(whole[-1], type=Sample) if whole else None


def _host(env: Environment) -> Host:
    return env.hosts_with(Role.LOAN)[0]
