"""What is written into etcd as its record of the leader."""

from failover.core.actions import AcquireLeaderLock
from failover.core.observed import Guarantee, Leadership, Phase

FIRST = Leadership(
    host="a",
    epoch=1,
    phase=Phase.SERVING,
    revision=0,
    timeline=1,
    primary="a",
    guarantee=Guarantee.SELF,
)


def claimed(me: str, action: AcquireLeaderLock) -> Leadership:
    """Return the record that a claim writes."""
    return Leadership(
        host=me,
        epoch=action.epoch,
        phase=Phase.RECOVERING,
        revision=0,
        timeline=action.timeline,
        primary=action.primary,
        final_scn=action.final_scn,
        unfenced=action.unfenced,
        powered_off=action.powered_off,
        accept_loss=action.accept_loss,
        unprotected=action.unprotected,
        catch_up_scn=action.catch_up_scn,
    )
