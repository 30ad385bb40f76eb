"""The typed inventory of high availability: etcd, failover agents, fence devices, durability."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

WATCHDOG_LEAST_MS = 1000
"""An agent that is silent for less than this is not taken for hung: a busy host stalls, too."""


class Durability(StrEnum):
    """When a write is acknowledged."""

    LOCAL = "local"
    """At the primary's own commit: a failover may lose the last tens of milliseconds."""
    CROSS_CENTRE = "cross_centre"
    """After the standby's log has passed the commit: a failover loses no acknowledged write."""


class FenceKind(StrEnum):
    """Device by which another host can switch a database host off."""

    LAB = "lab"
    """The lab's power switch: Redfish on the management network."""
    REDFISH = "redfish"
    IPMI = "ipmi"
    FENCE_AGENT = "fence_agent"
    """A program of ClusterLabs' fence-agents, for devices that neither Redfish nor IPMI switches."""
    NONE = "none"
    """No device; the inventory must say why that is accepted."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """The fence device of one host: a frozen host cannot fence itself, and is writable when it thaws."""

    kind: str
    """A value of `FenceKind`; kept as text so that the checks can report an unknown value."""
    address: str = ""
    """`redfish`, `lab`: the service's base URL; `ipmi`, `fence_agent`: the device's address; else empty."""
    system: str = ""
    """`redfish`, `lab`: the system's id below `/redfish/v1/Systems/`."""
    user: str = ""
    """Its password is in the secrets file, under `fence_passwords` and the name of the host."""
    ca_file: Path | None = None
    """File on the control machine with the certificate of the authority that signed the device's; the deploy
    copies it to the other databases' hosts. An `https` URL needs it: these hosts know no authority."""
    program: str = ""
    """`fence_agent`: name of the program, such as `fence_ilo5_ssh`."""
    package: str = ""
    """`fence_agent`: the RPM that has it, such as `fence-agents-ilo-ssh`; it comes from the depot."""
    options: tuple[str, ...] = ()
    """`fence_agent`: options of the program beside address, user and password, as its manual page has them
    for standard input, such as `plug=3`. They are no secrets."""
    reason: str = ""
    """Why a host without a device is accepted; only with `none`."""


@dataclass(frozen=True, kw_only=True)
class Etcd:
    """etcd, whose members are the hosts of role etcd."""

    client_port: int = 2379
    peer_port: int = 2380
    metrics_port: int = 2381
    heartbeat_interval_ms: int = 100
    """Three idle members use 4.6 % of a core with a heartbeat every 50 ms, 3.5 % every 100 ms (measured)."""
    election_timeout_ms: int = 500
    """etcd requires at least five heartbeats, and more than ten round trips between the farthest centres.
    The loss of etcd's leader takes up to two of these time-outs, after which the primary must still have
    time to renew its lease."""


@dataclass(frozen=True, kw_only=True)
class Failover:
    """The failover agents, one on each database host.

    The trade-off of `lease_ttl_s`: with a shorter lease, a primary that is cut off is replaced sooner, but a
    stall of etcd for that long also costs an outage, without any other reason.
    """

    agent_port: int = 8008
    lease_ttl_s: float = 3.0
    loop_interval_ms: int = 200
    """How often an agent decides. While anything is wrong, the agent also reads etcd, its database and
    the other hosts this often."""
    calm_interval_ms: int = 500
    """How often it reads etcd and the other hosts while all is well. It is notified at once of changes
    in etcd, and of the end of its database's process."""
    etcd_timeout_ms: int = 400
    """If a member of etcd does not answer within this time, the agent asks the next one."""
    safety_margin_ms: int = 1000
    """A primary that cannot renew its lease is fenced this long before the lease ends."""
    database_silent_ms: int = 2000
    """A database whose process runs and does not answer for this long counts as hung."""
    peer_silent_ms: int = 1200
    """A primary that is silent to etcd, to SQL and over its agent for this long counts as dead."""
    max_failover_lag_ms: int = 5000
    """A standby is not promoted automatically if it lagged more than this when the primary was last heard."""
    failover_cooldown_s: float = 10.0
    """Least time between two automatic failovers."""
    rejoin_interval_s: float = 10.0
    """Least time between two re-bootstraps of one database."""
    durability: str = Durability.LOCAL
    """A value of `Durability`."""
    durability_timeout_ms: int = 2000
    """A write that the standby has not confirmed within this time is answered as indeterminate."""
    degrade_after_s: float | None = None
    """`cross_centre`: after the standby has been gone for this long, the primary acknowledges writes alone,
    and reports it. A new primary, whose standby is not back yet, does so from the start. Until a standby has
    all writes again, no other database is promoted automatically. None: never; without a standby every write
    is then indeterminate."""

    @property
    def watchdog_s(self) -> int:
        """After this time without a turn of an agent's loop, systemd kills the agent and its database.

        A hung agent must be gone before another database is promoted, and:

        - the lease that it has just renewed must not end before that: a lease without the safety margin;
        - it may hang just before it would fence its database, a safety margin before the end of its lease.
          Another database is promoted a safety margin after that end at the earliest: two safety margins.

        One loop is subtracted, because the last turn may be as old as that.
        """
        left_ms = min(self.lease_ttl_s * 1000 - self.safety_margin_ms, 2 * self.safety_margin_ms)
        return int(max(left_ms - self.loop_interval_ms, WATCHDOG_LEAST_MS)) // 1000
