"""What OceanBase and MariaDB are told differently, and what they say of themselves."""

import asyncio
import re
from importlib.resources import files
from io import BytesIO

import pytest

import app_stub
from app_stub import export
from app_stub.database import Connection, Rows
from app_stub.dialect import DatabaseKind, MovedError, position_in, session_settings
from app_stub.primary_rule import Role
from app_stub.role_poller import role_and_epoch
from app_stub.settings import Database, Endpoint

OCEANBASE, MARIADB = DatabaseKind.OCEANBASE, DatabaseKind.MARIADB
SNAPSHOT_SAYS: Rows = [("Binlog_snapshot_file", "binlog.000002"), ("Binlog_snapshot_position", "345")]
POSITION = (2 << 40) + 345


class FakeConnection:
    """Answers queries by what they contain, and remembers everything it was sent."""

    def __init__(self, **answers: Rows) -> None:
        self._answers = answers
        self.sent: list[str] = []

    async def read(self, queries: tuple[str, ...]) -> list[Rows]:
        self.sent += queries
        return [next(rows for part, rows in self._answers.items() if part in query) for query in queries]

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        assert packet.count(";") + 1 == statements
        self.sent.append(packet)
        return (0,) * statements

    def close(self) -> None:
        self.sent.append("closed")


def _role(kind: DatabaseKind, **answers: Rows) -> tuple[Role, int]:
    connection = FakeConnection(**answers)
    return asyncio.run(role_and_epoch(connection, kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [Role.PRIMARY, Role.STANDBY])
def test_mariadb_s_role_is_whether_it_may_be_written_to(role: Role) -> None:
    said = _role(MARIADB, read_only=[(role.value, "")], leadership=[(0,)])
    assert said == (role, 0)


def test_oceanbase_is_asked_for_its_role_as_before() -> None:
    said = _role(OCEANBASE, __all_virtual_server_stat=[("PRIMARY", "PRIMARY")], leadership=[(7,)])
    assert said == (Role.PRIMARY, 7)


def test_both_servers_give_up_before_the_client_does_and_are_equally_strict() -> None:
    ours, theirs = (session_settings(kind, timeout_ms=3000) for kind in (OCEANBASE, MARIADB))
    assert "ob_query_timeout=2700000" in ours
    assert "max_statement_time=2.7," in theirs
    assert "innodb_lock_wait_timeout=2," in theirs
    assert "ob_" not in theirs
    modes = [re.findall(r"sql_mode='.*'", text) for text in (ours, theirs)]
    assert modes[0] == modes[1] != []


def test_waits_that_mariadb_counts_in_seconds_are_never_none() -> None:
    assert "innodb_lock_wait_timeout=1," in session_settings(MARIADB, timeout_ms=100)


def test_mariadb_s_position_grows_with_file_and_place() -> None:
    def at(file: str, place: int) -> int:
        return position_in(
            MARIADB, [("Binlog_snapshot_file", file), ("Binlog_snapshot_position", str(place))]
        )

    places = [at("binlog.000009", 4), at("binlog.000009", 1 << 39), at("binlog.000010", 4)]
    assert places == sorted(set(places))
    assert position_in(OCEANBASE, [(5,), (9,)]) == 9


def _export(monkeypatch: pytest.MonkeyPatch, what: str, at: int | None) -> tuple[bytes, FakeConnection]:
    connection = FakeConnection(
        binlog_snapshot=SNAPSHOT_SAYS, credit_limit=[("QH01", 7, 7, 100, 0, "active")]
    )

    async def connect(_: Database) -> Connection:
        return connection  # type: ignore[return-value]

    monkeypatch.setattr(export, "connect_primary", connect)
    settings = Database(endpoints=(Endpoint(host="h", port=1),), user="u", password="p", kind=MARIADB)
    out = BytesIO()
    asyncio.run(export.export(settings, what, export.Extent(at=at, kind=MARIADB), out))
    return out.getvalue(), connection


def test_mariadb_is_exported_within_one_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    printed, _ = _export(monkeypatch, "position", None)
    assert int(printed) == POSITION
    lines, connection = _export(monkeypatch, "limits", POSITION)
    assert lines.count(b"\n") == 1
    assert "CONSISTENT SNAPSHOT" in connection.sent[0]
    assert "AS OF SNAPSHOT" not in "".join(connection.sent)


def test_mariadb_that_was_written_to_since_is_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MovedError, match=f"written to since position 5, now at {POSITION}"):
        _export(monkeypatch, "limits", 5)


def test_schema_and_rights_name_nothing_that_one_of_both_lacks() -> None:
    for name in ("schema.sql", "grants.sql"):
        statements = [
            line for line in (files(app_stub) / name).read_text().splitlines() if not line.startswith("--")
        ]
        assert not re.search(r"oceanbase|\bob_|SNAPSHOT", "\n".join(statements), re.IGNORECASE), name
    only_there = (files(app_stub) / "oceanbase.sql").read_text()
    assert "ob_plan_cache_percentage" in only_there
    assert only_there.count("GRANT SELECT ON oceanbase.") == 6
