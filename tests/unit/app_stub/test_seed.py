"""A killed seeding is completed by the next one, a finished one is not done again, and seeds do not mix."""

import asyncio
import re
import sqlite3
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import seed, seed_record, seed_sql
from app_stub.database import Rows
from app_stub.outcome import DatabaseFailure, FailureKind
from app_stub.seed_people import BLOCK_CUSTOMERS, DEFAULT_SEED, SCHEME, block
from app_stub.seed_plan import packets, pieces, shares
from app_stub.seed_record import Record, RefusedError, seed_to_use
from app_stub.settings import Database, Endpoint

ENTITIES = ("QH01", "QH03")
SETTINGS = Database(endpoints=(Endpoint(host="192.0.2.1", port=1),), user="owner", password="x")
TABLES = {
    "product": "entity_code,product_code,name,min_fen,max_fen,min_age_years,max_age_years,min_income_fen,"
    "min_herd_size,min_score,income_multiple_pct,is_active,PRIMARY KEY(entity_code,product_code)",
    "customer": "customer_id PRIMARY KEY,entity_code,name,village,household_type,birth_year,"
    "annual_income_fen,herd_size,land_mu,is_credit_village,years_as_customer,overdue_count",
    "credit_limit": "limit_id PRIMARY KEY,entity_code,customer_id,product_code,cap_fen,used_fen",
    "journal": "entity_code,idempotency_key,request_hash,kind,limit_id,customer_id,amount_fen,debit_account,"
    "credit_account,answer,epoch,created_at,PRIMARY KEY(entity_code,idempotency_key)",
    "seeding": "one PRIMARY KEY,scheme,seed",
}


class Killed(BaseException):
    """What a SIGKILL is to a seeding: nothing of it runs any more."""


