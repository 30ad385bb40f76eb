"""The guard: what systemd asks before each start of the database."""

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.oceanbase import lock
from hosttools.oceanbase.data import complete_role
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import Settings

_ASKS_AGAIN_AFTER_S = 1.0


def refuse_second_primary(settings: Settings) -> None:
    """Refuse a start that might give a second primary.

    Nothing in the kernel fences an old primary that comes back: this does, before the process may start.

    A command of the tool may tell it to let a start pass, as long as that command is at work.

    Raises:
        ToolError: the data are half-made, or a peer is or may be primary.
    """
    is_told = lock.is_held(settings)
    if is_told and settings.request.is_file():
        return
    if complete_role(settings) != Role.PRIMARY or not settings.peers:
        return
    if is_told and settings.alone.is_file():
        return
    # A standby's start waits for no SQL library.
    from hosttools.oceanbase.database import peer_role, primary_peer

    end = waiting.now_s() + settings.peer_deadline_s
    while (role := peer_role(settings)) is Role.UNREACHABLE and waiting.now_s() < end:
        waiting.pause(_ASKS_AGAIN_AFTER_S)
    if role is Role.PRIMARY:
        source = primary_peer(settings) or "SOURCE_IP"
        raise ToolError(f"refusing to start: a peer is PRIMARY now; run: loanstack-db rejoin {source}")
    if role is Role.UNREACHABLE:
        raise ToolError(
            "refusing to start: a peer does not answer and may be PRIMARY;"
            " when sure that it is not: loanstack-db start --alone"
        )
