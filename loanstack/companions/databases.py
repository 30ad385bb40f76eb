"""Ask the hosts which database has which role when a load begins."""

from chaos.system.databases import SshDatabases
from chaos.system.pair import find_topology
from chaos.system.shells import Shells
from chaos.system.world import WorldError
from inventory.database_kind import DatabaseKind
from inventory.model import DatabaseRole, Environment, Host, Role
from loanstack.runs.task import CommandError
from proof.exits import ExitCode


def host_with(env: Environment, role: DatabaseRole, database: DatabaseKind = DatabaseKind.OCEANBASE) -> Host:
    """Return the host whose database has `role` now.

    + database: MariaDB's pair never fails over, so each host has the role that it was deployed with

    Raises:
        CommandError: there is not one primary and one standby, or a host does not answer.
    """
    if database is DatabaseKind.MARIADB:
        return next(host for host in env.hosts_with(Role.OCEANBASE) if host.database_role == role)
    shells = Shells(env)
    try:
        topology = find_topology(env, SshDatabases(env, shells))
    except WorldError as unfit:
        raise CommandError(str(unfit), code=ExitCode.INVALID) from None
    finally:
        shells.close()
    return topology.primary if role is DatabaseRole.PRIMARY else topology.standby
