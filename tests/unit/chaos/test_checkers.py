"""Each way in which a bank's books can be wrong, on a literal history."""

import pytest

from proof.checkers import ledger, sets
from proof.checkers.checker import run_checkers
from proof.history import History
from proof.verdict import Finding, Verdict
from tests.unit.chaos.histories import history, limit, row, write

OTHER_CUSTOMER = 2_000_000_001


def test_a_sound_history_passes_every_checker() -> None:
    findings = run_checkers(history(), sets.LOAD)
    assert {f.name: f.verdict for f in findings} == {checker.__name__: Verdict.PASS for checker in sets.LOAD}


def test_each_checker_calls_a_short_run_invalid() -> None:
    findings = run_checkers(history(acknowledged_min=2), sets.LOAD)
    assert {f.name for f in findings if f.verdict is not Verdict.INVALID} == {
        "each_operation_acknowledged",
        "each_kind_served_at_the_end",
    }
    assert findings[0].reasons == ("1 acknowledged writes prove nothing; needed: 2",)


def test_a_violation_in_a_short_run_is_still_a_failure() -> None:
    short = history((write("k1"),), (), acknowledged_min=1000)
    assert ledger.nothing_acknowledged_lost(short).verdict is Verdict.FAIL


def test_a_missing_acknowledged_write_is_lost_and_listed() -> None:
    found = ledger.nothing_acknowledged_lost(history((write("k1"), write("k2"))))
    assert found.verdict is Verdict.FAIL
    assert found.figures == {"acknowledged_lost": 1}
    assert [listed["key"] for listed in found.listed] == ["k2"]


@pytest.mark.parametrize("outcome", ["rejected", "indeterminate", "unsent"])
def test_a_missing_write_without_acknowledgement_is_not_lost(outcome: str) -> None:
    found = ledger.nothing_acknowledged_lost(history((write("k1"), write("k2", outcome=outcome))))
    assert found.verdict is Verdict.PASS


def test_the_same_key_in_another_entity_is_another_write() -> None:
    found = ledger.nothing_acknowledged_lost(history((write("k1"), write("k1", entity="QH02"))))
    assert found.figures["acknowledged_lost"] == 1


def test_a_key_twice_in_the_journal_is_doubled() -> None:
    found = ledger.nothing_doubled(history(journal=(row("k1"), row("k1"))))
    assert found.verdict is Verdict.FAIL
    assert found.figures["acknowledged_doubled"] == 1
    assert found.listed == ({"entity": "QH01", "key": "k1", "rows": 2},)


def test_a_doubled_key_that_nobody_acknowledged_counts_too() -> None:
    found = ledger.nothing_doubled(history(journal=(row("k1"), row("k9"), row("k9"))))
    assert found.verdict is Verdict.FAIL


def test_one_key_acknowledged_for_two_writes_is_doubled() -> None:
    found = ledger.nothing_doubled(history((write("k1"), write("k1", ended_s=101.0))))
    assert found.figures["acknowledged_doubled"] == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (write("k1", amount_fen=501), "amount_fen"),
        (write("k1", response={"amount_fen": 499, "limit_id": 1_000_000_001}), "amount_fen"),
        (write("k1", limit_id=7), "limit_id"),
        (write("k1", response={"limit_id": 7, "amount_fen": 500}), "limit_id"),
        (write("k1", operation="repayment"), "operation"),
    ],
)
def test_a_row_that_differs_from_what_was_acknowledged(wrong: object, problem: str) -> None:
    found = ledger.nothing_doubled(history((wrong,)))  # type: ignore[arg-type]  # parametrized
    assert found.verdict is Verdict.FAIL
    assert str(found.listed[0]["problem"]).startswith(problem)


def test_an_admission_has_no_amount_to_compare() -> None:
    asked = write("k2", operation="admission", limit_id=None, amount_fen=90_000)
    kept = row("k2", kind="admission", limit_id=None, amount_fen=0, debit_account=None, credit_account=None)
    found = ledger.nothing_doubled(history((write("k1"), asked), (row("k1"), kept)))
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize(
    "wrong",
    [
        row("k1", credit_account=None),
        row("k1", debit_account=None),
        row("k1", credit_account="loan:1000000001"),
        row("k1", amount_fen=0),
        row("k1", amount_fen=-500),
    ],
    ids=["no credit", "no debit", "same account", "accounts without an amount", "negative amount"],
)
def test_a_journal_row_that_is_no_double_entry(wrong: object) -> None:
    found = ledger.ledger_balances(history(journal=(wrong,)))  # type: ignore[arg-type]  # parametrized
    assert found.verdict is Verdict.FAIL
    assert any("double entry" in reason for reason in found.reasons)


def test_a_row_with_one_account_is_no_double_entry() -> None:
    found = ledger.ledger_balances(history(journal=(row("k1"), row("k2", credit_account=None))))
    assert "1 journal rows are not a double entry" in found.reasons
    assert found.figures["rows_one_sided"] == 1


@pytest.mark.parametrize(
    ("kind", "used_fen", "doubled"), [("drawdown", 1000, 1), ("repayment", -1000, 1), ("drawdown", 501, 0)]
)
def test_an_effect_that_came_twice_is_doubled_though_its_row_is_there_once(
    kind: str, used_fen: int, doubled: int
) -> None:
    found = ledger.nothing_doubled(
        history((write("k1", operation=kind),), (row("k1", kind=kind),), limits=(limit(used_fen=used_fen),))
    )
    assert found.figures["acknowledged_doubled"] == doubled
    assert (found.verdict is Verdict.FAIL) is bool(doubled)


