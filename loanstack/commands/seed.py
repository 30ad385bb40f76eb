"""Making sure that the customers which load and drills act for are there."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from chaos.remote import ssh_argv
from inventory.model import Environment, Host, Role
from loanstack.exits import ExitCode
from loanstack.subprocesses import Child, Completed
from loanstack.task import CommandError, Task, read_json, tail

SEED_FILE = "seed.json"
TIMEOUT_S = 300.0

# The services' environment file is in shell syntax and readable by root only.
_SEED = (
    "set -eu; set -a; . /etc/loanstack/loan.env; set +a;"
    " exec /opt/loanstack/loan/current/bin/python3.11 -m app_stub.seed"
    " --customers {customers} --entities {entities}"
)


def seed(task: Task) -> dict[str, float]:
    """Seed the environment's customers, those that are missing, from a host of the loan services.

    Returns:
        `customers` that are there now, `customers_inserted` by this run, and `seed_s` it took.

    Raises:
        CommandError: the seeding failed.
    """
    with task.step("seed"):
        return _finish(task, _start(task).wait(TIMEOUT_S))


@contextmanager
def seeding(task: Task) -> Iterator[dict[str, float]]:
    """Seed as `seed` does while the `with` block does something else; waits for the end after it.

    Yields:
        What `seed` returns, filled at the end.

    Raises:
        CommandError: the seeding failed.
    """
    measured: dict[str, float] = {}
    child = _start(task)
    yield measured
    measured.update(_finish(task, child.wait(TIMEOUT_S)))


def _start(task: Task) -> Child:
    env = task.env
    command = _SEED.format(
        customers=env.journey.customers,
        entities=shlex.quote(",".join(entity.code for entity in env.entities)),
    )
    return task.processes.start(
        ssh_argv(env, _host(env), command),
        log=task.log("seed"),
        stdout=task.folder.path / SEED_FILE,
        on_line=task.console.note,
    )


def _finish(task: Task, done: Completed) -> dict[str, float]:
    found = read_json(task.folder.path / SEED_FILE)
    if done.returncode != 0 or not isinstance(found, dict):
        raise CommandError(
            f"customers could not be seeded from {_host(task.env).name}; is the environment deployed? "
            f"It says:\n{tail(task.log('seed'))}",
            code=ExitCode.INVALID,
        )
    return {
        "customers": found["customers"],
        "customers_inserted": found["inserted"],
        "seed_s": round(done.seconds, 2),
    }


def _host(env: Environment) -> Host:
    return env.hosts_with(Role.LOAN)[0]
