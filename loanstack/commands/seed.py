"""Making sure that the customers which load and drills act for are there."""

import shlex

from chaos.remote import ssh_argv
from inventory.model import Role
from loanstack.exits import ExitCode
from loanstack.task import CommandError, Task, read_json, tail

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
    env = task.env
    host = env.hosts_with(Role.LOAN)[0]
    command = _SEED.format(
        customers=env.journey.customers,
        entities=shlex.quote(",".join(entity.code for entity in env.entities)),
    )
    printed = task.folder.path / "seed.json"
    with task.step("seed"):
        done = task.processes.run(
            ssh_argv(env, host, command),
            log=task.log("seed"),
            stdout=printed,
            timeout_s=TIMEOUT_S,
            on_line=task.console.note,
        )
    found = read_json(printed)
    if done.returncode != 0 or not isinstance(found, dict):
        raise CommandError(
            f"customers could not be seeded from {host.name}; is the environment deployed? "
            f"It says:\n{tail(task.log('seed'))}",
            code=ExitCode.INVALID,
        )
    return {
        "customers": found["customers"],
        "customers_inserted": found["inserted"],
        "seed_s": round(done.seconds, 2),
    }
