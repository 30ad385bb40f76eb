"""What a leader's database says against handing over."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from asyncmy import errors

from failover.host import verify


class FakeCursor:
    def __init__(self, halves: Sequence[int], refusal: str | None) -> None:
        self._halves = halves
        self._refusal = refusal
        self._rows: list[tuple[int]] = []

    async def __aenter__(self) -> "FakeCursor":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def execute(self, statement: str) -> None:
        if statement.startswith("ALTER"):
            assert statement.endswith("VERIFY"), "a question must change nothing"
            if self._refusal is not None:
                raise errors.OperationalError(4109, self._refusal)
        else:
            self._rows = [(number,) for number in self._halves]

    async def fetchall(self) -> list[tuple[int]]:
        return self._rows


class FakeConnection:
    def __init__(self, halves: Sequence[int], refusal: str | None) -> None:
        self._cursor = FakeCursor(halves, refusal)
        self.closed = False

    def cursor(self) -> FakeCursor:
        return self._cursor

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("halves", "refusal", "why"),
    [
        ((), None, None),
        ((), "state not match", "the database of ob-a would not hand over: (4109, 'state not match')"),
        ((6001642,), None, "holds half of transaction 6001642, which a former primary did not live to end"),
        ((6001642, 7), None, "half of transaction 6001642, 7,"),
    ],
)
def test_it_says_why_it_would_not_hand_over(
    halves: Sequence[int],
    refusal: str | None,
    why: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = tmp_path / "root.cnf"
    options.write_text("[client]\nuser=root\npassword=secret\n")
    connection = FakeConnection(halves, refusal)

    async def connect(**_: object) -> FakeConnection:
        return connection

    monkeypatch.setattr(verify.asyncmy, "connect", connect)
    said = asyncio.run(verify.why_no_hand_over("ob-a", "198.18.1.13", 2881, options))
    assert (said is None) if why is None else (why in str(said)), said
    assert connection.closed
