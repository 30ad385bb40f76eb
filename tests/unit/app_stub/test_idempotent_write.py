"""Which failure point leads to which answer, and that money and keys hold whatever fails."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import idempotency
from app_stub.group_commit import GroupCommit
from app_stub.idempotent_write import Writer
from app_stub.journey import money_moves
from app_stub.problems import ProblemError
from app_stub.reads import Reader
from app_stub.services import Answer, Request, Services
from tests.unit.app_stub.fakes import ENTITY, Clock, FakeDatabase, FakeLimit, FakePool, Fault, metrics

LIMIT = 1_000_000_001
KEY = "0" * 31 + "1"
DEADLINE_S = 4.5


def _services(database: FakeDatabase, *, grouped: bool = False) -> tuple[Services, FakePool]:
    pool: Any = FakePool(database)
    counted, clock = metrics(), Clock()
    group = GroupCommit(pool, counted, lambda: None, queue_limit=100, clock_s=clock) if grouped else None
    writer = Writer(pool, counted, lambda: None, group, pause=clock.pause, clock_s=clock)
    reader = Reader(pool, lambda: None, clock)
    return Services(pool=pool, writer=writer, reader=reader, metrics=counted), pool


def _request(
    kind: str, amount_fen: int, key: str = KEY, *, limit_id: int = LIMIT, entity: str = ENTITY
) -> Request:
    route = f"/v1/limits/{{id}}/{kind}s"
    fields: dict[str, object] = {"amount_fen": amount_fen}
    return Request(
        route=route,
        row_id=limit_id,
        entity_code=entity,
        idempotency_key=key,
        request_hash=idempotency.request_hash(route, limit_id, fields),
        fields=fields,
        give_up_s=DEADLINE_S,
    )


def _send(database: FakeDatabase, request: Request) -> tuple[int, Answer | None]:
    return _send_all(database, [request], grouped=False)[0]


def _send_all(
    database: FakeDatabase, requests: list[Request], *, grouped: bool
) -> list[tuple[int, Answer | None]]:
    async def one(services: Services, request: Request) -> tuple[int, Answer | None]:
        operation = money_moves.draw_down if "drawdown" in request.route else money_moves.repay
        try:
            answer = await operation(services, request)
        except ProblemError as raised:
            return raised.problem.status, None
        return answer.status, answer

    async def all_at_once() -> list[tuple[int, Answer | None]]:
        services, pool = _services(database, grouped=grouped)
        found = await asyncio.gather(*(one(services, request) for request in requests))
        assert pool.out == 0, "a session was not given back"
        return found

    return asyncio.run(all_at_once())


def _database(
    *faults: Fault | None, cap_fen: int = 1000, used_fen: int = 0, status: str = "active"
) -> FakeDatabase:
    limit = FakeLimit(entity=ENTITY, cap_fen=cap_fen, used_fen=used_fen, status=status)
    return FakeDatabase(limits={LIMIT: limit}, faults=list(faults))


@pytest.mark.parametrize(
    ("faults", "status", "rows"),
    [
        ((), 201, 1),
        ((Fault.NOT_SENT,), 201, 1),
        ((Fault.NOT_SENT,) * 20, 201, 1),
        ((Fault.LOCK_TIMEOUT, Fault.STANDBY), 201, 1),
        ((Fault.STANDBY, Fault.OTHER_EPOCH) * 6, 201, 1),
        ((Fault.LOST_BEFORE_COMMIT,), 201, 1),
        ((Fault.LOST_AFTER_COMMIT,), 201, 1),
        ((Fault.COMMIT_ERROR_DONE,), 201, 1),
        ((Fault.COMMIT_ERROR_UNDONE,), 201, 1),
        ((Fault.LOST_AFTER_COMMIT, Fault.NO_PRIMARY, Fault.STANDBY, Fault.NOT_SENT), 201, 1),
        ((Fault.NO_PRIMARY,), 503, 0),
        ((Fault.STANDBY,) * 100_000, 503, 0),
        ((Fault.OTHER_EPOCH,) * 100_000, 503, 0),
        ((Fault.LOCK_TIMEOUT,) * 4, 503, 0),
        ((Fault.NOT_SENT, Fault.NO_PRIMARY), 503, 0),
    ],
)
def test_the_failure_point_decides_the_answer(faults: tuple[Fault, ...], status: int, rows: int) -> None:
    database = _database(*faults)
    assert _send(database, _request("drawdown", 100))[0] == status
    assert len(database.journal) == rows
    assert database.limits[LIMIT].used_fen == 100 * rows


@pytest.mark.parametrize(
    ("first", "committed"), [(Fault.LOST_BEFORE_COMMIT, False), (Fault.LOST_AFTER_COMMIT, True)]
)
def test_an_uncertain_write_is_never_answered_with_a_definite_no(first: Fault, committed: bool) -> None:
    class NoPrimaryEver(FakeDatabase):
        def next_fault(self) -> Fault | None:
            return super().next_fault() or Fault.STANDBY

    database = NoPrimaryEver(limits=_database().limits, faults=[first])
    assert _send(database, _request("drawdown", 100))[0] == 504
    assert len(database.journal) == committed


def test_a_reason_found_after_an_uncertain_attempt_stays_uncertain() -> None:
    database = _database(Fault.LOST_BEFORE_COMMIT)

    def freeze_meanwhile() -> None:
        database.limits[LIMIT].status = "frozen"

    database.limits[LIMIT].used_fen = 950
    database.before_read = freeze_meanwhile
    assert _send(database, _request("drawdown", 100))[0] == 504


def test_a_row_that_is_gone_after_an_uncertain_attempt_stays_uncertain() -> None:
    database = _database(Fault.LOST_BEFORE_COMMIT, used_fen=950)
    database.before_read = database.limits.clear
    assert _send(database, _request("drawdown", 100))[0] == 504


def test_a_resolved_write_is_no_replay_and_a_repeat_is_one() -> None:
    database = _database(Fault.LOST_AFTER_COMMIT)
    _, first = _send(database, _request("drawdown", 100))
    _, second = _send(database, _request("drawdown", 100))
    assert first is not None
    assert second is not None
    assert first.body == second.body
    assert first.headers == ()
    assert second.headers == ((b"Idempotent-Replayed", b"true"),)


def test_a_repeat_is_answered_as_at_first_though_the_limit_has_no_room_left() -> None:
    database = _database(cap_fen=100)
    request = _request("drawdown", 100)
    first, second = _send(database, request), _send(database, request)
    assert (first[0], second[0]) == (201, 201)
    assert database.limits[LIMIT].used_fen == 100


@pytest.mark.parametrize(
    "other",
    [
        _request("drawdown", 101),
        _request("repayment", 100),
        _request("drawdown", 100, limit_id=LIMIT + 1),
    ],
)
def test_a_key_with_another_request_is_refused(other: Request) -> None:
    database = _database()
    database.limits[LIMIT + 1] = FakeLimit(entity=ENTITY, cap_fen=1000)
    assert _send(database, _request("drawdown", 100))[0] == 201
    assert _send(database, other)[0] == 409
    assert len(database.journal) == 1


@pytest.mark.parametrize(
    ("database", "request_", "status"),
    [
        (_database(status="frozen"), _request("drawdown", 1), 423),
        (_database(status="frozen", used_fen=5), _request("repayment", 5), 201),
        (_database(cap_fen=10), _request("drawdown", 11), 422),
        (_database(used_fen=10), _request("repayment", 11), 422),
        (_database(), _request("drawdown", 1, entity="QH02"), 403),
        (_database(), _request("drawdown", 1, limit_id=5), 404),
    ],
)
def test_refusals(database: FakeDatabase, request_: Request, status: int) -> None:
    assert _send(database, request_)[0] == status
    assert len(database.journal) == (status == 201)


def test_room_made_between_refusal_and_look_is_used() -> None:
    database = _database(cap_fen=100, used_fen=50)

    def repay_meanwhile() -> None:
        database.limits[LIMIT].used_fen = 0

    database.before_read = repay_meanwhile
    assert _send(database, _request("drawdown", 100))[0] == 201


KEYS = st.integers(1, 4).map(lambda n: f"{n:032x}")
FAULTS = st.lists(st.sampled_from([None, *Fault]), max_size=6)
STEPS = st.lists(
    st.tuples(st.sampled_from(["drawdown", "repayment"]), st.integers(1, 60), KEYS, FAULTS), max_size=12
)


# No deadline: an unknown outcome takes its time, and how much is the machine's business.
@given(steps=STEPS)
def test_whatever_fails_money_and_keys_hold(steps: list[tuple[str, int, str, list[Fault | None]]]) -> None:
    database = _database(cap_fen=100)
    acknowledged: dict[str, tuple[str, int]] = {}
    for kind, amount_fen, key, faults in steps:
        database.faults = list(faults)
        before = dict(database.journal)
        status, _ = _send(database, _request(kind, amount_fen, key))
        new_rows = set(database.journal) - set(before)
        if status == 201:
            assert acknowledged.setdefault(key, (kind, amount_fen)) == (kind, amount_fen)
            assert database.journal[ENTITY, key][1:4] == (kind, LIMIT, amount_fen)
        elif status == 504:
            assert new_rows <= {(ENTITY, key)}
        else:
            assert new_rows == set(), f"{status} is a definite no, and a row was written"
        folded = sum(
            amount if row_kind == "drawdown" else -amount
            for _, row_kind, _, amount, _ in database.journal.values()
        )
        assert database.limits[LIMIT].used_fen == folded
        assert 0 <= folded <= 100


def _key(number: int) -> str:
    return f"{number:032x}"


def test_movements_that_arrive_together_are_one_packet() -> None:
    database = _database()
    for place in range(6):
        database.limits[LIMIT + place] = FakeLimit(entity=ENTITY, cap_fen=100, used_fen=50)
    requests = [
        _request("repayment" if place % 2 else "drawdown", 10, _key(place), limit_id=LIMIT + place)
        for place in range(6)
    ]
    answers = _send_all(database, requests, grouped=True)
    assert [status for status, _ in answers] == [201] * 6
    assert [packet.count("WHEN") // 4 for packet in database.packets] == [6]
    assert [limit.used_fen for limit in database.limits.values()] == [60, 40] * 3


def test_one_bad_movement_spoils_none_of_its_group() -> None:
    database = _database()
    for place in range(5):
        database.limits[LIMIT + place] = FakeLimit(entity=ENTITY, cap_fen=100)
    database.limits[LIMIT + 2].status = "frozen"
    database.limits[LIMIT + 3].entity = "QH02"
    requests = [_request("drawdown", 10, _key(place), limit_id=LIMIT + place) for place in range(5)]
    answers = _send_all(database, requests, grouped=True)
    assert [status for status, _ in answers] == [201, 201, 423, 403, 201]
    assert len(database.journal) == 3


def test_two_of_one_key_never_share_a_group() -> None:
    database = _database(cap_fen=10_000)
    database.limits[LIMIT + 1] = FakeLimit(entity=ENTITY, cap_fen=10_000)
    requests = [
        _request("drawdown", 1, _key(1)),
        _request("drawdown", 1, _key(2)),
        _request("drawdown", 1, _key(3)),
        _request("drawdown", 1, _key(3), limit_id=LIMIT + 1),
        _request("drawdown", 1, _key(4), limit_id=LIMIT + 1),
    ]
    answers = _send_all(database, requests, grouped=True)
    assert sorted(status for status, _ in answers) == [201, 201, 201, 201, 409]
    assert database.limits[LIMIT].used_fen + database.limits[LIMIT + 1].used_fen == 4


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE_COMMIT, Fault.LOST_AFTER_COMMIT])
def test_each_movement_of_an_uncertain_group_resolves_its_own_key(fault: Fault) -> None:
    database = _database(fault)
    for place in range(4):
        database.limits[LIMIT + place] = FakeLimit(entity=ENTITY, cap_fen=100)
    requests = [_request("drawdown", 10, _key(place), limit_id=LIMIT + place) for place in range(4)]
    answers = _send_all(database, requests, grouped=True)
    assert [status for status, _ in answers] == [201] * 4
    assert [limit.used_fen for limit in database.limits.values()] == [10] * 4


def test_a_group_without_a_connection_is_a_definite_no_for_each() -> None:
    database = _database(Fault.NO_PRIMARY)
    requests = [_request("drawdown", 10, _key(place)) for place in range(2)]
    answers = _send_all(database, requests, grouped=True)
    assert [status for status, _ in answers] == [503, 503]
    assert not database.journal


def test_a_group_at_no_primary_goes_on_together() -> None:
    database = _database(Fault.STANDBY, Fault.OTHER_EPOCH, Fault.NOT_SENT)
    for place in range(4):
        database.limits[LIMIT + place] = FakeLimit(entity=ENTITY, cap_fen=100)
    requests = [_request("drawdown", 10, _key(place), limit_id=LIMIT + place) for place in range(4)]
    answers = _send_all(database, requests, grouped=True)
    assert [status for status, _ in answers] == [201] * 4
    assert [packet.count("WHEN") // 4 for packet in database.packets] == [4] * 4


GROUP = st.lists(
    st.tuples(
        st.sampled_from(["drawdown", "repayment"]), st.integers(1, 60), KEYS, st.integers(LIMIT, LIMIT + 2)
    ),
    max_size=8,
)


@given(waves=st.lists(st.tuples(GROUP, FAULTS), max_size=3))
def test_whatever_fails_groups_keep_money_and_keys(
    waves: list[tuple[list[tuple[str, int, str, int]], list[Fault | None]]],
) -> None:
    limits = {LIMIT + place: FakeLimit(entity=ENTITY, cap_fen=100) for place in range(3)}
    database = FakeDatabase(limits=limits)
    for moves, faults in waves:
        database.faults = list(faults)
        before = set(database.journal)
        requests = [_request(kind, amount, key, limit_id=limit_id) for kind, amount, key, limit_id in moves]
        answers = _send_all(database, requests, grouped=True)
        may_be_new = set()
        for (kind, amount, key, limit_id), (status, _) in zip(moves, answers, strict=True):
            if status == 201:
                assert database.journal[ENTITY, key][1:4] == (kind, limit_id, amount)
            if status in (201, 504):
                may_be_new.add((ENTITY, key))
        assert set(database.journal) - before <= may_be_new
        for limit_id, limit in limits.items():
            rows = [row for row in database.journal.values() if row[2] == limit_id]
            folded = sum(row[3] if row[1] == "drawdown" else -row[3] for row in rows)
            assert limit.used_fen == folded
            assert 0 <= folded <= 100
