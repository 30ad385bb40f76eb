"""Whether writes may be acknowledged that the primary alone has, and how that begins and ends. Pure.

Services that wait for a standby (`durability: cross_centre`) would wait for ever where there is none, as
after every change of roles. To stop waiting is safe only while nobody can be promoted that lacks what was
acknowledged meanwhile. So both hang on one word in the store's record: as long as `alone` is not `no`, no
other host leads by itself (`eligibility`), and only the leader's own agent tells services not to wait.

It ends in steps, each by the leader and each in the record: a standby follows again, and services are told to
wait (`ending`); what was told before is over, and the primary's position is written down, behind which lies
all that was acknowledged alone (`acknowledged_scn`); every standby that may lead has passed it (`no`).

The word is one for all: where two standbys may lead, one that is lost makes the primary alone though the
other follows. A standby that is configured never to lead counts for nothing here.
"""

from failover.core.actions import SetAlone
from failover.core.eligibility import standbys_that_may_lead
from failover.core.lag import NS_IN_MS, lag_between_ns
from failover.core.observed import Alone, Leadership, Observed, Phase, Role, Settings

FOLLOWS_WITHIN_MS = 2000
"""By what the store holds, which may be three looks old. One that is further behind keeps writes waiting for
as long."""


def alone_with(seen: Observed, leadership: Leadership, settings: Settings) -> Alone:
    """Return how a lead on this host's database begins; it goes on as it was if that was the primary."""
    if leadership.primary == seen.me:
        return leadership.alone
    return Alone.NO if settings.alone_after_ms is None else Alone.YES


def is_followed(seen: Observed, peer_silent_ms: int) -> bool:
    """Say whether there are standbys that may lead, and each follows this host's database closely."""
    leadership = seen.store.leadership if seen.store else None
    others = standbys_that_may_lead(seen)
    return (
        leadership is not None
        and bool(others)
        and all(
            m.role is Role.STANDBY
            and m.lineage == leadership.lineage
            and m.unchanged_ms < peer_silent_ms
            and lag_between_ns(m.scn, seen.database.scn, seen.database.settled_scn)
            <= FOLLOWS_WITHIN_MS * NS_IN_MS
            for m in others
        )
    )


def told_alone(seen: Observed) -> Alone | None:
    """Return what this agent tells services: `yes`, they need not wait for a standby; None: it does not know.

    Of another host's lead it may have missed the latest, and of its own it knows all.
    """
    leadership = seen.store.leadership if seen.store else None
    knows = (
        leadership is not None
        and leadership.host == seen.me
        and seen.lease is not None
        and seen.lease.epoch == leadership.epoch
        and leadership.phase is Phase.SERVING
    )
    return leadership.alone if leadership is not None and knows else None


def next_of_alone(seen: Observed, leadership: Leadership, settings: Settings) -> SetAlone | None:
    """Return the next step of the leader that serves; None: it stays as it is.

    Services that wait, wait for a standby that pauses up to the same limit, whether it had all already or is
    about to: one late look must not undo what is nearly over.
    """
    limit_ms = settings.alone_after_ms
    if leadership.alone is Alone.YES:
        if limit_ms is not None and seen.unfollowed_ms > 0:
            return None
        return _set(leadership, Alone.ENDING, "the standby follows again: services wait for it")
    if limit_ms is not None and seen.unfollowed_ms >= limit_ms:
        why = f"no standby has followed for {seen.unfollowed_ms} ms (limit {limit_ms})"
        return _set(leadership, Alone.YES, f"{why}: writes are acknowledged by the primary alone")
    return None if leadership.alone is Alone.NO else _end(seen, leadership, settings)


def _end(seen: Observed, leadership: Leadership, settings: Settings) -> SetAlone | None:
    target = leadership.acknowledged_scn
    if target is None:
        # The position must be younger than the last word on which a service can still have acted.
        over_ms = seen.alone_said_ago_ms - settings.alone_word_ms
        if seen.database.silent_ms > over_ms or not seen.database.scn:
            return None
        why = f"all that was acknowledged by the primary alone lies before {seen.database.scn}"
        return _set(leadership, Alone.ENDING, why, seen.database.scn)
    others = standbys_that_may_lead(seen)
    if not others or any(m.lineage != leadership.lineage or m.scn < target for m in others):
        return None
    return _set(leadership, Alone.NO, f"every standby that may lead has passed {target}")


def _set(leadership: Leadership, alone: Alone, why: str, target: int | None = None) -> SetAlone:
    return SetAlone(alone=alone, acknowledged_scn=target, revision=leadership.revision, why=why)
