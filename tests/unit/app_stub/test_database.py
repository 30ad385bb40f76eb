"""Driver errors become outcomes: by where they happen, not by how they read."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import asyncmy
import pytest
from asyncmy import errors

from app_stub import database
from app_stub.database import Connection
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.settings import Database, Endpoint
from deploys import certificates

HERE = Endpoint(host="198.18.1.13", port=2881)


class FakeDriver:
    """Gives the results it was made with, one for each statement; an exception is raised."""

    def __init__(self, *results: int | Exception) -> None:
        self._results = list(results)
        self.connected = True
        self.sent: list[str] = []

    async def query(self, text: str) -> int:
        self.sent.append(text)
        return await self.next_result()

    async def next_result(self) -> int:
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        self.connected = False


def _run(*results: int | Exception) -> tuple[Any, FakeDriver]:
    driver = FakeDriver(*results)
    connection = Connection(driver, HERE)
    try:
        return asyncio.run(connection.run("UPDATE x;INSERT y;COMMIT", 3)), driver
    except DatabaseFailure as failure:
        return failure.kind, driver


def test_counts_of_all_statements_are_returned() -> None:
    counts, driver = _run(1, 1, 0)
    assert counts == (1, 1, 0)
    assert driver.sent == ["UPDATE x;INSERT y;COMMIT"]


@pytest.mark.parametrize(
    ("results", "kind", "stays_open"),
    [
        ((errors.InterfaceError(0, "Not connected"),), FailureKind.NOT_SENT, False),
        ((errors.OperationalError(2006, "gone away"),), FailureKind.NOT_SENT, False),
        ((errors.OperationalError(2013, "lost"),), FailureKind.UNCERTAIN, False),
        (
            (
                1,
                errors.OperationalError(2013, "lost"),
            ),
            FailureKind.UNCERTAIN,
            False,
        ),
        (
            (
                1,
                1,
                errors.OperationalError(2013, "lost"),
            ),
            FailureKind.UNCERTAIN,
            False,
        ),
        (
            (
                1,
                errors.InternalError("Packet sequence number wrong"),
            ),
            FailureKind.UNCERTAIN,
            False,
        ),
        (
            (
                1,
                errors.IntegrityError(1062, "duplicate"),
            ),
            FailureKind.DUPLICATE,
            True,
        ),
        ((errors.OperationalError(1205, "lock wait"),), FailureKind.RETRY, True),
        ((errors.InternalError(4688, "standby"),), FailureKind.NOT_PRIMARY, True),
        ((errors.OperationalError(3819, "check constraint violated"),), FailureKind.REFUSED, True),
        (
            (
                1,
                1,
                errors.InternalError(6002, "rolled back"),
            ),
            FailureKind.UNCERTAIN,
            False,
        ),
        (
            (
                1,
                1,
                errors.OperationalError(4012, "timeout"),
            ),
            FailureKind.UNCERTAIN,
            False,
        ),
    ],
)
def test_the_place_of_an_error_gives_it_its_meaning(
    results: tuple[int | Exception, ...], kind: FailureKind, stays_open: bool
) -> None:
    found, driver = _run(*results)
    assert found is kind
    assert driver.connected is stays_open


def test_a_lost_rollback_closes_the_connection() -> None:
    driver = FakeDriver(errors.OperationalError(2013, "lost"))
    connection = Connection(driver, HERE)
    with pytest.raises(DatabaseFailure):
        asyncio.run(connection.rollback())
    assert not connection.usable


def test_a_connection_that_is_reset_as_soon_as_it_stands_is_a_lost_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def connect(**_: object) -> object:
        raise RuntimeError("Transport does not expose socket instance")

    monkeypatch.setattr(asyncmy, "connect", connect)
    settings = Database(endpoints=(HERE,), user="u", password="p")
    with pytest.raises(ConnectionResetError, match=r"198\.18\.1\.13:2881: Transport"):
        asyncio.run(database.connect(settings, HERE))


def test_a_connection_is_encrypted_where_the_settings_name_an_authority(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And the database must show a certificate of that authority, for the address that is asked."""
    asked: list[Any] = []

    async def connect(**arguments: Any) -> object:
        asked.append(arguments["ssl"])
        raise ConnectionRefusedError

    monkeypatch.setattr(database.asyncmy, "connect", connect)
    authority = tmp_path / "ca.pem"
    authority.write_text(certificates.authority_certificate(tmp_path, now=certificates.utc_now()))
    for ca_file in (None, authority, authority):
        settings = Database(endpoints=(HERE,), user="u", password="p", ca_file=ca_file)
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(database.connect(settings, HERE))
    plain, context, again = asked
    assert plain is None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert [one["serialNumber"] for one in context.get_ca_certs()] != []
    assert context is again, "read once: connections are opened while a failover is under way"
