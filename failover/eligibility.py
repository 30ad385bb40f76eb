"""Who may lead next: whose data, how far behind, before whom. Pure."""

from failover.observed import (
    Database,
    Leadership,
    Member,
    Observed,
    Process,
    Role,
    Settings,
    StoreView,
)
from failover.safety import is_hung

HEAD_START_LOOPS = 2
"""For so many loops those with more data are let go first."""

NS_IN_MS = 1_000_000


def not_ready(seen: Observed, settings: Settings) -> str | None:
    """Return why this host's database cannot become the primary just now, or None. Nothing about its data."""
    database = seen.database
    if not seen.may_lead:
        return f"{seen.me} is configured never to lead"
    if database.recorded_role is None:
        return f"{seen.me} has no complete data"
    if database.process is Process.DOWN:
        if database.recorded_role is Role.STANDBY:
            return f"the database of {seen.me} is down"
        return too_soon_to_start(database, seen.me, settings)
    if is_hung(database, seen.task, settings):
        return f"the database of {seen.me} does not answer ({database.process}, {database.silent_ms} ms)"
    if database.process is not Process.RUNNING or database.role is None:
        return f"the database of {seen.me} is {database.process} and has not said what it is"
    return None


def too_soon_to_start(database: Database, me: str, settings: Settings) -> str | None:
    """Return why the database is not started again yet, or None."""
    ago_ms = database.started_ago_ms if ago_ms is None or ago_ms >= settings.start_again_ms: return None
    return f"the database of {me} was started {ago_ms} ms ago; next attempt after {settings.start_again_ms}
    ms"


def descends(database: Database, leadership: Leadership) -> bool:
    """Say whether these data are the ones that were served last, or a beginning of them.

    `next_lineage` counts, too: the note is written before the store's record, and an agent may have ended
    between the two or before it had noted the promotion's end.
    """
    return leadership.lineage in (database.lineage, database.next_lineage)


def what_would_be_lost(seen: Observed, leadership: Leadership, settings: Settings) -> str | None:
    """Return what leading with this host's data would lose beyond the limit, or None."""
    database, store = seen.database, seen.store
    if not descends(database, leadership):
        return (
            f"the data of {seen.me} descend from epoch {_known(database.lineage)}, those last served from
            epoch" f" {leadership.lineage} (last leader {leadership.host})" ) if database.recorded_role is
            Role.PRIMARY and database.role is not Role.STANDBY: return None last = last_known_scn(seen.me,
            leadership, store.members if store else ()) if last is None: return f"the last position of
            {leadership.host} is not known" lag_ms = (last - database.scn) // NS_IN_MS if lag_ms >
            settings.lag_limit_ms: return ( f"{seen.me} is {lag_ms} ms behind the last known position of the
            primary" f" (limit {settings.lag_limit_ms} ms)" ) return None


def last_known_scn(me: str, leadership: Leadership, members: tuple[Member, ...]) -> int | None:
    """Return the furthest position that holders of the served history reported; None if the leader never
    did."""
    if leadership.final_scn is not None:
        return leadership.final_scn
    holders = [m for m in members if m.lineage == leadership.lineage and m.scn > 0 and m.host != me]
    leaders = [m for m in holders if m.host == leadership.host or m.recorded_role is Role.PRIMARY]
    return max(m.scn for m in holders) if leaders else None


def goes_first(seen: Observed, leadership: Leadership, settings: Settings) -> tuple[Member, ...]:
    """Return the living standbys that have more data than this host's, or need no restart and enough data."""
    others = standbys_able_to_lead(seen, leadership, settings)
    mine = seen.database
    if mine.recorded_role is Role.PRIMARY and mine.role is not Role.STANDBY:
        return others
    return tuple(m for m in others if (m.scn, m.host) > (mine.scn, seen.me))


def head_start_ms(seen: Observed, leadership: Leadership, settings: Settings) -> int:
    """Return for how long this host lets better candidates go first."""
    ahead = goes_first(seen, leadership, settings)
    return len(ahead) * HEAD_START_LOOPS * settings.loop_interval_ms


def standbys_able_to_lead(
    seen: Observed, leadership: Leadership, settings: Settings
) -> tuple[Member, ...]:
    """Return the other members that live, are standbys of the served history, and are not too far behind."""
    store = seen.store or StoreView(answered_ago_ms=0)
    last = last_known_scn("", leadership, store.members)
    return tuple(
        m
        for m in store.members
        if m.host != seen.me
        and m.may_lead
        and m.role is Role.STANDBY
        and m.unchanged_ms < settings.peer_silent_ms
        and m.lineage == leadership.lineage
        and (last is None or (last - m.scn) // NS_IN_MS <= settings.lag_limit_ms)
    )


def member(seen: Observed, host: str) -> Member | None:
    """Return what `host` last put into the store, or None."""
    members = seen.store.members if seen.store else ()
    return next((m for m in members if m.host == host), None)


def _known(lineage: int | None) -> str:
    return "unknown" if lineage is None else str(lineage)
