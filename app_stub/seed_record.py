"""What the database remembers of its seeding, so that rows of two seeds never mix."""

from dataclasses import dataclass

from app_stub.database import Connection
from app_stub.seed_people import DEFAULT_SEED, SCHEME

SEED_MAX = 2**31 - 1


class RefusedError(ValueError):
    """A seeding that would mix with what is there; the message says what is there and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The row of `seeding`."""

    scheme: int
    """Version of the rules that the rows were made by."""
    seed: int


async def recorded(connection: Connection) -> Record | None:
    """Return what was recorded, or None where nothing was seeded yet."""
    rows = (await connection.read(("SELECT scheme,seed FROM seeding WHERE one=1",)))[0]
    return Record(scheme=int(rows[0][0]), seed=int(rows[0][1])) if rows else None


def record_packet(seed: int) -> str:
    """Return the statements that record the first seeding; a record that is there stays."""
    return f"INSERT IGNORE INTO seeding(one,scheme,seed) VALUES(1,{SCHEME:d},{seed:d});COMMIT"


def seed_to_use(record: Record | None, asked: int | None, *, present: int, missing: int) -> int:
    """Return the seed for the customers that are missing.

    Args:
        record: of the first seeding, if there was one.
        asked: None for that of the customers who are there.
        present: customers who are there.
        missing: customers who are not.

    Raises:
        RefusedError: they would not be of one kind.
    """
    if record is not None and asked not in (None, record.seed):
        raise RefusedError(
            f"the customers here were seeded with --seed {record.seed}, asked: --seed {asked}; "
            f"use --seed {record.seed} (or none), or seed a fresh database"
        )
    if missing and record is None and present:
        raise RefusedError(
            f"{present} customers here are of no recorded seeding, and invented ones are not mixed "
            "with them: seed a fresh database"
        )
    if missing and record is not None and record.scheme != SCHEME:
        raise RefusedError(
            f"the {present} customers here were made by rules of version {record.scheme}, "
            f"{missing} more would be by version {SCHEME} and differ: seed a fresh database"
        )
    if record is not None:
        return record.seed
    return DEFAULT_SEED if asked is None else asked
