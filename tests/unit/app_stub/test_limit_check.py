"""Movements on few limits, folded into groups: the same as one after the other, and nobody is overdrawn."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import limit_check, sql
from app_stub.money import Kind, Limit, applied, refusal
from app_stub.services import Request
from tests.unit.app_stub.fakes import ENTITY, FakeDatabase, FakeLimit
from tests.unit.app_stub.test_idempotent_write import LIMIT, _key, _request, _send_all
from tests.unit.app_stub.test_sql import ROW

LIMITS = (LIMIT, LIMIT + 1, LIMIT + 2)
MOVES = st.lists(
    st.tuples(st.sampled_from(LIMITS), st.sampled_from(["drawdown", "repayment"]), st.integers(1, 60)),
    min_size=1,
    max_size=32,
)
STATES = st.lists(
    st.tuples(st.integers(0, 100), st.sampled_from(["active", "active", "active", "frozen"])),
    min_size=len(LIMITS),
    max_size=len(LIMITS),
)


def move(limit_id: int, kind: str, amount_fen: int, entity: str = ENTITY) -> sql.Move:
    drawn_fen, repaid_fen = (amount_fen, 0) if kind == "drawdown" else (0, amount_fen)
    return sql.Move(entity_code=entity, limit_id=limit_id, drawn_fen=drawn_fen, repaid_fen=repaid_fen)


def one_by_one(
    limits: dict[int, Limit], asked: list[tuple[int, str, int]]
) -> tuple[list[bool], dict[int, Limit]]:
    """Apply each as the database does where it comes alone."""
    after, done = dict(limits), []
    for limit_id, kind, amount_fen in asked:
        fits = refusal(Kind(kind), after[limit_id], amount_fen) is None
        if fits:
            after[limit_id] = applied(Kind(kind), after[limit_id], amount_fen)
        done.append(fits)
    return done, after


@given(asked=MOVES, states=STATES)
def test_a_folded_group_is_the_same_as_one_movement_after_the_other(
    asked: list[tuple[int, str, int]], states: list[tuple[int, str]]
) -> None:
    limits = {
        limit_id: Limit(cap_fen=100, used_fen=used_fen, is_active=status == "active")
        for limit_id, (used_fen, status) in zip(LIMITS, states, strict=True)
    }
    rows = [
        (ENTITY, limit_id, 1, "HUINONG", 100, used, status, None)
        for limit_id, (used, status) in zip(LIMITS, states, strict=True)
    ]
    done, after = one_by_one(limits, asked)
    moves = [move(*each) for each in asked]
    assert [by is None for by in limit_check.refused(moves, rows)] == done
    sums = sql.folded([each for each, fits in zip(moves, done, strict=True) if fits])
    assert len({each.limit_id for each in sums}) == len(sums)
    moved_fen = {each.limit_id: each.drawn_fen - each.repaid_fen for each in sums}
    for limit_id, limit in limits.items():
        assert limit.used_fen + moved_fen.get(limit_id, 0) == after[limit_id].used_fen
        assert 0 <= after[limit_id].used_fen <= 100


def test_who_is_refused_learns_what_it_found() -> None:
    row = ("QH02", LIMIT, 1, "HUINONG", 100, 50, "active", None)
    moves = [
        move(LIMIT, "drawdown", 1),
        move(LIMIT + 1, "repayment", 1),
        move(LIMIT, "drawdown", 30, "QH02"),
        move(LIMIT, "drawdown", 30, "QH02"),
    ]
    after = ("QH02", LIMIT, 1, "HUINONG", 100, 80, "active", None)
    assert limit_check.refused(moves, [row]) == [[row], [], None, [after]]


@given(asked=MOVES, states=STATES)
def test_whoever_shares_a_group_is_answered_rightly_and_no_limit_is_overdrawn(
    asked: list[tuple[int, str, int]], states: list[tuple[int, str]]
) -> None:
    database = FakeDatabase(
        limits={
            limit_id: FakeLimit(entity=ENTITY, cap_fen=100, used_fen=used_fen, status=status)
            for limit_id, (used_fen, status) in zip(LIMITS, states, strict=True)
        }
    )
    requests = [
        _request(kind, amount_fen, _key(place), limit_id=limit_id)
        for place, (limit_id, kind, amount_fen) in enumerate(asked)
    ]
    answers = _send_all(database, requests, grouped=True)
    moved = dict.fromkeys(LIMITS, 0)
    for place, ((limit_id, kind, amount_fen), (status, _)) in enumerate(zip(asked, answers, strict=True)):
        assert status in {201, 422, 423}
        assert ((ENTITY, _key(place)) in database.journal) == (status == 201)
        if status == 201:
            moved[limit_id] += amount_fen if kind == "drawdown" else -amount_fen
    for limit_id, (used_fen, _) in zip(LIMITS, states, strict=True):
        assert database.limits[limit_id].used_fen == used_fen + moved[limit_id]
        assert 0 <= database.limits[limit_id].used_fen <= 100


def _hot(amounts_fen: list[int]) -> list[Request]:
    return [_request("drawdown", amount_fen, _key(place)) for place, amount_fen in enumerate(amounts_fen)]


def test_exactly_those_that_find_no_room_are_refused_and_the_others_share_one_packet() -> None:
    database = FakeDatabase(limits={LIMIT: FakeLimit(entity=ENTITY, cap_fen=100)})
    answers = _send_all(database, _hot([40, 101, 40, 30, 20]), grouped=True)
    assert [status for status, _ in answers] == [201, 422, 201, 422, 201]
    assert database.limits[LIMIT].used_fen == 100
    together, *alone = database.packets
    assert together.count("WHEN") == 4
    assert together.count("'drawdown'") == 3
    assert alone == []


def test_a_group_of_different_limits_looks_only_once_it_was_refused() -> None:
    database = FakeDatabase(
        limits={LIMIT + n: FakeLimit(entity=ENTITY, cap_fen=100, used_fen=95 + n) for n in range(8)}
    )
    requests = [_request("drawdown", 5, _key(n), limit_id=LIMIT + n) for n in range(8)]
    answers = _send_all(database, requests, grouped=True)
    assert [status for status, _ in answers] == [201] + [422] * 7
    groups = [packet for packet in database.packets if "CASE" in packet]
    assert [packet.count("'drawdown'") for packet in groups] == [8, 1]


def test_movements_that_cancel_out_are_journalled_though_their_limit_stays_the_same() -> None:
    database = FakeDatabase(
        limits={LIMIT + n: FakeLimit(entity=ENTITY, cap_fen=100, used_fen=50) for n in range(2)}
    )
    there_and_back = [
        _request("drawdown", 7, _key(1)),
        _request("repayment", 7, _key(2)),
        _request("drawdown", 9, _key(3), limit_id=LIMIT + 1),
        _request("repayment", 4, _key(4), limit_id=LIMIT + 1),
    ]
    for count in (2, 4):
        database.packets.clear()
        database.journal.clear()
        answers = _send_all(database, there_and_back[:count], grouped=True)
        assert [status for status, _ in answers] == [201] * count
        assert len(database.journal) == count
        assert len(database.packets) == 1
    assert [limit.used_fen for limit in database.limits.values()] == [50, 55]


@pytest.mark.parametrize("count", [2, 32])
def test_the_sum_of_the_largest_movements_still_tells_its_place_in_the_group(count: int) -> None:
    largest = 10**13
    update, _ = sql.grouped_movements((move(LIMIT, "drawdown", largest),) * count, (ROW,) * count, 5)
    (value, place, half) = re.findall(r"THEN (\d+) END%(\d+)-(\d+)", update)[0]
    assert int(value) % int(place) - int(half) == count * largest
    assert int(value) < 2**63


def test_a_repeat_of_what_used_the_limit_up_gets_its_first_answer() -> None:
    database = FakeDatabase(limits={LIMIT: FakeLimit(entity=ENTITY, cap_fen=100)})
    requests = _hot([60, 40])
    first = _send_all(database, requests, grouped=True)
    again = _send_all(database, [*requests, _request("drawdown", 1, _key(9))], grouped=True)
    assert [status for status, _ in (*first, *again)] == [201, 201, 201, 201, 422]
    assert [body.body for _, body in first if body] == [body.body for _, body in again[:2] if body]
    assert len(database.journal) == 2


def test_a_refusal_stands_though_room_is_made_before_it_is_answered() -> None:
    """On a limit that all draw on, asking again why there was no room would find some, time and again."""
    database = FakeDatabase(limits={LIMIT: FakeLimit(entity=ENTITY, cap_fen=100, used_fen=20)})

    def repay_meanwhile() -> None:
        if database.packets:
            database.limits[LIMIT].used_fen = 0

    database.before_read = repay_meanwhile
    answers = _send_all(database, _hot([50, 31]), grouped=True)
    assert [status for status, _ in answers] == [201, 422]
    assert len(database.packets) == 1
