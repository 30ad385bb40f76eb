"""The session with the local database: what is asked, and what its answers and errors mean."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asyncmy import errors

from failover.core.observed import Role
from failover.host.session import (
    EPOCH_SQL,
    LOOK_SQL,
    MAKE_EPOCH_SQL,
    Session,
    SessionError,
    connect,
    options_in,
)
from tests.unit.failover import virtual

TIMEOUT_S = 0.2


class Raw:
    """An asyncmy connection that answers each statement from a list, and knows no other statement."""

    def __init__(self, *script: tuple[str, Any]) -> None:
        self.script = list(script)
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def cursor(self) -> "Raw":
        return self

    async def __aenter__(self) -> "Raw":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def execute(self, statement: str) -> None:
        expected, self._answer = self.script.pop(0)
        assert statement == expected
        if self._answer is ...:
            await asyncio.sleep(60)
        if isinstance(self._answer, Exception):
            raise self._answer

    async def fetchall(self) -> Any:
        return self._answer


def looked(*row: Any) -> Any:
    return virtual.run(Session(Raw((LOOK_SQL, [row]))).look(timeout_s=TIMEOUT_S))


def test_a_primary_says_so() -> None:
    answer = looked("PRIMARY", "INVALID", "", 1795521994742709007)
    assert (answer.role, answer.scn) == (Role.PRIMARY, 1795521994742709007)
    assert (answer.drained, answer.source) == (False, None)


def test_a_standby_says_whom_it_follows() -> None:
    assert looked("STANDBY", "INVALID", "198.18.1.13:2882", 4).source == "198.18.1.13"
    assert looked("STANDBY", "INVALID", "", 4).source is None


def test_a_primary_that_was_handed_over_is_drained_though_it_says_primary() -> None:
    answer = looked("PRIMARY", "STANDBY", "198.18.1.13:2882", 4)
    assert (answer.role, answer.drained, answer.source) == (Role.PRIMARY, True, None)


def test_a_role_of_another_kind_is_none() -> None:
    assert looked("INVALID", "INVALID", "", 4).role is None


def test_no_answer_in_time_closes_the_connection() -> None:
    raw = Raw((LOOK_SQL, ...))
    with pytest.raises(SessionError, match=r"no answer within 0\.2 s"):
        virtual.run(Session(raw).look(timeout_s=TIMEOUT_S))
    assert raw.closed


@pytest.mark.parametrize("answer", [errors.OperationalError(2013, "lost"), [], OSError("reset")])
def test_a_lost_connection_and_an_empty_answer_are_failures(answer: Any) -> None:
    with pytest.raises(SessionError):
        virtual.run(Session(Raw((LOOK_SQL, answer))).look(timeout_s=TIMEOUT_S))


@pytest.mark.parametrize(
    ("answer", "epoch"), [([(5,)], 5), ([], 0), (errors.ProgrammingError(1146, "no table"), 0)]
)
def test_without_table_or_row_the_epoch_is_none(answer: Any, epoch: int) -> None:
    assert virtual.run(Session(Raw((EPOCH_SQL, answer))).epoch(timeout_s=TIMEOUT_S)) == epoch


def test_a_table_that_cannot_be_read_has_no_epoch() -> None:
    with pytest.raises(SessionError, match="timeout"):
        virtual.run(
            Session(Raw((EPOCH_SQL, errors.OperationalError(4012, "timeout")))).epoch(timeout_s=TIMEOUT_S)
        )


UPDATE = "UPDATE loan.leadership SET epoch = 6 WHERE one = 1 AND epoch < 6"


def test_an_epoch_is_raised_and_read_back() -> None:
    raw = Raw((UPDATE, []), (EPOCH_SQL, [(6,)]))
    virtual.run(Session(raw).set_epoch(6, timeout_s=TIMEOUT_S))
    assert raw.script == []


def test_a_higher_epoch_is_not_overwritten() -> None:
    with pytest.raises(SessionError, match="knows epoch 7 and should be given 6"):
        virtual.run(Session(Raw((UPDATE, []), (EPOCH_SQL, [(7,)]))).set_epoch(6, timeout_s=TIMEOUT_S))


def test_where_the_schema_was_not_applied_yet_the_table_is_made() -> None:
    missing = errors.ProgrammingError(1146, "no table")
    raw = Raw(
        (UPDATE, missing),
        (EPOCH_SQL, missing),
        *((statement, []) for statement in MAKE_EPOCH_SQL),
        (UPDATE, []),
        (EPOCH_SQL, [(6,)]),
    )
    virtual.run(Session(raw).set_epoch(6, timeout_s=TIMEOUT_S))
    assert raw.script == []


def test_a_standby_takes_no_epoch() -> None:
    refused = errors.OperationalError(4688, "read only")
    with pytest.raises(SessionError, match="read only"):
        virtual.run(Session(Raw((UPDATE, refused))).set_epoch(6, timeout_s=TIMEOUT_S))


def test_nothing_listens_at_a_socket_that_is_not_there(tmp_path: Path) -> None:
    options = tmp_path / "root.cnf"
    options.write_text("[client]\nuser=root\npassword=secret-one\n")
    assert options_in(options) == ("root", "secret-one")
    with pytest.raises(SessionError) as failed:
        virtual.run(connect(tmp_path / "sql.sock", options, timeout_s=1))
    assert "secret-one" not in str(failed.value)


def test_a_missing_options_file_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(SessionError):
        virtual.run(connect(tmp_path / "sql.sock", tmp_path / "root.cnf", timeout_s=1))
