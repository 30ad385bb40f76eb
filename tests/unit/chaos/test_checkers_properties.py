"""Any valid history passes; any one thing changed in it fails the checker that guards it."""

from collections import Counter
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from proof.checkers import contents, effects, ledger, sets
from proof.checkers.checker import run_checkers
from proof.history import History
from proof.record import Application, JournalRow, Limit, Write
from proof.verdict import Verdict
from tests.unit.chaos.histories import NUMBERS, history, row, write

CAP_FEN = 1_000_000
STATUS_AFTER = {"freeze": "frozen", "unfreeze": "active"}
_OPERATIONS = st.tuples(
    st.sampled_from(sorted(NUMBERS)),
    st.integers(1, 5),
    st.sampled_from(["drawdown", "repayment", "freeze", "unfreeze", "admission", "grant"]),
    st.integers(1, 200_000),
    st.sampled_from(["acknowledged"] * 5 + ["indeterminate"]),
)


def _play(steps: list[tuple[str, int, str, int, str]]) -> History:
    """Run the operations against a small bank that is right by construction."""
    used: dict[tuple[str, int], int] = {}
    owners: dict[tuple[str, int], int] = {}
    status: dict[tuple[str, int], str] = {}
    writes: list[Write] = []
    journal: list[JournalRow] = []
    applications: list[Application] = []
    unserved: Counter[str] = Counter()
    for number, (entity, customer, operation, asked_fen, outcome) in enumerate(steps):
        owner = NUMBERS[entity] * ledger.CUSTOMERS_PER_ENTITY + customer
        # A new limit has a number of its own.
        place = (entity, 10**12 + number if operation == "grant" else owner)
        owners[place] = owner
        before = used.setdefault(place, 0)
        sign = {"drawdown": 1, "repayment": -1}.get(operation, 0)
        after = before + sign * asked_fen
        key = f"{number:032x}"
        accounts: tuple[str | None, str | None] = (f"loan:{place[1]}", f"settlement:{entity}")
        accounts = accounts[::sign] if sign else (None, None)
        limit_id = None if operation == "admission" else place[1]
        asked = write(
            key,
            entity=entity,
            operation=operation,
            limit_id=limit_id,
            customer_id=owner,
            amount_fen=asked_fen if sign else 0,
            ended_s=100.0 + number,
        )
        # A right bank serves every kind of request again and again.
        is_due = max(unserved[operation], unserved[entity]) + 2 >= effects.ATTEMPTED_OFTEN
        unserved.update((operation, entity))
        if not 0 <= after <= CAP_FEN:
            if not is_due:
                writes.append(replace(asked, outcome="rejected", status=422))
            continue
        outcome = "acknowledged" if is_due else outcome
        if outcome == "acknowledged":
            unserved[operation] = unserved[entity] = 0
        used[place] = after
        if operation in STATUS_AFTER:
            status[place] = STATUS_AFTER[operation]
        if operation == "grant":
            asked = replace(asked, limit_id=None, response={"limit_id": limit_id, "cap_fen": CAP_FEN})
        if operation == "admission":
            applied = 10**13 + number
            asked = replace(asked, response={"application_id": applied, "decision": "admitted"})
            applications.append(
                Application(
                    entity=entity,
                    application_id=applied,
                    customer_id=owner,
                    status="admitted",
                    score=None,
                    grade=None,
                )
            )
        writes.append(replace(asked, outcome=outcome))
        journal.append(
            row(
                key,
                entity=entity,
                kind=operation,
                limit_id=limit_id,
                customer_id=owner,
                amount_fen=asked.amount_fen,
                debit_account=accounts[0],
                credit_account=accounts[1],
                created_s=100.0 + 2.0 * number,
            )
        )
    limits = tuple(
        Limit(
            entity=place[0],
            limit_id=place[1],
            customer_id=owners[place],
            cap_fen=CAP_FEN,
            used_fen=fen,
            status=status.get(place, "active"),
        )
        for place, fen in used.items()
    )
    return history(
        tuple(writes), tuple(journal), limits, applications=tuple(applications), acknowledged_min=0
    )


