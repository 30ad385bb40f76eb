"""Keep a failover agent running; the primary is handed over before its agent is replaced."""

from collections.abc import Generator
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.failover.spec import DATABASE_TOOL
from deploys.oceanbase.facts import LocalRole
from deploys.operations import services

HAND_OVER_DEADLINE_S = 120
"""Time for a standby to be close behind after its agent was replaced, and for the old primary to follow."""


@operation()
def agent_running(
    unit: str,
    command: str,
    restart_after: tuple[str, ...],
    while_primary: bool,
    has_peers: bool,
    max_healthy_lag_ms: int,
    written: tuple[Any, ...] = (),
) -> Generator[StringCommand, None, None]:
    """Enable and start the agent; restart it for new files if its database has the role that this is for.

    + unit: the agent's systemd unit
    + command: its command line tool
    + restart_after: files that it reads only at its start
    + while_primary: whether this is for the primary, or for all others (also hosts without a database)
    + has_peers: whether there is another database that can take over
    + max_healthy_lag_ms: largest lag of the former primary when its agent is replaced
    + written: operations that write these files, so that a dry run predicts the restart
    """
    role = host.get_fact(LocalRole)
    if (role == "PRIMARY") != while_primary:
        host.noop(f"the database here is {role or 'not there yet'}: this is for {_whom(while_primary)}")
        return
    yield from services.commands_to_run(
        unit,
        restart_after=restart_after,
        check=_handed_over(command, max_healthy_lag_ms) if while_primary and has_peers else None,
        written=written,
    )


@operation()
def agent_stopped(unit: str, while_primary: bool) -> Generator[StringCommand, None, None]:
    """Disable and stop the agent, and its database with it, if that has the role that this is for.

    + unit: the agent's systemd unit
    + while_primary: whether this is for the primary, or for all others
    """
    if (host.get_fact(LocalRole) == "PRIMARY") == while_primary:
        yield from services.commands_to_stop(unit)
    else:
        host.noop(f"this is for {_whom(while_primary)}")


def _whom(while_primary: bool) -> str:
    return "the primary" if while_primary else "all others"


def _handed_over(command: str, max_healthy_lag_ms: int) -> str:
    """Return a command that waits until the other side is fit, and then makes a planned switchover."""
    return (
        f"end=$(($(date +%s) + {HAND_OVER_DEADLINE_S})); "
        f"until said=$({command} switchover --dry-run 2>&1); do "
        f'[ "$(date +%s)" -lt "$end" ] || {{ printf "%s\\n" "$said" >&2; exit 1; }}; sleep 1; done; '
        f"{command} switchover && {DATABASE_TOOL} wait-healthy {max_healthy_lag_ms} {HAND_OVER_DEADLINE_S}"
    )
