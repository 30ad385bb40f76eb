"""What an operation must have left besides its row: on literal histories, where properties say too little."""

from proof.checkers import effects
from proof.verdict import Verdict
from tests.unit.chaos.histories import history, limit, row, write


def test_two_changes_of_a_status_at_one_time_are_not_told_apart() -> None:
    rows = (row("k1", kind="freeze", created_s=100.0), row("k2", kind="unfreeze", created_s=100.9))
    for status in ("frozen", "active"):
        found = effects.limits_have_their_status(history(journal=rows, limits=(limit(status=status),)))
        assert found.verdict is Verdict.PASS
    later = (rows[0], row("k2", kind="unfreeze", created_s=101.0))
    found = effects.limits_have_their_status(history(journal=later, limits=(limit(status="frozen"),)))
    assert found.verdict is Verdict.FAIL


def test_a_seeded_limit_needs_no_grant() -> None:
    assert effects.grants_opened_limits(history()).verdict is Verdict.PASS


def test_a_status_that_no_row_explains_is_wrong() -> None:
    assert effects.limits_have_their_status(history()).verdict is Verdict.PASS
    for status in ("frozen", "bogus"):
        found = effects.limits_have_their_status(history(limits=(limit(status=status),)))
        assert found.verdict is Verdict.FAIL
    close = (row("k1", kind="freeze", created_s=100.0), row("k2", kind="unfreeze", created_s=100.1))
    bogus = effects.limits_have_their_status(history(journal=close, limits=(limit(status="bogus"),)))
    assert bogus.listed[0]["journal"] == "active or frozen"
    nowhere = effects.limits_have_their_status(history(journal=(row("k1", kind="freeze", limit_id=77),)))
    assert nowhere.verdict is Verdict.FAIL


def test_a_grant_to_another_customer_is_listed_with_both() -> None:
    granted = row("k1", kind="grant", limit_id=77, customer_id=1_000_000_002)
    found = effects.grants_opened_limits(history(journal=(granted,), limits=(limit(limit_id=77),)))
    assert found.verdict is Verdict.FAIL
    assert found.listed[0]["problem"] == "its limit is customer 1000000001's, the grant 1000000002's"


def test_an_operation_that_always_failed_leaves_the_run_unproved() -> None:
    tried = [write(f"g{n}", operation="grant", outcome="rejected", status=503) for n in range(10)]
    found = effects.each_operation_acknowledged(history((write("k1"), *tried)))
    assert found.verdict is Verdict.INVALID
    assert found.reasons == ("none of 10 grant requests was acknowledged",)
    assert effects.each_operation_acknowledged(history((write("k1"), *tried[1:]))).verdict is Verdict.PASS
    assert effects.each_operation_acknowledged(history((*tried, write("g", operation="grant")))).verdict is (
        Verdict.PASS
    )


def test_a_kind_that_is_dead_at_the_end_fails_however_small_its_part() -> None:
    dead = [write(f"g{n}", operation="grant", outcome="indeterminate", ended_s=199.0) for n in range(10)]
    rest = [write(f"w{n}", ended_s=180 + n / 50) for n in range(1000)]
    found = effects.each_kind_served_at_the_end(history((*rest, *dead)))
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("none of the last 10 grant requests was served",)
    for other in (
        (*rest, *dead[1:]),
        (*rest, *dead, write("g", operation="grant", ended_s=199.5)),
    ):
        assert effects.each_kind_served_at_the_end(history(other)).verdict is Verdict.PASS


def test_a_legal_entity_that_is_dead_at_the_end_fails() -> None:
    dead = [write(f"e{n}", entity="QH02", outcome="rejected", ended_s=199.0) for n in range(10)]
    found = effects.each_kind_served_at_the_end(history((write("k1", ended_s=200.0), *dead)))
    assert found.reasons == ("none of the last 10 requests of QH02 was served",)