VALID = st.lists(_OPERATIONS, min_size=1, max_size=40).map(_play)
WITH_ACKNOWLEDGED = VALID.filter(lambda found: len(found.acknowledged) > 0)
WITH_GRANTS = VALID.filter(lambda found: any(r.kind == "grant" for r in found.journal))
WITH_ADMISSIONS = VALID.filter(lambda found: any(w.operation == "admission" for w in found.acknowledged))
WITH_MONEY = VALID.filter(lambda found: any(r.amount_fen for r in found.journal))


def _changed(found: History, **changes: object) -> History:
    return replace(found, **changes)  # type: ignore[arg-type]  # fields of History by name


@example(found=_play([("QH01", 1, "repayment", 1, "acknowledged")] * 12))
@example(found=_play([("QH01", 1, "freeze", 1, "indeterminate")] * 12))
@given(found=VALID)
def test_a_valid_history_passes(found: History) -> None:
    verdicts = {f.name: f.verdict for f in run_checkers(found, sets.LOAD)}
    assert set(verdicts.values()) == {Verdict.PASS}, verdicts


@given(found=WITH_ACKNOWLEDGED, data=st.data())
def test_any_missing_acknowledged_row_is_noticed(found: History, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(found.acknowledged))
    rows = tuple(r for r in found.journal if r.key != gone.key)
    finding = ledger.nothing_acknowledged_lost(_changed(found, journal=rows))
    assert finding.verdict is Verdict.FAIL
    assert [listed["key"] for listed in finding.listed] == [gone.key]


@given(found=WITH_ACKNOWLEDGED, data=st.data())
def test_any_doubled_row_is_noticed(found: History, data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(found.journal))
    assert ledger.nothing_doubled(_changed(found, journal=(*found.journal, twice))).verdict is Verdict.FAIL


@given(found=WITH_MONEY, data=st.data(), by=st.integers(1, 1000))
def test_any_wrong_amount_is_noticed(found: History, data: st.DataObject, by: int) -> None:
    wrong = data.draw(st.sampled_from([r for r in found.journal if r.amount_fen]))
    rows = tuple(replace(r, amount_fen=r.amount_fen + by) if r is wrong else r for r in found.journal)
    assert ledger.ledger_balances(_changed(found, journal=rows)).verdict is Verdict.FAIL
    if any(w.key == wrong.key for w in found.acknowledged):
        assert ledger.nothing_doubled(_changed(found, journal=rows)).verdict is Verdict.FAIL


@given(found=WITH_MONEY, data=st.data())
def test_any_half_of_an_entry_lost_is_noticed(found: History, data: st.DataObject) -> None:
    half = data.draw(st.sampled_from([r for r in found.journal if r.amount_fen]))
    is_debit = data.draw(st.booleans())
    cut = replace(half, debit_account=None) if is_debit else replace(half, credit_account=None)
    rows = tuple(cut if r is half else r for r in found.journal)
    assert ledger.ledger_balances(_changed(found, journal=rows)).verdict is Verdict.FAIL


@given(found=VALID, data=st.data())
def test_any_row_moved_to_another_entity_is_noticed(found: History, data: st.DataObject) -> None:
    if not found.journal:
        return
    moved = data.draw(st.sampled_from(found.journal))
    other = next(entity for entity in NUMBERS if entity != moved.entity)
    rows = tuple(replace(r, entity=other) if r is moved else r for r in found.journal)
    assert ledger.entities_apart(_changed(found, journal=rows)).verdict is Verdict.FAIL


@given(found=WITH_GRANTS, data=st.data())
def test_any_grant_without_its_limit_and_any_limit_without_its_grant_is_noticed(
    found: History, data: st.DataObject
) -> None:
    granted = data.draw(st.sampled_from([r for r in found.journal if r.kind == "grant"]))
    limits = tuple(limit for limit in found.limits if limit.limit_id != granted.limit_id)
    rows = tuple(r for r in found.journal if r is not granted)
    for changed in ({"limits": limits}, {"journal": rows}):
        assert effects.grants_opened_limits(_changed(found, **changed)).verdict is Verdict.FAIL


