"""`failover`: commands to the failover agents, sent to a database host over SSH.

The agents accept commands from their own host only, so that their token crosses no network. The tool
`loanstack-failover` on the host reads the token there. Its output and its exit code are passed on.
"""

import shlex
from collections.abc import Sequence

from inventory.model import Environment, Host, Role
from loanstack.runs.task import CommandError
from processes import ssh
from proof.exits import ExitCode

TOOL = "loanstack-failover"


def database_hosts(env: Environment, on: str | None) -> tuple[Host, ...]:
    """Return the hosts whose agent may be asked, in the order in which they are tried.

    + on: the one host to ask; None: any

    Raises:
        CommandError: `on` is no database host of the environment.
    """
    hosts = env.hosts_with(Role.OCEANBASE)
    if on is None:
        return hosts
    chosen = tuple(host for host in hosts if host.name == on)
    if not chosen:
        known = ", ".join(host.name for host in hosts)
        raise CommandError(f"{on!r} is no database host of {env.name!r}; known: {known}")
    return chosen


def tell(env: Environment, arguments: Sequence[str], *, on: str | None = None) -> int:
    """Run `loanstack-failover` with `arguments` on a database host; returns its exit code.

    If a host cannot be reached, the next one is tried: any agent accepts any command.

    + arguments: verb and options, as the tool on the host takes them
    + on: the host whose agent is to be asked; None: the first that answers

    Raises:
        CommandError: no database host could be reached.
    """
    command = shlex.join([TOOL, *arguments])
    tried = []
    for host in database_hosts(env, on):
        code = ssh.run_attached(env, host, command)
        if code != ssh.UNREACHABLE:
            return code
        tried.append(host.name)
    raise CommandError(
        f"no database host of {env.name!r} answers SSH ({', '.join(tried)}); bring one up first",
        code=ExitCode.FAIL,
    )
