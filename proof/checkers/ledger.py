"""Pure checkers of the journal: keys, amounts, balances and legal entities."""

from collections import Counter
from collections.abc import Iterable, Mapping

from proof.checkers.checker import finding
from proof.history import SIGN_OF_KIND, History
from proof.record import NOT_EXECUTED, JournalRow, Outcome, Write
from proof.verdict import Finding

CUSTOMERS_PER_ENTITY = 1_000_000_000
"""A customer's number is the entity's number times this, plus the customer's number within the entity."""

_OF_A_LIMIT = frozenset({"grant", "drawdown", "repayment", "freeze", "unfreeze"})
"""Operations whose journal row names the limit they acted on."""


def nothing_acknowledged_lost(history: History) -> Finding:
    """Every acknowledged write is in the journal; required of a load without a fault."""
    missing = history.missing
    total = len(history.acknowledged)
    reasons = [f"{len(missing)} of {total} acknowledged writes are not in the journal"] if missing else []
    return finding(
        history,
        "nothing_acknowledged_lost",
        reasons,
        figures={"acknowledged_lost": len(missing)},
        listed=(_row_of(write) for write in missing),
    )


def nothing_doubled(history: History) -> Finding:
    """A key is at most once in the journal, acted once, and its row agrees with the client's answer."""
    times = Counter((row.entity, row.key) for row in history.journal)
    doubled = [key for key, count in times.items() if count > 1]
    sent = Counter((write.entity, write.key) for write in history.acknowledged)
    sent_twice = [key for key, count in sent.items() if count > 1]
    differing = [
        (write, problem)
        for write in history.acknowledged
        if (row := history.rows_by_key.get((write.entity, write.key))) is not None
        for problem in _differences(write, row)
    ]
    reasons = []
    if doubled:
        reasons.append(f"{len(doubled)} keys stand more than once in the journal")
    if sent_twice:
        reasons.append(f"{len(sent_twice)} keys were acknowledged for more than one write")
    twice = _applied_twice(history)
    if twice:
        reasons.append(f"{len(twice)} limits use more than their journal, by exactly one row's amount")
    if differing:
        reasons.append(f"{len(differing)} acknowledged values differ from the journal")
    listed: list[Mapping[str, object]] = [
        {"entity": entity, "key": key, "rows": times[entity, key]} for entity, key in doubled
    ]
    listed += [
        {"entity": entity, "key": key, "acknowledged": sent[entity, key]} for entity, key in sent_twice
    ]
    listed += twice
    listed += [{**_row_of(write), "problem": problem} for write, problem in differing]
    figures = {
        "acknowledged_doubled": len(doubled) + len(sent_twice) + len(twice),
        "acknowledged_differing": len(differing),
    }
    return finding(history, "nothing_doubled", reasons, figures=figures, listed=listed)


def ledger_balances(history: History) -> Finding:
    """Each journal row is a double entry, and each limit's used part is the fold of its journal rows.

    Needs the whole journal with the rows of the seeding, which account for the used part of seeded limits. A
    row has one amount for both of its accounts, so debits equal credits if every row is a double entry.
    """
    folded = history.used_by_journal
    one_sided = [row for row in history.journal if not _is_double_entry(row)]
    used = {(limit.entity, limit.limit_id): limit.used_fen for limit in history.limits}
    unfolded = [key for key, used_fen in used.items() if folded.get(key, 0) != used_fen]
    unknown = [key for key in folded if key not in used]
    reasons = []
    if one_sided:
        reasons.append(f"{len(one_sided)} journal rows are not a double entry")
    if unfolded:
        reasons.append(f"{len(unfolded)} limits use another amount than their journal adds up to")
    if unknown:
        reasons.append(f"{len(unknown)} limits have journal rows but do not exist")
    listed: list[Mapping[str, object]] = [_row_of_journal(row) for row in one_sided]
    listed += [
        {"entity": e, "limit_id": n, "used_fen": used.get((e, n)), "journal_fen": folded.get((e, n), 0)}
        for e, n in (*unfolded, *unknown)
    ]
    figures = {
        "limits_checked": len(used),
        "limits_unbalanced": len(unfolded) + len(unknown),
        "rows_one_sided": len(one_sided),
        "journal_rows": len(history.journal),
    }
    return finding(history, "ledger_balances", reasons, figures=figures, listed=listed)


def no_overdrawn_limit(history: History) -> Finding:
    """No limit uses more than its cap or less than zero."""
    wrong = [limit for limit in history.limits if not 0 <= limit.used_fen <= limit.cap_fen]
    reasons = (f"{len(wrong)} limits use more than their cap or less than nothing",) if wrong else ()
    listed = (
        {"entity": x.entity, "limit_id": x.limit_id, "used_fen": x.used_fen, "cap_fen": x.cap_fen}
        for x in wrong
    )
    figures = {"limits_overdrawn": len(wrong)}
    return finding(history, "no_overdrawn_limit", reasons, figures=figures, listed=listed)


