"""Counts MariaDB's commits without the replica's acknowledgement: they would make the pair asynchronous."""

from inventory.model import DatabaseRole, Environment, Role
from processes import ssh

_COMMAND = "loanstack-mariadb unacknowledged"
_WITHIN_S = 10.0


def unacknowledged(env: Environment) -> int | None:
    """Return how many of the primary's commits since its start no replica acknowledged; None: not known."""
    primary = next(h for h in env.hosts_with(Role.OCEANBASE) if h.database_role == DatabaseRole.PRIMARY)
    done = ssh.run(env, primary, _COMMAND, within_s=_WITHIN_S)
    said = done.stdout.strip() if done else ""
    return int(said) if said.isdigit() else None
