"""The typed inventory of high availability: consensus store, failover agents, fence devices, durability."""

from dataclasses import dataclass
from enum import StrEnum


class Durability(StrEnum):
    """When a write is acknowledged."""

    LOCAL = "local"
    """At the primary's own commit: a failover may lose the last tens of milliseconds."""
    CROSS_CENTRE = "cross_centre"
    """Once the standby's log has passed the commit: a failover loses nothing that was acknowledged."""


class FenceKind(StrEnum):
    """How a database host is switched off by somebody else."""

    LAB = "lab"
    """The lab's power switch, which speaks Redfish on the management network."""
    REDFISH = "redfish"
    IPMI = "ipmi"
    NONE = "none"
    """Not at all; the inventory must say why that is accepted."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """The fence device of one host: a frozen host cannot fence itself, and thaws writable."""

    kind: str
    """A value of `FenceKind`; kept as text so that an unknown one can be reported and not just crash."""
    address: str = ""
    """`redfish`, `lab`: the service's base URL; `ipmi`: address of the BMC; `none`: empty."""
    system: str = ""
    """`redfish`, `lab`: the system's id below `/redfish/v1/Systems/`."""
    user: str = ""
    reason: str = ""
    """Why a host without a device is accepted; only with `none`."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """The consensus store (etcd): members are the hosts of role arbiter."""

    client_port: int = 2379
    peer_port: int = 2380
    metrics_port: int = 2381
    heartbeat_interval_ms: int = 100
    """Of three members that nobody asks anything, a heartbeat each 50 ms takes 4.6 % of a core, each 100 ms
    3.5 % (measured)."""
    election_timeout_ms: int = 500
    """etcd asks for at least five heartbeats, and for more than ten round trips between the farthest centres.
    Losing its leader costs up to two of these and must leave the primary time to renew its lease."""


@dataclass(frozen=True, kw_only=True)
class Failover:
    """The failover agents, one on each database host.

    The trade-off of `lease_ttl_s`: shorter means that a primary which was cut off is replaced sooner, and
    that a store which stalls for as long costs an outage that nothing else called for.
    """

    agent_port: int = 8008
    lease_ttl_s: float = 3.0
    loop_interval_ms: int = 200
    """How often an agent decides; and how often it looks at the store, its database and the other hosts as
    soon as anything is not as it should be."""
    calm_interval_ms: int = 500
    """How often it looks at the store and the other hosts while everything is. What others change in the
    store is told to it at once, and so is the end of its database's process."""
    store_timeout_ms: int = 400
    """A member of the store that does not answer within this is passed over for the next."""
    safety_margin_ms: int = 1000
    """A primary that cannot renew its lease is fenced this long before the lease ends."""
    database_silent_ms: int = 2000
    """A database whose process runs and does not answer for this long counts as hung."""
    peer_silent_ms: int = 1200
    """A primary that is silent to the store, to SQL and over its agent for this long counts as dead."""
    lag_limit_ms: int = 5000
    """A standby that was further behind when the primary was last heard is not promoted by itself."""
    anti_flap_s: float = 10.0
    """After an automatic failover no other happens by itself for this long."""
    rejoin_interval_s: float = 10.0
    """Two re-bootstraps of one database are at least this far apart."""
    durability: str = Durability.LOCAL
    """A value of `Durability`."""
    durability_timeout_ms: int = 2000
    """A write that the standby has not confirmed by then is answered as indeterminate."""
    degrade_after_s: float | None = None
    """`cross_centre`: once the standby is gone for this long, acknowledge on the primary alone, visibly; a
    new primary, whose standby is yet to come back, does so from the start. Nobody else is promoted by itself
    until a standby has all of it again. None: never; without a standby every write is indeterminate then."""