def test_a_limit_that_does_not_fold() -> None:
    found = ledger.ledger_balances(history(limits=(limit(used_fen=501),)))
    assert found.figures["limits_unbalanced"] == 1
    assert found.listed[0] == {
        "entity": "QH01",
        "limit_id": 1_000_000_001,
        "used_fen": 501,
        "journal_fen": 500,
    }


def test_repayments_give_the_limit_back() -> None:
    back = row(
        "k2",
        kind="repayment",
        amount_fen=200,
        debit_account="settlement:QH01",
        credit_account="loan:1000000001",
    )
    found = ledger.ledger_balances(history(journal=(row("k1"), back), limits=(limit(used_fen=300),)))
    assert found.verdict is Verdict.PASS


def test_money_on_a_limit_that_does_not_exist() -> None:
    found = ledger.ledger_balances(history(limits=()))
    assert "1 limits have journal rows but do not exist" in found.reasons


def test_a_limit_used_without_a_journal_row() -> None:
    ghost = limit(limit_id=1_000_000_002, used_fen=1)
    found = ledger.ledger_balances(history(limits=(limit(), ghost)))
    assert found.verdict is Verdict.FAIL


@pytest.mark.parametrize("used_fen", [-1, 10_001])
def test_an_overdrawn_limit(used_fen: int) -> None:
    found = ledger.no_overdrawn_limit(history(limits=(limit(used_fen=used_fen),)))
    assert found.verdict is Verdict.FAIL
    assert found.listed[0]["used_fen"] == used_fen


@pytest.mark.parametrize("used_fen", [0, 10_000])
def test_a_limit_used_to_its_edge_is_sound(used_fen: int) -> None:
    assert ledger.no_overdrawn_limit(history(limits=(limit(used_fen=used_fen),))).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("rows", "limits"),
    [
        ((row("k1", customer_id=OTHER_CUSTOMER),), (limit(),)),
        ((row("k1", entity="QH02", customer_id=None),), (limit(),)),
        ((row("k1", entity="QH99"),), (limit(),)),
        ((row("k1"),), (limit(customer_id=OTHER_CUSTOMER),)),
        ((row("k1"),), (limit(entity="QH99"),)),
    ],
    ids=["row's customer", "row's limit", "unknown entity", "limit's customer", "limit's unknown entity"],
)
def test_rows_that_mix_legal_entities(rows: tuple[object, ...], limits: tuple[object, ...]) -> None:
    found = ledger.entities_apart(history(journal=rows, limits=limits))  # type: ignore[arg-type]  # parametrized
    assert found.verdict is Verdict.FAIL


@pytest.mark.parametrize("outcome", ["rejected", "unsent"])
def test_a_definite_no_that_was_executed(outcome: str) -> None:
    found = ledger.rejected_left_no_trace(
        history((write("k1"), write("k2", outcome=outcome)), (row("k1"), row("k2")))
    )
    assert found.verdict is Verdict.FAIL
    assert found.figures["rejected_executed"] == 1


def test_indeterminate_writes_are_resolved_either_way() -> None:
    unknown = tuple(write(key, outcome="indeterminate", status=504) for key in ("k2", "k3", "k4"))
    found = ledger.rejected_left_no_trace(history((write("k1"), *unknown), (row("k1"), row("k3"))))
    assert found.verdict is Verdict.PASS
    assert found.figures == {
        "rejected_executed": 0,
        "indeterminate": 3,
        "indeterminate_committed": 1,
        "indeterminate_absent": 2,
    }


def test_a_checker_that_breaks_proves_nothing_and_takes_no_other_along() -> None:
    def broken(_history: History) -> Finding:
        raise KeyError("QH09")

    found = run_checkers(history(), (broken, ledger.nothing_doubled))
    assert [finding.verdict for finding in found] == [Verdict.INVALID, Verdict.PASS]
    assert (found[0].name, found[0].reasons) == ("broken", ("the checker failed: KeyError: 'QH09'",))


@pytest.mark.parametrize(
    "changes",
    [
        {"debit_account": "loan:1000000002"},
        {"credit_account": "settlement:QH02"},
        {"debit_account": "settlement:QH01", "credit_account": "loan:1000000001"},
        {"kind": "repayment"},
        {"kind": "assessment"},
    ],
)
def test_money_moves_between_the_limit_and_its_entity_and_the_right_way(changes: dict[str, str]) -> None:
    found = ledger.ledger_balances(history(journal=(row("k1", **changes),)))
    assert found.figures["rows_one_sided"] == 1


def test_a_row_under_a_key_that_nobody_sent_is_invented() -> None:
    asked = (write("k1", ended_s=100.0), write("k2", ended_s=200.0))
    own = (row("k1", created_s=100.0), row("k2", created_s=199.999))
    for created_s, invented in ((99.0, 0), (150.0, 1), (200.1, 0)):
        found = ledger.nothing_invented(history(asked, (*own, row("ghost", created_s=created_s))))
        assert found.figures["rows_invented"] == invented
        assert (found.verdict is Verdict.FAIL) is bool(invented)


def test_a_row_of_another_customer_than_the_limits_is_mixed_up() -> None:
    assert (
        ledger.entities_apart(history(journal=(row("k1", customer_id=1_000_000_002),))).verdict
        is Verdict.FAIL
    )
