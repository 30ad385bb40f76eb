"""Settings of the agent of one host, as values; `settings_file` reads them."""

from dataclasses import dataclass, field

from failover.signature import Keys

FENCE_KINDS = ("lab", "redfish", "ipmi", "none")
CROSS_CENTRE = "cross_centre"
DURABILITIES = ("local", CROSS_CENTRE)


@dataclass(frozen=True, kw_only=True)
class Fence:
    """The fence device of a peer."""

    kind: str
    """One of `FENCE_KINDS`; `lab` speaks Redfish."""
    address: str
    """Base URL of the Redfish service, or the address of the BMC."""
    system: str
    """Redfish: the system's id."""
    user: str
    reason: str
    """`none`: why a host without a device is accepted."""
    ca_file: str
    """Redfish over https: who signed its certificate; empty: the system's own list."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another database host."""

    host: str
    address: str
    may_lead: bool
    fence: Fence | None


@dataclass(frozen=True, kw_only=True)
class Store:
    """How to reach the consensus store."""

    endpoints: tuple[str, ...]
    """Nearest first."""
    user: str
    password: str = field(repr=False)
    ca_file: str


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Time limits and intervals; the inventory explains their trade-offs."""

    lease_ttl_ms: int
    loop_interval_ms: int
    calm_interval_ms: int
    store_timeout_ms: int
    safety_margin_ms: int
    database_silent_ms: int
    peer_silent_ms: int
    lag_limit_ms: int
    anti_flap_ms: int
    rejoin_interval_ms: int


@dataclass(frozen=True, kw_only=True)
class Durability:
    """When services acknowledge a write; they get this from the agents."""

    mode: str
    timeout_ms: int
    degrade_after_ms: int | None
    """None: never."""

    @property
    def alone_after_ms(self) -> int | None:
        """How long services wait for a standby that is gone; None: for ever, or they do not wait at all."""
        return self.degrade_after_ms if self.mode == CROSS_CENTRE else None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of the agent of one host."""

    environment: str
    me: str
    address: str
    sql_port: int
    may_lead: bool
    store: Store
    agent_port: int
    agent_keys: Keys
    peers: tuple[Peer, ...]
    fence_password: str = field(repr=False)
    tool: str
    """`loanstack-db` of this host."""
    unit: str
    """systemd unit of the database."""
    timing: Timing
    durability: Durability

    def peer(self, host: str) -> Peer | None:
        """Return the peer called `host`; None if there is none."""
        return next((p for p in self.peers if p.host == host), None)

    def address_of(self, host: str) -> str | None:
        """Return where `host` (also this one) is reached; None if it is unknown here."""
        if host == self.me:
            return self.address
        peer = self.peer(host)
        return peer.address if peer else None
