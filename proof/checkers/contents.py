"""Compares both databases with each other and with the export, and applications with clients' answers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from proof.checkers.checker import finding
from proof.history import History
from proof.record import Application, TableContent, Write
from proof.verdict import Finding, Verdict

TABLES = ("journal", "credit_limit", "application", "customer")
"""Tables that have to be read from both databases."""
_AT_LEAST = {
    "admission": ("admitted", "assessed", "granted"),
    "assessment": ("assessed", "granted"),
    "grant": ("granted",),
}
"""Operation -> allowed statuses of its application afterwards; later operations change the status further."""


def standby_has_the_same(history: History) -> Finding:
    """Primary and standby hold the same rows at one log position, and as many rows as are known of.

    The export tells the rows of journal and limits; the seeding tells the customers, and no request adds any.
    """
    name = "standby_has_the_same"
    by_table: defaultdict[str, list[TableContent]] = defaultdict(list)
    for content in history.contents:
        by_table[content.table].append(content)
    alone = [table for table in TABLES if {each.role for each in by_table[table]} != {"PRIMARY", "STANDBY"}]
    if not history.contents or alone:
        missing = "no database was read"
        if history.contents:
            missing = f"not both copies were read of {', '.join(alone)}"
        return Finding(name=name, verdict=Verdict.INVALID, reasons=(missing,))
    differing = [
        table
        for table, found in by_table.items()
        if len({(content.rows, content.checksum) for content in found}) > 1
    ]
    reasons = [f"{table}: {_described(by_table[table])}" for table in differing]
    known = {
        "journal": (len(history.journal), "the services exported"),
        "credit_limit": (len(history.limits), "the services exported"),
    }
    if history.context.customers is not None:
        known["customer"] = (history.context.customers, "the seeding left")
    for table, (count, who) in known.items():
        held = {content.rows for content in by_table[table] if content.role == "PRIMARY"}
        if held != {count}:
            there = ", ".join(map(str, sorted(held)))
            reasons.append(f"{table}: {who} {count} rows; the primary itself holds {there}")
    return finding(
        history,
        name,
        reasons,
        figures={"tables_compared": len(by_table), "tables_differing": len(differing)},
        listed=(
            {"table": each.table, "host": each.host, "rows": each.rows, "checksum": each.checksum}
            for table in differing
            for each in by_table[table]
        ),
    )


def applications_have_their_status(history: History) -> Finding:
    """Each application has the status of its last acknowledged step and the answered score; none twice."""
    name = "applications_have_their_status"
    if history.applications is None:
        return Finding(name=name, verdict=Verdict.INVALID, reasons=("no application was read",))
    known = {(each.entity, each.application_id): each for each in history.applications}
    listed: list[Mapping[str, object]] = [
        {"entity": write.entity, "key": write.key, "operation": write.operation, "problem": problem}
        for write in history.acknowledged
        if write.operation in _AT_LEAST and (write.entity, write.key) in history.rows_by_key
        for problem in _wrong(write, known)
    ]
    listed += _too_many(history, history.applications)
    listed += _not_granted(history, history.applications)
    reasons = [f"{len(listed)} applications are not what their clients were told"] if listed else []
    figures = {"applications": len(known), "applications_wrong": len(listed)}
    return finding(history, name, reasons, figures=figures, listed=listed)


def _wrong(write: Write, known: Mapping[tuple[str, int], Application]) -> Iterable[str]:
    told = write.response if isinstance(write.response, Mapping) else {}
    number = told.get("application_id")
    if not isinstance(number, int):
        # The client has already counted an answer without an application id as an error.
        return
    found = known.get((write.entity, number))
    if found is None:
        yield f"its application {number} does not exist"
        return
    scored = (told.get("score"), told.get("grade"))
    allowed = ("declined",) if told.get("decision") == "declined" else _AT_LEAST[write.operation]
    if found.status not in allowed:
        yield f"its application is {found.status}; the client was told one that is {' or '.join(allowed)}"
    if write.customer_id is not None and found.customer_id != write.customer_id:
        yield f"its application is customer {found.customer_id}'s, the client's {write.customer_id}"
    if write.operation == "assessment" and (found.score, found.grade) != scored:
        yield (
            f"its application has score {found.score} and grade {found.grade}; the client was told"
            f" {scored[0]!r} and {scored[1]!r}"
        )


def _too_many(history: History, applications: Iterable[Application]) -> list[Mapping[str, object]]:
    """Return the customers who have more applications than admissions in the journal."""
    admitted = Counter((row.entity, row.customer_id) for row in history.journal if row.kind == "admission")
    there = Counter((each.entity, each.customer_id) for each in applications)
    return [
        {
            "entity": entity,
            "customer_id": customer_id,
            "problem": f"{count} applications, {admitted[entity, customer_id]} admissions in the journal",
        }
        for (entity, customer_id), count in there.items()
        if count > admitted[entity, customer_id]
    ]


def _not_granted(history: History, applications: Iterable[Application]) -> list[Mapping[str, object]]:
    """Return the granted applications for which no journal row grants a limit of the same number."""
    granted = {(row.entity, row.limit_id) for row in history.journal if row.kind == "grant"}
    return [
        {
            "entity": each.entity,
            "application_id": each.application_id,
            "problem": "no row grants it",
        }
        for each in applications
        if each.status == "granted" and (each.entity, each.application_id) not in granted
    ]


def _described(found: Iterable[TableContent]) -> str:
    return "; ".join(
        f"{each.host} ({each.role.lower()}) holds {each.rows} rows, check sum {each.checksum}"
        for each in found
    )
