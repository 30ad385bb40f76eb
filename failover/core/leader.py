"""Decides the leader's next action, from the leader lock to the end of its lead. Pure."""

from failover.core.actions import (
    Action,
    ConfirmFenced,
    FenceSelf,
    HandOver,
    Hold,
    PowerOn,
    Promote,
    ResumeLeading,
    Serve,
    StartDatabase,
    TakeOver,
)
from failover.core.eligibility import (
    excess_data_loss,
    is_on_timeline,
    member,
    not_ready,
    too_soon_to_start,
)
from failover.core.fencing import (
    fence_afterwards,
    fence_former_leaders,
    guarantee_given,
    left_to_the_lease,
    switched_off,
)
from failover.core.leader_lock import acquire_leader_lock
from failover.core.observed import (
    Guarantee,
    Leadership,
    Observed,
    Phase,
    Process,
    Role,
    Settings,
    UnprotectedMode,
)
from failover.core.safety import could_write
from failover.core.standby import recover_standby
from failover.core.unprotected import initial_unprotected_mode, next_unprotected_mode


def lead(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    """Return the next action of the leader in etcd, whose lease is valid."""
    if leadership.phase is Phase.RECOVERING:
        return _recover(seen, leadership, settings)
    if leadership.phase is Phase.HANDOVER:
        return _hand_over(seen, leadership, settings)
    if leadership.phase is Phase.HANDED:
        return await_successor(seen, leadership, settings)
    return _serve_on(seen, leadership, settings)


def _recover(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    guarantee = guarantee_given(seen, leadership, settings)
    if guarantee is None:
        return fence_former_leaders(seen, leadership, settings)
    database = seen.database
    if database.process is Process.STARTING:
        return Hold(why=f"the database of {seen.me} is starting")
    wait = too_soon_to_start(seen, settings) if database.process is Process.DOWN else None
    if wait is not None and database.recorded_role is Role.PRIMARY:
        return Hold(why=wait)
    obstacle = not_ready(seen, settings) or _other_history(seen, leadership)
    if obstacle is not None:
        return _give_up(seen, leadership, obstacle)
    if database.process is Process.DOWN:
        return StartDatabase(
            source=None,
            guarantee=guarantee,
            revision=leadership.revision,
            timeline=_timeline_of_own_data(seen, leadership),
            unprotected=initial_unprotected_mode(seen, leadership, settings),
            why=f"{seen.me} leads epoch {leadership.epoch} with the data it has (guarantee {guarantee})",
        )
    if database.role is Role.PRIMARY and not database.drained:
        return Serve(
            epoch=leadership.epoch,
            revision=leadership.revision,
            guarantee=guarantee,
            timeline=_timeline_of_own_data(seen, leadership),
            unfenced=left_to_the_lease(seen, leadership),
            powered_off=switched_off(seen),
            why=f"the database of {seen.me} is the primary (guarantee {guarantee})",
        )
    return _promote(seen, leadership, guarantee, initial_unprotected_mode(seen, leadership, settings))


def _give_up(seen: Observed, leadership: Leadership, obstacle: str) -> FenceSelf | ConfirmFenced:
    """Let others lead; first end a database whose promotion was begun."""
    why = f"{seen.me} cannot lead epoch {leadership.epoch} after all: {obstacle}"
    if could_write(seen.database, seen.task):
        return FenceSelf(why=why)
    return ConfirmFenced(epoch=leadership.epoch, revision=leadership.revision, why=why)


def _other_history(seen: Observed, leadership: Leadership) -> str | None:
    """Return why these data must not be served, unless an operator has accepted exactly that."""
    database = seen.database
    if leadership.accept_loss or leadership.primary == seen.me:
        return None
    if database.recorded_role is Role.STANDBY and is_on_timeline(database, leadership):
        return None
    return (
        f"its data ({database.recorded_role}, of epoch {database.timeline}) are not those last served"
        f" ({leadership.primary}, of epoch {leadership.timeline})"
    )


def _promote(
    seen: Observed, leadership: Leadership, guarantee: Guarantee, unprotected: UnprotectedMode
) -> Promote | TakeOver:
    """Promote: with all drained data the history continues; otherwise a new history begins."""
    final, scn = leadership.final_scn, seen.database.scn
    if seen.database.drained or (final is not None and scn >= final):
        return TakeOver(
            revision=leadership.revision,
            guarantee=guarantee,
            timeline=leadership.timeline,
            unprotected=unprotected,
            why=f"{seen.me} has all that was drained: it is at {scn}, the end is {final or scn}",
        )
    return Promote(
        revision=leadership.revision,
        guarantee=guarantee,
        timeline=leadership.epoch,
        unprotected=unprotected,
        why=f"{seen.me} leads epoch {leadership.epoch}; nobody else can take writes (guarantee {guarantee})",
    )


def _timeline_of_own_data(seen: Observed, leadership: Leadership) -> int:
    return leadership.timeline if leadership.primary == seen.me else leadership.epoch


def _serve_on(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    fence = fence_afterwards(seen, leadership, settings)
    if fence is not None:
        return fence
    off = sorted({*leadership.powered_off, *switched_off(seen)} - {seen.me})
    paused = seen.etcd is not None and seen.etcd.paused
    if off and not paused:
        return PowerOn(
            host=off[0],
            revision=leadership.revision,
            why=f"{off[0]} was switched off to be fenced; {seen.me} serves epoch {leadership.epoch}",
        )
    change = next_unprotected_mode(seen, leadership, settings)
    return change or Hold(why=f"{seen.me} leads epoch {leadership.epoch}")


def _hand_over(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    to = member(seen, leadership.to or "")
    if leadership.unchanged_ms >= settings.handover_limit_ms:
        why = f"not through after {leadership.unchanged_ms} ms (limit {settings.handover_limit_ms})"
    elif to is None or to.unchanged_ms >= settings.peer_silent_ms or to.role is not Role.STANDBY:
        why = f"{leadership.to} is no living standby any more"
    else:
        return HandOver(revision=leadership.revision, why=f"drain {seen.me} for {leadership.to}")
    return ResumeLeading(revision=leadership.revision, why=f"call the handover to {leadership.to} off: {why}")


def await_successor(seen: Observed, leadership: Leadership, settings: Settings) -> Action:
    """Return the action of a drained former primary: wait, and lead again if no host takes over.

    Its process stays up, because the host that takes over reads its last log from it.
    """
    if seen.database.process is Process.DOWN:
        return recover_standby(seen, leadership, settings)
    obstacle = not_ready(seen, settings) or excess_data_loss(seen, leadership, settings)
    if leadership.unchanged_ms < settings.handover_limit_ms or obstacle is not None:
        return Hold(why=f"{seen.me} was drained at {leadership.final_scn}, and waits for {leadership.to}")
    return acquire_leader_lock(
        seen,
        leadership,
        f"{leadership.to} has not taken over {leadership.unchanged_ms} ms after {seen.me} was drained"
        f" (limit {settings.handover_limit_ms}): {seen.me} leads on",
    )
