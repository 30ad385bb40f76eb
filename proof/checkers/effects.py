"""Effects of operations besides their journal row: a grant opens a limit, a freeze sets a status. Pure.

A seeded limit has the number of its customer; a granted limit has the number of its application.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from proof.checkers.checker import finding
from proof.history import History
from proof.record import JournalRow, Limit, Outcome, Read, Write
from proof.verdict import Finding, Verdict

ATTEMPTED_OFTEN = 10
"""If an operation was tried fewer times, it may have failed each time by chance."""
TOLD_APART_S = 1.0
"""The order of two changes of a limit's status that are closer than this is unknown, because rows hold the
time at which their statement began, and not the time of their commit."""

_STATUS_AFTER = {"freeze": "frozen", "unfreeze": "active"}


def grants_opened_limits(history: History) -> Finding:
    """Each grant opened one limit, for its customer and with the answered cap; no other limit exists."""
    limits = {(limit.entity, limit.limit_id): limit for limit in history.limits}
    granted = [row for row in history.journal if row.kind == "grant"]
    listed = [
        *_without_their_grant(history.limits, Counter((row.entity, row.limit_id) for row in granted)),
        *_without_their_limit(granted, limits),
        *_of_another_size(history, limits),
    ]
    reasons = [f"{len(listed)} grants and limits do not belong together"] if listed else []
    figures = {"grants": len(granted), "grants_wrong": len(listed)}
    return finding(history, "grants_opened_limits", reasons, figures=figures, listed=listed)


def limits_have_their_status(history: History) -> Finding:
    """Each limit has the status that its last freeze or unfreeze in the journal set; active without one."""
    changes: defaultdict[tuple[str, int], list[JournalRow]] = defaultdict(list)
    for row in history.journal:
        if row.kind in _STATUS_AFTER and row.limit_id is not None:
            changes[row.entity, row.limit_id].append(row)
    changed = len(changes)
    listed: list[Mapping[str, object]] = []
    for limit in history.limits:
        wanted = _last_statuses(changes.pop((limit.entity, limit.limit_id), ()))
        if limit.status not in wanted:
            listed.append(
                {
                    "entity": limit.entity,
                    "limit_id": limit.limit_id,
                    "status": limit.status,
                    "journal": " or ".join(sorted(wanted)),
                }
            )
    listed += [
        {"entity": entity, "limit_id": limit_id, "status": None, "journal": "a limit that does not exist"}
        for entity, limit_id in changes
    ]
    reasons = [f"{len(listed)} limits have another status than the journal left them with"] if listed else []
    figures = {"limits_with_changed_status": changed, "statuses_wrong": len(listed)}
    return finding(history, "limits_have_their_status", reasons, figures=figures, listed=listed)


def each_operation_acknowledged(history: History) -> Finding:
    """Of each operation that was tried often, at least one was acknowledged; else nothing proves it works."""
    tried = Counter(write.operation for write in history.writes if write.outcome != Outcome.UNSENT)
    acknowledged = Counter(write.operation for write in history.acknowledged)
    never = [
        name for name, count in sorted(tried.items()) if count >= ATTEMPTED_OFTEN > acknowledged[name] == 0
    ]
    return Finding(
        name="each_operation_acknowledged",
        verdict=Verdict.INVALID if never else Verdict.PASS,
        reasons=tuple(f"none of {tried[name]} {name} requests was acknowledged" for name in never),
        figures={"operations_acknowledged": len(acknowledged)},
    )


def each_kind_served_at_the_end(history: History) -> Finding:
    """Of the last tries of each operation, query and legal entity, at least one was served.

    A small part of the load may fail completely, and error ratio, rate and silence would not show it.
    """
    tries: defaultdict[str, list[bool]] = defaultdict(list)
    requests: list[Write | Read] = [*history.writes, *history.reads]
    for request in sorted(requests, key=lambda each: each.planned_s):
        if request.outcome == Outcome.UNSENT:
            continue
        kinds = [f"{request.operation} requests"]
        kinds += [f"requests of {request.entity}"] if isinstance(request, Write) else []
        for kind in kinds:
            # A definite no that is the right answer counts as served too.
            tries[kind].append(request.outcome in (Outcome.ACKNOWLEDGED, Outcome.REFUSED))
    dead = [
        kind
        for kind, served in sorted(tries.items())
        if len(served) >= ATTEMPTED_OFTEN and not any(served[-ATTEMPTED_OFTEN:])
    ]
    return Finding(
        name="each_kind_served_at_the_end",
        verdict=Verdict.FAIL if dead else Verdict.PASS,
        reasons=tuple(f"none of the last {ATTEMPTED_OFTEN} {kind} was served" for kind in dead),
        figures={"kinds_dead_at_the_end": len(dead)},
    )


def _without_their_grant(
    limits: Iterable[Limit], times: Mapping[tuple[str, int | None], int]
) -> Iterable[Mapping[str, object]]:
    for limit in limits:
        count = times.get((limit.entity, limit.limit_id), 0)
        if count > 1 or (count == 0 and limit.limit_id != limit.customer_id):
            problem = f"granted {count} times in the journal"
            yield {"entity": limit.entity, "limit_id": limit.limit_id, "problem": problem}


def _without_their_limit(
    granted: Iterable[JournalRow], limits: Mapping[tuple[str, int], Limit]
) -> Iterable[Mapping[str, object]]:
    for row in granted:
        limit = None if row.limit_id is None else limits.get((row.entity, row.limit_id))
        if limit is None:
            problem = "its limit does not exist"
        elif limit.customer_id != row.customer_id:
            problem = f"its limit is customer {limit.customer_id}'s, the grant {row.customer_id}'s"
        else:
            continue
        yield {"entity": row.entity, "key": row.key, "limit_id": row.limit_id, "problem": problem}


def _of_another_size(
    history: History, limits: Mapping[tuple[str, int], Limit]
) -> Iterable[Mapping[str, object]]:
    for write in history.acknowledged:
        if write.operation != "grant" or not isinstance(write.response, Mapping):
            continue
        row = history.rows_by_key.get((write.entity, write.key))
        limit = None if row is None or row.limit_id is None else limits.get((row.entity, row.limit_id))
        told_fen = write.response.get("cap_fen")
        if limit is not None and told_fen != limit.cap_fen:
            problem = f"the client was told a cap of {told_fen!r} fen, the limit has {limit.cap_fen}"
            yield {"entity": write.entity, "key": write.key, "limit_id": limit.limit_id, "problem": problem}


def _last_statuses(changes: Iterable[JournalRow]) -> set[str]:
    """Return the possible statuses after `changes`: two if it is unknown which change was the last."""
    ordered = sorted(changes, key=lambda row: row.created_s)
    if not ordered:
        return {"active"}
    last_s = ordered[-1].created_s
    return {_STATUS_AFTER[row.kind] for row in ordered if last_s - row.created_s < TOLD_APART_S}
