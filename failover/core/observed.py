"""One agent's observations at one moment, and its limits. Values only: standard library, no effects.

All times are milliseconds of this host's own steady clock (one that does not jump and goes on counting while
the host sleeps: `CLOCK_BOOTTIME`); nothing is ever compared with another host's clock. Positions (`scn`) are
nanoseconds on the primary's time line, so that a difference of two is a lag.
"""

from dataclasses import dataclass

from failover.core.limits import Settings
from failover.core.states import (
    FenceState,
    Guarantee,
    Phase,
    Process,
    RequestKind,
    Role,
    TaskKind,
    UnprotectedMode,
)

__all__ = [
    "Database",
    "EtcdView",
    "FenceReport",
    "FenceState",
    "Guarantee",
    "Leadership",
    "Lease",
    "Member",
    "Observed",
    "Peer",
    "Phase",
    "Process",
    "Request",
    "RequestKind",
    "Role",
    "Settings",
    "Task",
    "TaskKind",
    "Unfenced",
    "UnprotectedMode",
]


@dataclass(frozen=True, kw_only=True)
class Database:
    """This host's own database."""

    process: Process = Process.DOWN
    role: Role | None = None
    """Role in its last answer since it was started; None: no answer yet, or down."""
    scn: int = 0
    """END_SCN as last answered; kept while it is silent or down; 0: never known."""
    settled_scn: int | None = None
    """Its position half a second before (`lag`); None: not known."""
    silent_ms: int = 0
    """Since its last answer, or since it was started if it has given none."""
    drained: bool = False
    """`SWITCHOVER TO STANDBY` succeeded on this process: it takes no writes, whatever `role` says.

    Cleared before any statement is sent that may make it writable again."""
    recorded_role: Role | None = None
    """The role that a start of these data may give, as recorded on disk; None: there are no complete data to
    start.

    The careful side of the truth: PRIMARY is recorded before any statement or start that may make it
    writable; STANDBY only when it was drained, or when a copy is complete; None before the data are emptied.
    The first record comes from whoever made the data. An answer from the database never changes it: a
    promotion that was given up may still end."""
    recorded_epoch: int = 0
    """The highest epoch known here: from the local state on disk, and the database's table when it
    answers."""
    timeline: int | None = None
    """The epoch of the promotion these data descend from (`Leadership.timeline`), from the local state on
    disk.

    Recorded together with PRIMARY, and from Rejoin when a copy is complete. Also whenever this database is a
    standby and its table shows the epoch of the leader that serves now: that row came with the leader's own
    log. None: not known."""
    follows: str | None = None
    """The host whose log a standby pulls; None: none, or a primary."""
    cannot_follow: bool = False
    """The database reports that it cannot continue from its data: there is a gap, or another history."""
    started_ago_ms: int | None = None
    """Since it was last started by this agent; None: not since the agent itself started."""
    dumps: int | None = None
    """How many dumps of one table wait for the next merge, at most; None: not known. For people."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """This agent's own lease. Dropped for good when FenceSelf begins, or when etcd says it ended."""

    epoch: int
    """The epoch it was granted for."""
    renewed_at_ms: int
    """When the last successful renewal was SENT.

    A renewal is a keepalive of the lease and a linearizable read that finds `leader` naming this host with
    `epoch`; the time is taken before the first of the two is sent. Acquiring the leader lock is the first
    renewal: the time before its lease was granted."""


@dataclass(frozen=True, kw_only=True)
class Unfenced:
    """A former leader that was not known to be fenced when the present one acquired the leader lock."""

    host: str
    epoch: int
    """The epoch it led under: a confirmation for this or a later one counts."""
    lease_over: bool = False
    """An earlier promotion has already waited for the end of its lease: fence it, but do not wait for it."""


