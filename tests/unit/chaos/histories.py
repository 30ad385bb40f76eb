"""Literal histories, small enough to be read."""

from dataclasses import replace
from typing import Any

from proof.history import Context, FaultWindow, History
from proof.record import (
    Event,
    JournalRow,
    Limit,
    Outcome,
    Read,
    Sample,
    TableContent,
    Write,
    WriteAttempt,
)

NUMBERS = {"QH01": 1, "QH02": 2}
CUSTOMERS = 9


def write(key: str, **changes: Any) -> Write:
    """A drawdown of 500 fen by customer 1 of QH01, acknowledged within 10 ms at second 100."""
    ended_s = changes.get("ended_s", 100.0)
    plain = Write(
        key=key,
        entity="QH01",
        operation="drawdown",
        route="/v1/limits/{id}/drawdowns",
        limit_id=1_000_000_001,
        customer_id=1_000_000_001,
        amount_fen=500,
        planned_s=changes.get("started_s", ended_s - 0.010),
        started_s=ended_s - 0.010,
        ended_s=ended_s,
        outcome="acknowledged",
        status=201,
    )
    return replace(plain, **changes)


def row(key: str, **changes: Any) -> JournalRow:
    """The journal row of `write(key)`."""
    plain = JournalRow(
        entity="QH01",
        key=key,
        kind="drawdown",
        limit_id=1_000_000_001,
        customer_id=1_000_000_001,
        amount_fen=500,
        debit_account="loan:1000000001",
        credit_account="settlement:QH01",
        created_s=100.0,
    )
    return replace(plain, **changes)


def limit(**changes: Any) -> Limit:
    plain = Limit(
        entity="QH01",
        limit_id=1_000_000_001,
        customer_id=1_000_000_001,
        cap_fen=10_000,
        used_fen=500,
        status="active",
    )
    return replace(plain, **changes)


def read(used_fen: int, started_s: float, ended_s: float | None = None, **changes: Any) -> Read:
    """A query for the limit of `write`, which shows `used_fen`; answered within 10 ms."""
    plain = Read(
        entity="QH01",
        operation="limit",
        route="/v1/limits/{id}",
        planned_s=started_s,
        started_s=started_s,
        ended_s=started_s + 0.01 if ended_s is None else ended_s,
        outcome=Outcome.ACKNOWLEDGED,
        status=200,
        limit_id=1_000_000_001,
        used_fen=used_fen,
        cap_fen=10_000,
    )
    return replace(plain, **changes)


def sample(at_s: float, lag_ms: float | None) -> Sample:
    standby = None if lag_ms is None else int(at_s * 1e9 - lag_ms * 1e6)
    return Sample(
        at_s=at_s,
        primary_scn=int(at_s * 1e9),
        standby_scn=standby,
        lag_ms=lag_ms,
        primary_host="ob-a",
        standby_host="ob-b",
    )


def contents(journal: int = 1, limits: int = 1, **standby: int) -> tuple[TableContent, ...]:
    """What both databases hold: so many rows, unless the standby's differ."""
    rows = {"journal": journal, "credit_limit": limits, "application": 0, "customer": CUSTOMERS}
    return tuple(
        TableContent(
            host=host,
            role=role,
            table=table,
            rows=count if role == "PRIMARY" else standby.get(table, count),
            checksum=7,
        )
        for host, role in (("ob-a", "STANDBY"), ("ob-b", "PRIMARY"))
        for table, count in rows.items()
    )


def history(
    writes: tuple[Write, ...] = (write("k1"),),
    journal: tuple[JournalRow, ...] = (row("k1"),),
    limits: tuple[Limit, ...] = (limit(),),
    probes: tuple[WriteAttempt, ...] = (),
    **context: Any,
) -> History:
    context.setdefault("acknowledged_min", 1)
    context.setdefault("customers", CUSTOMERS)
    # Most histories are about writes.
    context.setdefault("reads_limits", False)
    context_keys = {"contents", "applications", "reads"} & context.keys()
    more = {key: context.pop(key) for key in context_keys}
    more.setdefault("contents", contents(len(journal), len(limits)))
    more.setdefault("applications", ())
    return History(
        **more,
        writes=writes,
        journal=journal,
        limits=limits,
        probes=probes,
        context=Context(entity_numbers=NUMBERS, **context),
    )


def failover(*writes: Write, lost: tuple[str, ...] = (), **context: Any) -> History:
    """A kill at second 200 (sent at 199.99, certain at 200.01), promoted at 202, lag 100 ms before."""
    kept = tuple(row(w.key) for w in writes if w.outcome == "acknowledged" and w.key not in lost)
    context.setdefault("fault", FaultWindow(started_s=199.99, ended_s=200.01, promoted_s=202.0))
    context.setdefault("samples", (sample(199.5, 60.0), sample(199.8, 100.0), sample(201.0, None)))
    return history(writes, kept, (limit(used_fen=500 * len(kept), cap_fen=10**9),), **context)


def event(at_s: float, name: str) -> Event:
    return Event(at_s=at_s, event=name)


def probes(host: str, pattern: str, *, from_s: float = 0.0, every_s: float = 0.1) -> list[WriteAttempt]:
    """One probe a character: `+` accepted, `-` refused, `?` not answered; each takes 10 ms."""
    return [
        WriteAttempt(
            host=host,
            sent_s=from_s + n * every_s,
            answered_s=None if c == "?" else from_s + n * every_s + 0.01,
            accepted=c == "+",
        )
        for n, c in enumerate(pattern)
    ]
