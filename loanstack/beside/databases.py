"""Which database has which role when a load begins, asked of the hosts."""

from chaos.pair import find_scene
from chaos.remote import Shells
from chaos.ssh_databases import SshDatabases
from chaos.world import WorldError
from inventory.model import DatabaseRole, Environment, Host
from loanstack.exits import ExitCode
from loanstack.task import CommandError


def host_with(env: Environment, role: DatabaseRole) -> Host:
    """Return the host whose database has `role` now.

    Raises:
        CommandError: there is not one primary and one standby, or a host does not answer.
    """
    shells = Shells(env)
    try:
        scene = find_scene(env, SshDatabases(env, shells))
    except WorldError as unfit:
        raise CommandError(str(unfit), code=ExitCode.INVALID) from None
    finally:
        shells.close()
    return scene.primary if role is DatabaseRole.PRIMARY else scene.standby
