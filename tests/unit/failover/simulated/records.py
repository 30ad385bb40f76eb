"""What is written into etcd as its record of the leader."""

from failover.core.actions import Claim
from failover.core.observed import Guarantee, Leadership, Phase

FIRST = Leadership(
    host="a",
    epoch=1,
    phase=Phase.SERVING,
    revision=0,
    lineage=1,
    primary="a",
    guarantee=Guarantee.SELF,
)


def claimed(me: str, action: Claim) -> Leadership:
    """Return the record that a claim writes."""
    return Leadership(
        host=me,
        epoch=action.epoch,
        phase=Phase.RECOVERING,
        revision=0,
        lineage=action.lineage,
        primary=action.primary,
        final_scn=action.final_scn,
        unfenced=action.unfenced,
        powered_off=action.powered_off,
        accept_loss=action.accept_loss,
        alone=action.alone,
        acknowledged_scn=action.acknowledged_scn,
    )