def entities_apart(history: History) -> Finding:
    """Each journal row and each limit belongs to one legal entity: that of its customer."""
    numbers = history.context.entity_numbers
    owner = {limit.limit_id: limit.entity for limit in history.limits}
    listed: list[Mapping[str, object]] = []
    for row in history.journal:
        if row.entity not in numbers:
            listed.append({**_row_of_journal(row), "problem": f"entity {row.entity} is not in the inventory"})
        elif row.customer_id is not None and row.customer_id // CUSTOMERS_PER_ENTITY != numbers[row.entity]:
            listed.append({**_row_of_journal(row), "problem": "the customer is another entity's"})
        elif row.limit_id is not None and owner.get(row.limit_id, row.entity) != row.entity:
            listed.append({**_row_of_journal(row), "problem": f"the limit is {owner[row.limit_id]}'s"})
    owners = {(limit.entity, limit.limit_id): limit.customer_id for limit in history.limits}
    for row in history.journal:
        if row.limit_id is None or row.customer_id is None:
            continue
        if owners.get((row.entity, row.limit_id), row.customer_id) != row.customer_id:
            listed.append({**_row_of_journal(row), "problem": "the limit is another customer's"})
    for limit in history.limits:
        if limit.customer_id // CUSTOMERS_PER_ENTITY != numbers.get(limit.entity):
            problem = "the limit's customer is another entity's"
            listed.append({"entity": limit.entity, "limit_id": limit.limit_id, "problem": problem})
    reasons = (f"{len(listed)} rows mix legal entities",) if listed else ()
    return finding(history, "entities_apart", reasons, figures={"entities_mixed": len(listed)}, listed=listed)


def rejected_left_no_trace(history: History) -> Finding:
    """No write that got a definite no, or was never sent, is in the journal; counts the other outcomes."""
    rows = history.rows_by_key
    traced = [
        write
        for write in history.writes
        if write.outcome in NOT_EXECUTED and (write.entity, write.key) in rows
    ]
    open_ends = [write for write in history.writes if write.outcome == Outcome.INDETERMINATE]
    committed = sum((write.entity, write.key) in rows for write in open_ends)
    reasons = (f"{len(traced)} writes were answered with a definite no and stand in the journal",)
    figures = {
        "rejected_executed": len(traced),
        "indeterminate": len(open_ends),
        "indeterminate_committed": committed,
        "indeterminate_absent": len(open_ends) - committed,
    }
    return finding(
        history,
        "rejected_left_no_trace",
        reasons if traced else (),
        figures=figures,
        listed=(_row_of(write) for write in traced),
    )


def nothing_invented(history: History) -> Finding:
    """Each row that was added to the journal while clients wrote has a key that a client sent."""
    asked = {(write.entity, write.key) for write in history.writes}
    from_s = min((write.started_s for write in history.writes), default=0.0)
    until_s = max((write.ended_s for write in history.writes), default=0.0)
    invented = [
        row
        for row in history.journal
        if from_s <= row.created_s <= until_s and (row.entity, row.key) not in asked
    ]
    reasons = [f"{len(invented)} journal rows have a key that no client sent"] if invented else []
    return finding(
        history,
        "nothing_invented",
        reasons,
        figures={"rows_invented": len(invented)},
        listed=(_row_of_journal(row) for row in invented),
    )


def _applied_twice(history: History) -> list[Mapping[str, object]]:
    """Return the limits that use more than their journal by exactly the amount of one of its rows."""
    folded = history.used_by_journal
    more = {
        (limit.entity, limit.limit_id): limit.used_fen - folded.get((limit.entity, limit.limit_id), 0)
        for limit in history.limits
        if limit.used_fen != folded.get((limit.entity, limit.limit_id), 0)
    }
    found: dict[tuple[str, int], Mapping[str, object]] = {}
    for row in history.journal if more else ():
        sign = SIGN_OF_KIND.get(row.kind)
        if sign is None or row.limit_id is None:
            continue
        if more.get((row.entity, row.limit_id)) == sign * row.amount_fen:
            problem = "it acted twice on its limit"
            found.setdefault((row.entity, row.limit_id), {**_row_of_journal(row), "problem": problem})
    return list(found.values())


def _differences(write: Write, row: JournalRow) -> Iterable[str]:
    told = write.response if isinstance(write.response, Mapping) else {}
    if row.kind != write.operation:
        yield f"operation: the client asked for {write.operation!r}, the journal has {row.kind!r}"
    if write.operation in SIGN_OF_KIND:
        for value in (write.amount_fen, told.get("amount_fen", row.amount_fen)):
            if value != row.amount_fen:
                yield f"amount_fen: the client has {value!r}, the journal {row.amount_fen!r}"
                break
    if write.operation in _OF_A_LIMIT:
        for value in (write.limit_id, told.get("limit_id")):
            if value is not None and value != row.limit_id:
                yield f"limit_id: the client has {value!r}, the journal {row.limit_id!r}"
                break


def _is_double_entry(row: JournalRow) -> bool:
    """Say whether a row moves money between its limit's loan and its entity's settlement, the right way."""
    if row.kind not in SIGN_OF_KIND:
        return row.amount_fen == 0 and row.debit_account is None and row.credit_account is None
    accounts = (f"loan:{row.limit_id}", f"settlement:{row.entity}")
    wanted = accounts if SIGN_OF_KIND[row.kind] > 0 else accounts[::-1]
    return row.amount_fen > 0 and (row.debit_account, row.credit_account) == wanted


def _row_of(write: Write) -> dict[str, object]:
    return {
        "entity": write.entity,
        "key": write.key,
        "operation": write.operation,
        "limit_id": write.limit_id,
        "amount_fen": write.amount_fen,
        "started_s": write.started_s,
        "ended_s": write.ended_s,
        "outcome": write.outcome,
    }


def _row_of_journal(row: JournalRow) -> dict[str, object]:
    return {
        "entity": row.entity,
        "key": row.key,
        "kind": row.kind,
        "limit_id": row.limit_id,
        "customer_id": row.customer_id,
        "amount_fen": row.amount_fen,
    }