@given(found=WITH_GRANTS, data=st.data())
def test_any_second_limit_of_one_grant_is_noticed(found: History, data: st.DataObject) -> None:
    granted = {r.limit_id for r in found.journal if r.kind == "grant"}
    limit = data.draw(st.sampled_from([limit for limit in found.limits if limit.limit_id in granted]))
    twice = (*found.limits, replace(limit, limit_id=limit.limit_id + 10**9))
    assert effects.grants_opened_limits(_changed(found, limits=twice)).verdict is Verdict.FAIL


@given(found=WITH_GRANTS, data=st.data(), by=st.sampled_from([-1, 1]))
def test_any_limit_of_another_size_than_was_told_is_noticed(
    found: History, data: st.DataObject, by: int
) -> None:
    granted = {r.limit_id for r in found.journal if r.kind == "grant"}
    told = {w.response.get("limit_id") for w in found.acknowledged if isinstance(w.response, dict)} & granted
    if not told:
        return
    chosen = data.draw(st.sampled_from(sorted(told)))
    limits = tuple(replace(x, cap_fen=x.cap_fen + by) if x.limit_id == chosen else x for x in found.limits)
    assert effects.grants_opened_limits(_changed(found, limits=limits)).verdict is Verdict.FAIL


@given(found=VALID, data=st.data())
def test_any_status_that_the_journal_did_not_leave_is_noticed(found: History, data: st.DataObject) -> None:
    changed = {r.limit_id for r in found.journal if r.kind in STATUS_AFTER}
    if not changed:
        return
    chosen = data.draw(st.sampled_from(sorted(changed)))
    other = {"frozen": "active", "active": "frozen"}
    limits = tuple(replace(x, status=other[x.status]) if x.limit_id == chosen else x for x in found.limits)
    finding = effects.limits_have_their_status(_changed(found, limits=limits))
    assert finding.verdict is Verdict.FAIL
    assert [listed["limit_id"] for listed in finding.listed] == [chosen]


@settings(max_examples=50)
@given(found=WITH_ACKNOWLEDGED, data=st.data())
def test_any_definite_no_that_was_executed_is_noticed(found: History, data: st.DataObject) -> None:
    told_no = data.draw(st.sampled_from(found.acknowledged))
    writes = tuple(replace(w, outcome="rejected") if w is told_no else w for w in found.writes)
    assert ledger.rejected_left_no_trace(_changed(found, writes=writes)).verdict is Verdict.FAIL


@given(
    found=VALID.filter(lambda found: any(w.operation == "admission" for w in found.acknowledged)),
    data=st.data(),
)
def test_any_application_that_is_not_what_was_told_is_noticed(found: History, data: st.DataObject) -> None:
    assert found.applications
    told = [w.response["application_id"] for w in found.acknowledged if w.operation == "admission"]  # type: ignore[index]
    number = data.draw(st.sampled_from(told))
    chosen = next(each for each in found.applications if each.application_id == number)
    others = tuple(each for each in found.applications if each is not chosen)
    for applications in (
        others,
        (*others, replace(chosen, status="declined")),
        (*others, replace(chosen, customer_id=chosen.customer_id + 1)),
        (*others, chosen, replace(chosen, application_id=7)),
    ):
        finding = contents.applications_have_their_status(_changed(found, applications=applications))
        assert finding.verdict is Verdict.FAIL, applications


@given(found=VALID, data=st.data())
def test_any_copy_that_holds_something_else_is_noticed(found: History, data: st.DataObject) -> None:
    other = data.draw(st.sampled_from(found.contents))
    for wrong in (replace(other, rows=other.rows + 1), replace(other, checksum=other.checksum + 1)):
        changed = tuple(wrong if each is other else each for each in found.contents)
        assert contents.standby_has_the_same(_changed(found, contents=changed)).verdict is Verdict.FAIL
    if other.table == "application":
        return
    both = tuple(
        replace(each, rows=each.rows + 1) if each.table == other.table else each for each in found.contents
    )
    finding = contents.standby_has_the_same(_changed(found, contents=both))
    assert finding.verdict is Verdict.FAIL, "more than was exported"
    alone = tuple(each for each in found.contents if each is not other)
    assert contents.standby_has_the_same(_changed(found, contents=alone)).verdict is Verdict.INVALID
