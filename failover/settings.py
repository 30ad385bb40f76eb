"""Settings of the agent of one host, as values with their limits; `settings_file` reads them.

A field with `repr=False` is a secret: neither a log nor a message about a mistake shows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from failover.signature import Keys

LOOPS_IN_A_LEASE = 5
"""A lease lasts at least this many loops, so that one slow loop costs no outage."""

_Text = Annotated[str, Meta(min_length=1)]
_Option = Annotated[str, Meta(pattern=r"^[a-z0-9_-]+=[^\x00-\x1f\x7f]*$")]
_Token = Annotated[str, Meta(min_length=16)]
_Url = Annotated[str, Meta(pattern="^https://")]
_Port = Annotated[int, Meta(ge=1, le=65_535)]
_IntervalMs = Annotated[int, Meta(ge=20, le=10_000)]
_SilenceMs = Annotated[int, Meta(ge=100, le=600_000)]
_PauseMs = Annotated[int, Meta(ge=0, le=86_400_000)]
_WaitMs = Annotated[int, Meta(ge=1, le=86_400_000)]

_NEEDED_OF_A_FENCE = {
    "lab": ("address", "system", "user", "password"),
    "redfish": ("address", "system", "user", "password"),
    "ipmi": ("address", "user", "password"),
    "fence_agent": ("address", "user", "password", "program"),
    "none": ("reason",),
}


@dataclass(frozen=True, kw_only=True)
class Fence:
    """The fence device of a peer."""

    kind: Literal["lab", "redfish", "ipmi", "fence_agent", "none"]
    """`lab` speaks Redfish."""
    address: str
    """Base URL of the Redfish service, or the address of the BMC."""
    system: str
    """Redfish: the system's id."""
    user: str
    password: str = field(repr=False)
    reason: str
    """`none`: why a host without a device is accepted."""
    ca_file: str
    """Redfish over https: certificate of the authority that signed the device's; otherwise empty."""
    program: str = ""
    """Fence agent: name of the program."""
    options: tuple[_Option, ...] = ()
    """Fence agent: further options of the program, as it reads them."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield the fields that a device of this kind needs, and lacks."""
        for name in _NEEDED_OF_A_FENCE[self.kind]:
            if not getattr(self, name):
                yield name, f"a non-empty string: a fence of kind {self.kind} needs it"
        # Hosts have no list of authorities with which it could be checked instead.
        if self.address.startswith("https://") and not self.ca_file:
            yield "ca_file", "a file: a device with an https URL is checked"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another database host."""

    host: _Text
    address: _Text
    candidate: bool
    fence: Fence | None


@dataclass(frozen=True, kw_only=True)
class Etcd:
    """How to reach etcd. The settings file calls it `store`, and so do `Settings` and `Timing`."""

    endpoints: tuple[_Url, ...]
    """Nearest first."""
    user: _Text
    password: _Text = field(repr=False)
    ca_file: _Text

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield the endpoints, if they are none, or one of them comes twice."""
        if not self.endpoints or len(set(self.endpoints)) < len(self.endpoints):
            yield "endpoints", "at least one, and each one once"


@dataclass(frozen=True, kw_only=True)
class Api:
    """The agent's own HTTP server."""

    port: _Port
    """The same on all hosts."""
    token: _Token = field(repr=False)
    """Signs what agents tell each other, and administrators' commands."""
    reading_key: _Token = field(repr=False)
    """Signs what agents tell the loan services."""

    @property
    def keys(self) -> Keys:
        """The keys that sign."""
        return Keys(token=self.token, reading=self.reading_key)


@dataclass(frozen=True, kw_only=True)
class LocalDatabase:
    """The database of this host, as the agent starts and stops it."""

    tool: _Text
    """`loanstack-db` of this host."""
    unit: _Text
    """systemd unit of the database."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Time limits and intervals; the inventory explains their trade-offs."""

    lease_ttl_ms: Annotated[int, Meta(ge=1000, le=600_000)]
    loop_interval_ms: _IntervalMs
    calm_interval_ms: _IntervalMs
    store_timeout_ms: Annotated[int, Meta(ge=20, le=60_000)]
    safety_margin_ms: Annotated[int, Meta(ge=100, le=60_000)]
    database_silent_ms: _SilenceMs
    peer_silent_ms: _SilenceMs
    max_failover_lag_ms: _WaitMs
    failover_cooldown_ms: _PauseMs
    rejoin_interval_ms: _PauseMs

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield the limits that are too small beside the others."""
        least_ms = self.safety_margin_ms + max(
            LOOPS_IN_A_LEASE * self.loop_interval_ms, self.calm_interval_ms + 2 * self.store_timeout_ms
        )
        if self.lease_ttl_ms < least_ms:
            allowed = (
                f"at least {least_ms} (safety_margin_ms + {LOOPS_IN_A_LEASE} x loop_interval_ms, and"
                " calm_interval_ms with room for two calls of store_timeout_ms): a shorter lease ends before"
                " the loop can renew it"
            )
            yield "lease_ttl_ms", allowed
        least_ms = self.loop_interval_ms
        if self.calm_interval_ms < least_ms:
            allowed = (
                f"at least {least_ms} (loop_interval_ms): a calm agent observes no more often than a busy one"
            )
            yield "calm_interval_ms", allowed
        least_ms = self.calm_interval_ms + 3 * self.loop_interval_ms
        if self.peer_silent_ms < least_ms:
            allowed = (
                f"at least {least_ms} (calm_interval_ms + 3 x loop_interval_ms): one slow answer is no death"
            )
            yield "peer_silent_ms", allowed


@dataclass(frozen=True, kw_only=True)
class Durability:
    """When services acknowledge a write; they get this from the agents."""

    mode: Literal["local", "cross_centre"]
    timeout_ms: Annotated[int, Meta(ge=1, le=600_000)]
    degrade_after_ms: _WaitMs | None
    """None: never."""

    @property
    def unprotected_after_ms(self) -> int | None:
        """How long services wait for a standby that is gone; None: for ever, or they do not wait at all."""
        return self.degrade_after_ms if self.mode == "cross_centre" else None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of the agent of one host."""

    environment: _Text
    me: _Text
    address: _Text
    sql_port: _Port
    candidate: bool
    store: Etcd
    agent: Api
    peers: tuple[Peer, ...]
    database: LocalDatabase
    timing: Timing
    durability: Durability

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield the peers, if a host comes twice among them and this one."""
        hosts = [self.me, *(p.host for p in self.peers)]
        twice = sorted({host for host in hosts if hosts.count(host) > 1})
        if twice:
            yield "peers", f"each host once, without `me`; {', '.join(twice)} is named twice"

    def peer(self, host: str) -> Peer | None:
        """Return the peer called `host`; None if there is none."""
        return next((p for p in self.peers if p.host == host), None)

    def address_of(self, host: str) -> str | None:
        """Return where `host` (also this one) is reached; None if it is unknown here."""
        if host == self.me:
            return self.address
        peer = self.peer(host)
        return peer.address if peer else None