@dataclass(frozen=True, kw_only=True)
class Leadership:
    """The durable record `leader` of etcd: the present or last leader."""

    host: str
    epoch: int
    phase: Phase
    revision: int
    """etcd's modification revision of the record: what a change is compared with."""
    timeline: int
    """The epoch of the last unplanned promotion: only data that descend from it were served since."""
    primary: str
    """The host whose database was made the primary last, or was begun to be: its data are complete.

    Written together with `timeline` and `guarantee`, before the promotion or the start begins; so it may
    differ from `host` while that is recovering."""
    guarantee: Guarantee | None = None
    """Given in this epoch; None: no promotion or start was begun in it."""
    final_scn: int | None = None
    """Where the last primary was drained; kept when the leader lock is acquired on a `handed` record, dropped
    by Serve."""
    to: str | None = None
    """`handover`, `handed`: the host that is to lead next."""
    unfenced: tuple[Unfenced, ...] = ()
    """Former leaders that must be fenced before this one's database may be writable. Serve leaves those for
    which there was no more than the lease: a frozen host thaws writable at any time."""
    powered_off: tuple[str, ...] = ()
    """Hosts that were switched off by a fence device and not switched on again."""
    accept_loss: bool = False
    """This epoch was begun for an operator who accepted the loss of what this host's data lack."""
    unprotected: UnprotectedMode = UnprotectedMode.NO
    """Of `primary`; a new leader keeps it, and a promotion sets it again."""
    catch_up_scn: int | None = None
    """`unprotected` is ending: a position that holds all that was acknowledged unprotected; None: not known
    yet."""
    unchanged_ms: int = 0
    """For how long this agent has seen this revision, counted only while etcd answered."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """The last report of an agent (also of this one) in etcd."""

    host: str
    role: Role | None = None
    """Its database's role; None: it does not run or answer."""
    scn: int = 0
    settled_scn: int | None = None
    recorded_role: Role | None = None
    timeline: int | None = None
    epoch: int = 0
    """The highest epoch known to its database."""
    fenced: int = 0
    """The highest epoch whose end its agent confirmed: its database was down, or could not be writable."""
    candidate: bool = True
    unchanged_ms: int = 0
    """For how long its `seq` stood still as seen by this agent, counted only while etcd answered.

    Counting starts at 0 when this agent starts: a restarted agent takes nobody for dead at once."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """An operator's request."""

    id: str
    kind: RequestKind
    host: str
    """Host that shall lead next; for `rejoin`: host whose database shall be emptied and copied again."""
    force: bool = False
    """`failover`: although the leader looks healthy."""
    accept_loss: bool = False
    """`failover`: although the host's data lack what others may have acknowledged."""
    unchanged_ms: int = 0
    """For how long this agent has seen it, counted only while etcd answered."""


@dataclass(frozen=True, kw_only=True)
class EtcdView:
    """etcd's last answer: one linearizable read of everything below."""

    answered_ago_ms: int
    leadership: Leadership | None = None
    lease_alive: bool = False
    """Whether the key `lease` exists, whoever's it is."""
    lease_gone_ms: int = 0
    """For how long it did not exist, counted only while etcd answered."""
    members: tuple[Member, ...] = ()
    request: Request | None = None
    paused: bool = False
    last_automatic_ago_ms: int | None = None
    """Since the last automatic failover: no operator asked for it, and another host led before; None: not in
    this history."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A direct observation of another host, without etcd: of the leader's, or of `unfenced` ones."""

    host: str
    sql_silent_ms: int
    """Since its database last answered to this host; counted from the first observation if it never did."""
    agent_silent_ms: int
    """Since its agent last answered to this host, likewise."""
    reported_fenced_epoch: int = 0
    """The highest epoch whose end its agent confirmed, by its last answer."""


@dataclass(frozen=True, kw_only=True)
class FenceReport:
    """State of one host by its fence device, since this agent acquired the leader lock."""

    host: str
    state: FenceState


@dataclass(frozen=True, kw_only=True)
class Task:
    """This agent's task in progress. Fencing does not wait for it.

    A change of roles is in progress until the database has answered that it ended, or its process has: to
    close the connection is no end, the statement may still be carried out much later."""

    kind: TaskKind
    started_ago_ms: int


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The whole input of a decision."""

    now_ms: int
    """This host's steady clock, read after everything else was gathered."""
    me: str
    candidate: bool = True
    database: Database = Database()
    lease: Lease | None = None
    etcd: EtcdView | None = None
    """None: it has not answered since the agent started."""
    peers: tuple[Peer, ...] = ()
    task: Task | None = None
    fence_device: tuple[FenceReport, ...] = ()
    """Only reports since this agent acquired the leader lock; a new epoch starts with none."""
    lock_acquired_at_ms: int | None = None
    """When etcd confirmed that this agent acquired the leader lock of the present epoch; after a restart of
    the agent: None."""
    fenced_epoch: int = 0
    """The highest epoch whose end this agent confirmed, reported in each answer."""
    unfollowed_ms: int = 0
    """For how long this agent has seen that not every standby that may lead follows it; 0: each does."""
    unprotected_reported_ago_ms: int = 0
    """Since this host's agent last told services that they need not wait for a standby; counted from the
    agent's start if it never did, as the one before may have."""
    rejoined_ago_ms: int | None = None
    """Since the last Rejoin that emptied the data began; None: never. Survives a restart of the agent."""