class Tables:
    """The database as SQLite keeps it, which understands what is written here but for three words."""

    def __init__(self) -> None:
        self.sqlite = sqlite3.connect(":memory:", isolation_level=None)
        for name, columns in TABLES.items():
            self.sqlite.execute(f"CREATE TABLE {name}({columns})")
        self.packets: list[str] = []
        self.killed_at: int | None = None
        """How many packets are still carried out before the seeding is killed."""

    async def run(self, packet: str, statements: int) -> tuple[int, ...]:
        texts = packet.split(";")
        assert (len(texts), texts[-1]) == (statements, "COMMIT")
        await asyncio.sleep(0)
        if self.killed_at is not None and len(self.packets) >= self.killed_at:
            raise Killed
        self.packets.append(packet)
        counts = []
        self.sqlite.execute("BEGIN")
        try:
            for text in texts[:-1]:
                done = self.sqlite.execute(text.replace("INSERT IGNORE", "INSERT OR IGNORE"))
                counts.append(done.rowcount)
        except sqlite3.IntegrityError as there:
            raise DatabaseFailure(FailureKind.DUPLICATE, code=1062, detail=str(there)) from there
        self.sqlite.execute("COMMIT")
        return (*counts, 0)

    async def read(self, queries: tuple[str, ...]) -> list[Rows]:
        return [self.sqlite.execute(query.replace(" DIV ", "/")).fetchall() for query in queries]

    async def rollback(self) -> None:
        self.sqlite.execute("ROLLBACK")

    def close(self) -> None:
        """Stay open: the next connection is to the same tables."""

    def digest(self) -> str:
        rows = [self.sqlite.execute(f"SELECT * FROM {name} ORDER BY 1,2").fetchall() for name in TABLES]
        return sha256(repr(rows).encode()).hexdigest()

    def count(self, table: str) -> int:
        return int(self.sqlite.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Tables:
    return opened(monkeypatch)


def opened(monkeypatch: pytest.MonkeyPatch) -> Tables:
    found = Tables()

    async def connect(_settings: Database) -> Tables:
        return found

    monkeypatch.setattr(seed, "connect_primary", connect)
    return found


def sow(customers: int, number: int | None = None) -> seed.Progress:
    return asyncio.run(seed.seed(SETTINGS, customers, ENTITIES, number, lambda _: None))


def test_a_second_run_inserts_nothing_and_makes_nothing(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sow(5000)
    assert (first.present, first.customers) == (0, 5000)
    assert first.rows == sum(tables.count(name) for name in TABLES if name != "seeding")
    before = tables.digest()
    monkeypatch.setattr(seed.seed_people, "block", None)
    second = sow(5000)
    assert (second.present, second.customers, second.rows) == (5000, 0, 0)
    assert tables.digest() == before


@pytest.mark.parametrize("killed_at", [2, 3, 4, 5, 6, 7])
def test_a_killed_run_is_completed_by_the_next_one(
    tables: Tables, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    tables.killed_at = killed_at
    with pytest.raises((Killed, BaseExceptionGroup)):
        sow(15_500)
    tables.killed_at = None
    there = tables.count("customer")
    again = sow(15_500)
    assert (again.present, again.customers) == (there, 15_500 - there)
    killed = tables.digest()
    whole = opened(monkeypatch)
    sow(15_500)
    assert killed == whole.digest()


def test_more_customers_leave_those_who_are_there_as_they_are(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    sow(3300)
    tables.sqlite.execute("UPDATE credit_limit SET used_fen=used_fen+5")
    grown = sow(5200)
    assert (grown.present, grown.customers) == (3300, 1900)
    tables.sqlite.execute("UPDATE credit_limit SET used_fen=used_fen-5 WHERE limit_id%1000000000<=1650")
    at_once = opened(monkeypatch)
    sow(5200)
    assert tables.digest() == at_once.digest()


def test_of_two_that_run_at_once_each_leaves_the_others_rows(tables: Tables) -> None:
    sow(1000)
    first = tables.packets[-1]
    tables.sqlite.execute("DELETE FROM customer WHERE customer_id<2000000000")
    again = sow(1000)
    assert (again.customers, again.rows) == (500, 500)
    assert ("INSERT IGNORE" in first, "INSERT IGNORE" in tables.packets[-1]) == (False, True)


def test_another_seed_is_refused_and_without_one_that_of_the_others_is_used(tables: Tables) -> None:
    sow(1000, 7)
    before = tables.digest()
    with pytest.raises(RefusedError, match=r"--seed 7, asked: --seed 8; use --seed 7"):
        sow(2000, 8)
    assert tables.digest() == before
    assert sow(2000).seed == 7
    assert sow(2000, 7).customers == 0


def test_customers_that_nobody_recorded_are_not_mixed_with_invented_ones(tables: Tables) -> None:
    sow(1000)
    tables.sqlite.execute("DELETE FROM seeding")
    assert sow(1000).customers == 0
    with pytest.raises(RefusedError, match="1000 customers here are of no recorded seeding"):
        sow(2000)
    assert tables.count("customer") == 1000


@given(
    record=st.none()
    | st.builds(Record, scheme=st.sampled_from((SCHEME, SCHEME + 1)), seed=st.integers(0, 3)),
    asked=st.none() | st.integers(0, 3),
    present=st.sampled_from((0, 10)),
    missing=st.sampled_from((0, 10)),
)
def test_two_kinds_of_rows_never_meet(
    record: Record | None, asked: int | None, present: int, missing: int
) -> None:
    try:
        used = seed_to_use(record, asked, present=present, missing=missing)
    except RefusedError:
        return
    if present and missing:
        assert record == Record(scheme=SCHEME, seed=used)
    assert asked in (None, used)
    assert used == (record.seed if record else DEFAULT_SEED if asked is None else asked)


def test_shares_add_up_and_differ_by_one_at_most() -> None:
    assert shares(10, ("a", "b", "c")) == {"a": 4, "b": 3, "c": 3}


@given(
    share=st.integers(0, 5 * BLOCK_CUSTOMERS), there=st.dictionaries(st.integers(0, 6), st.integers(1, 1000))
)
def test_pieces_are_what_is_not_whole(share: int, there: dict[int, int]) -> None:
    found = {piece.block: piece for piece in pieces("QH01", share, there)}
    for number in range(-(-share // BLOCK_CUSTOMERS)):
        size = min(BLOCK_CUSTOMERS, share - number * BLOCK_CUSTOMERS)
        missing = max(0, size - there.get(number, 0))
        assert (found[number].missing if number in found else 0) == missing
        assert number not in found or found[number].size == size
    assert all(number * BLOCK_CUSTOMERS < share for number in found)


@given(there=st.dictionaries(st.integers(0, 11), st.integers(1, 1000)))
def test_packets_hold_every_piece_once_and_never_a_begun_one_with_another(there: dict[int, int]) -> None:
    work = list(pieces("QH01", 12 * BLOCK_CUSTOMERS - 1, there))
    found = list(packets(iter(work)))
    assert [piece for packet in found for piece in packet] == work
    assert all(len(packet) == 1 or not any(piece.present for piece in packet) for packet in found)
    assert all(len(packet) <= 3 for packet in found)
    if not there:
        assert [len(packet) for packet in found] == [3, 3, 3, 3]


def test_seeded_movements_are_written_as_the_services_write_them() -> None:
    packet, statements = seed_sql.packet(block("QH03", 1, 0), again=False)
    assert (statements, "IGNORE" in packet, "REPLACE" in packet) == (4, False, False)
    journal = packet.split(";")[2]
    rows = re.findall(
        r"\('QH03','(seeded-\d{25})','seeded','(drawdown|repayment)',(\d+),\3,(\d+),'(.*?)','(.*?)',"
        r"'{\\\"entry_id\\\":\\\"\1\\\",\\\"limit_id\\\":\3,\\\"amount_fen\\\":\4}',0,'2025-",
        journal,
    )
    assert len(rows) == journal.count("'seeded'") > 100
    for _, kind, limit_id, _, debit, credit in rows:
        accounts = (f"loan:{limit_id}", "settlement:QH03")
        assert (debit, credit) == (accounts if kind == "drawdown" else accounts[::-1])


def test_the_record_stays_that_of_the_first() -> None:
    assert seed_record.record_packet(3).startswith("INSERT IGNORE INTO seeding")
