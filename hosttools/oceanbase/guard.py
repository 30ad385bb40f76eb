"""The guard: what systemd asks before each start of the database."""

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.oceanbase.data import recorded_role
from hosttools.oceanbase.roles import NONE, Role
from hosttools.oceanbase.settings import Settings

_ASKS_AGAIN_AFTER_S = 1.0


def refuse_second_primary(settings: Settings) -> None:
    """Refuse a start that might give a second primary.

    Nothing in the kernel fences an old primary that comes back: this does, before the process may start.

    Raises:
        ToolError: the data are half-made, or a peer is or may be primary.
    """
    if settings.request.is_file():
        return
    recorded = recorded_role(settings)
    if recorded == NONE:
        raise ToolError(f"{settings.base_dir} holds no complete database; run: loanstack-db bootstrap auto")
    if recorded != Role.PRIMARY or not settings.peers or settings.alone.is_file():
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
