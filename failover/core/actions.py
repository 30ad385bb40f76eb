"""The actions of an agent: each decision is one value. Values only; `agent` carries them out.

Every action has `why`: a sentence for an operator, with hosts, numbers and limits. A change of the record
`leader` is always a compare-and-swap on the action's `revision`; if it fails, the action ends there. After
an action the agent observes and decides again at once, without waiting for the next loop. The exceptions are
Hold, FencePeer and a Refuse without a request, which are repeated in every loop as long as they apply.
"""

from dataclasses import dataclass

from failover.core.observed import Guarantee, Unfenced, UnprotectedMode


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Do nothing except the constant work: renewing, reporting, answering."""

    why: str


@dataclass(frozen=True, kw_only=True)
class FenceSelf:
    """Drop the lease, SIGKILL the database, and wait until no process of it is left.

    The lease is dropped first, in memory, and never taken up again. Only when the process is certainly gone
    does `fenced_epoch` become the dropped lease's epoch. Never waits for etcd."""

    why: str


@dataclass(frozen=True, kw_only=True)
class ConfirmFenced:
    """Record in etcd that this host's database cannot take writes under `epoch` or an earlier one.

    Sets `fenced_epoch` (kept in memory, put into the member) to `epoch` and drops the lease if there is one.
    If `revision` is not None: also changes the phase of `leader` to `fenced`, and nothing else in it."""

    epoch: int
    revision: int | None
    why: str


@dataclass(frozen=True, kw_only=True)
class AcquireLeaderLock:
    """Become the leader in etcd, without touching the database: the lock on a recovery.

    In one transaction, compared with `revision` (0: there is no record yet): `leader` becomes this host,
    `epoch`, phase `recovering`, and `timeline`, `primary`, `final_scn`, `unfenced`, `powered_off`,
    `accept_loss`, `unprotected` and `catch_up_scn` as given, no guarantee, no `to`; `lease` is put
    under a lease granted just before; `request`, if given, is deleted. On success forget the reports of fence
    devices, and set `lock_acquired_at_ms` to the time of the answer."""

    epoch: int
    revision: int
    timeline: int
    primary: str
    unfenced: tuple[Unfenced, ...]
    powered_off: tuple[str, ...]
    final_scn: int | None
    accept_loss: bool
    unprotected: UnprotectedMode
    catch_up_scn: int | None
    automatic: bool
    """Whether it counts for the failover cooldown: no operator asked for it, and another host led before."""
    request: str | None
    why: str


@dataclass(frozen=True, kw_only=True)
class FencePeer:
    """Have the fence device of `host` switch it off, in the background.

    Its report is ASKED at once, then CONFIRMED (the device says Off when asked) or FAILED. A retry after
    FAILED is a FencePeer again; the agent leaves a pause of a loop between two."""

    host: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Promote:
    """Make this host's standby the primary, although the last primary was not drained.

    In this order: write `guarantee`, `timeline`, `unprotected` and this host as `primary` into `leader`;
    record PRIMARY and `timeline` on disk; cut the log source off on this host; ACTIVATE STANDBY. Ends early
    if the lease is dropped meanwhile."""

    revision: int
    guarantee: Guarantee
    timeline: int
    unprotected: UnprotectedMode
    why: str


@dataclass(frozen=True, kw_only=True)
class TakeOver:
    """Make this host's standby the primary with all that the last one had: SWITCHOVER TO PRIMARY.

    As Promote otherwise; `timeline` is the present one: no history ends here. Also for the drained database
    itself when its handover was called off."""

    revision: int
    guarantee: Guarantee
    timeline: int
    unprotected: UnprotectedMode
    why: str


@dataclass(frozen=True, kw_only=True)
class Serve:
    """Announce the primary: phase `serving` with `guarantee`, once `epoch` stands in the database's table.

    In this order: record PRIMARY, `timeline` and `epoch` on disk; write `epoch` into the table; write
    `leader`: `timeline`, `guarantee` and `unfenced` as given, this host as `primary`, `final_scn` dropped,
    `powered_off` added to the record's."""

    epoch: int
    revision: int
    guarantee: Guarantee
    timeline: int
    unfenced: tuple[Unfenced, ...]
    powered_off: tuple[str, ...]
    why: str


@dataclass(frozen=True, kw_only=True)
class StartDatabase:
    """Start the database on the data it has.

    As a primary (`guarantee` is given): first write into `leader` and record on disk what Promote does; such
    a database may say STANDBY when it is up, and is then promoted. As a standby (`guarantee` is None): pull
    the log of `source`, if one is given, else of the one before; `revision`, `timeline` and `unprotected` are
    None."""

    source: str | None
    guarantee: Guarantee | None
    revision: int | None
    timeline: int | None
    unprotected: UnprotectedMode | None
    why: str


@dataclass(frozen=True, kw_only=True)
class SetUnprotectedMode:
    """Write `unprotected` and `catch_up_scn` into `leader`, and nothing else."""

    unprotected: UnprotectedMode
    catch_up_scn: int | None
    revision: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Rejoin:
    """Make this host's database a standby of `source`.

    `keep_data`: its data are a beginning of the source's; start it again pulling from there. Otherwise record
    that there are no data, empty them, copy the source's, and record `timeline` and STANDBY when the copy is
    complete. `request`, if given, is deleted first. The process is ended if one runs."""

    source: str
    keep_data: bool
    timeline: int
    request: str | None
    why: str


@dataclass(frozen=True, kw_only=True)
class PowerOn:
    """Switch a host on that a fence device switched off.

    Then its report, if there is one, becomes RELEASED, and it is taken out of `powered_off` in `leader`;
    `revision` is None while etcd does not answer."""

    host: str
    revision: int | None
    why: str


@dataclass(frozen=True, kw_only=True)
class BeginHandover:
    """Phase `handover` towards `to`: services hold their writes.

    Deletes `request` in the same transaction."""

    to: str
    revision: int
    request: str
    why: str


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Drain this host's primary for its successor.

    In this order: VERIFY; SWITCHOVER TO STANDBY; record STANDBY; phase `handed` with the final scn. The
    process stays up until the other side has promoted: it is asked for its last log."""

    revision: int
    why: str


@dataclass(frozen=True, kw_only=True)
class ResumeLeading:
    """Cancel a handover that is not `handed` yet.

    Phase `recovering` with guarantee `self` and no `to`, in the same epoch, and nothing else: that keeps a
    `handed` that is still under way from arriving. Only then may what was drained be made writable again,
    which is decided next (TakeOver if it was drained, then Serve)."""

    revision: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """Refuse the next action, for a reason that is reported in log, status and history."""

    about: str
    """Stable name of the refused action: recorded once an epoch, because the numbers in `why` change."""
    request: str | None
    """If given: delete this request."""
    why: str


Action = (
    Hold
    | FenceSelf
    | ConfirmFenced
    | AcquireLeaderLock
    | FencePeer
    | Promote
    | TakeOver
    | Serve
    | StartDatabase
    | SetUnprotectedMode
    | Rejoin
    | PowerOn
    | BeginHandover
    | HandOver
    | ResumeLeading
    | Refuse
)
