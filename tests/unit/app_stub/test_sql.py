"""SQL texts: values cannot break out, packets are all or nothing, every statement names its entity."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import sql
from app_stub.money import Kind, drawdown_entry

ROW = sql.JournalRow(
    entity_code="QH01",
    idempotency_key="0" * 32,
    request_hash="f" * 32,
    kind=Kind.DRAWDOWN,
    limit_id=7,
    customer_id=None,
    entry=drawdown_entry(entity_code="QH01", limit_id=7, amount_fen=100),
    answer=b'{"limit_id":7}',
)


def _unquoted(text: str) -> str | None:
    """Return the value of an SQL string literal as the server reads it; None if it ends early or late."""
    if len(text) < 2 or text[0] != "'" or text[-1] != "'":
        return None
    escapes = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}
    value, inner, place = [], text[1:-1], 0
    while place < len(inner):
        letter = inner[place]
        if letter == "'":
            return None
        if letter == "\\":
            place += 1
            if place == len(inner):
                return None
            letter = escapes.get(inner[place], inner[place])
        value.append(letter)
        place += 1
    return "".join(value)


@given(text=st.text())
def test_no_text_breaks_out_of_its_literal(text: str) -> None:
    assert _unquoted(sql.literal(text)) == text


@pytest.mark.parametrize("value", [True, 1.5, b"x", [], object()])
def test_only_plain_values_become_sql(value: object) -> None:
    with pytest.raises(TypeError):
        sql.literal(value)


def test_a_write_is_change_journal_commit_and_the_journal_depends_on_the_change() -> None:
    change = sql.drawdown(entity_code="QH01", limit_id=7, amount_fen=100)
    packet = sql.packet(sql.conditional((change,), ROW, 5))
    first, second, third = packet.split(";")
    assert (first, third) == (change, "COMMIT")
    assert second.endswith(
        ",(SELECT epoch FROM leadership WHERE one=1 AND epoch=5) FROM DUAL WHERE ROW_COUNT()=1"
    )
    assert "100,'loan:7','settlement:QH01'" in second


def test_a_drawdown_is_refused_by_the_database_itself() -> None:
    text = sql.drawdown(entity_code="QH01", limit_id=7, amount_fen=100)
    for condition in ("limit_id=7", "entity_code='QH01'", "status='active'", "used_fen+100<=cap_fen"):
        assert condition in text


@pytest.mark.parametrize(
    "statement",
    [
        sql.drawdown(entity_code="QH09", limit_id=1, amount_fen=1),
        sql.repayment(entity_code="QH09", limit_id=1, amount_fen=1),
        sql.set_limit_status(entity_code="QH09", limit_id=1, status="frozen", reason="x"),
        sql.assess_application(entity_code="QH09", application_id=1, score=1, grade="A"),
        sql.grant_application(entity_code="QH09", application_id=1),
        sql.select_products("QH09"),
        sql.select_limits_of(entity_code="QH09", customer_id=1),
        sql.select_entries(entity_code="QH09", limit_id=1, count=5),
        sql.select_stored(entity_code="QH09", idempotency_key="0" * 32),
    ],
)
def test_statements_touch_one_entity_only(statement: str) -> None:
    assert re.search(r"WHERE .*entity_code='QH09'", statement)


@pytest.mark.parametrize("query", [sql.select_limit(1), sql.select_customer(1), sql.select_application(1)])
def test_look_ups_by_id_bring_the_entity_for_the_reader_to_compare(query: str) -> None:
    assert re.match(r"SELECT (\w\.)?entity_code,", query)


def test_a_group_holds_no_two_equal_values_which_would_cost_a_plan_of_its_own() -> None:
    """Seen: the database planned 549 times for 15 texts, because it plans anew for each pattern of equals."""
    same = tuple(
        sql.Move(entity_code="QH01", limit_id=900 + n, drawn_fen=100 * (n % 2), repaid_fen=100 * (1 - n % 2))
        for n in range(8)
    )
    update, _ = sql.grouped_movements(same, (ROW,) * len(same), 5)
    results = re.findall(r"THEN ('[^']*'|\d+)", update)
    assert len(results) == 4 * len(same)
    assert len(set(results)) == 2 * len(same), "each stands twice, in the change and in its condition"
