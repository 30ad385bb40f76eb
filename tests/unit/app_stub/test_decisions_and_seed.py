"""Decisions are the entity's own; seeded people can walk the journey."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import seed_data
from app_stub.journey import decisions
from app_stub.journey.rows import Customer, Product
from app_stub.seed_people import HISTORY_YEAR, seeded

ENTITIES = ("QH01", "QH02", "QH03", "QH04")
YEAR = 2026


def _customer(row: seed_data.CustomerRow) -> Customer:
    return Customer(row.entity_code, row.customer_id, *row[2:9], bool(row.is_credit_village), *row[10:])


def _product(entity: str, code: str) -> Product:
    return Product(*seed_data.products(entity)[code][1:-1])


@given(
    entity=st.sampled_from(ENTITIES), n=st.integers(1, 25_000), requested_fen=st.integers(100_000, 2_000_000)
)
def test_every_seeded_customer_can_walk_the_journey_with_the_everyday_product(
    entity: str, n: int, requested_fen: int
) -> None:
    customer = _customer(seeded(entity, n).customer)
    product = _product(entity, seed_data.EVERYDAY_PRODUCT)
    assert decisions.admission_reasons(customer, product, requested_fen=requested_fen, year=YEAR) == ()
    grade = decisions.grade_of(decisions.score_of(customer), min_score=product.min_score)
    assert grade in "ABC"
    cap_fen = decisions.granted_cap_fen(customer, product, requested_fen=requested_fen, grade=grade)
    assert 0 < cap_fen <= requested_fen


@given(entity=st.sampled_from(ENTITIES), n=st.integers(1, 10**6))
def test_nobody_is_seeded_with_a_limit_that_the_rules_would_have_declined(entity: str, n: int) -> None:
    row, limit, _ = seeded(entity, n)
    customer, product = _customer(row), _product(entity, limit.product_code)
    asked_fen = product.min_fen
    year = HISTORY_YEAR
    assert decisions.admission_reasons(customer, product, requested_fen=asked_fen, year=year) == ()
    assert decisions.grade_of(decisions.score_of(customer), min_score=product.min_score) != "D"
    assert limit.cap_fen <= product.max_fen


def test_the_same_applicant_is_judged_by_each_entitys_own_thresholds() -> None:
    applicant = Customer("QH01", 1, "扎西", "结古镇", "herder", 1990, 6_200_000, 30, 5, True, 5, 0)
    reasons = {
        entity: decisions.admission_reasons(
            applicant, _product(entity, "LAMIAN"), requested_fen=2_000_000, year=YEAR
        )
        for entity in ENTITIES
    }
    assert reasons["QH01"] == ()
    assert reasons["QH04"] == (decisions.Reason.INCOME,)


def test_all_reasons_to_decline_are_given() -> None:
    applicant = Customer("QH01", 1, "x", "y", "shop", 2020, 1, 0, 0, False, 0, 9)
    reasons = decisions.admission_reasons(applicant, _product("QH01", "SANSHENG"), requested_fen=1, year=YEAR)
    assert set(reasons) == set(decisions.Reason) - {decisions.Reason.ABOVE_MAXIMUM}


@pytest.mark.parametrize(
    ("score", "grade"), [(850, "A"), (700, "A"), (699, "B"), (620, "B"), (619, "C"), (399, "D")]
)
def test_grades(score: int, grade: str) -> None:
    assert decisions.grade_of(score, min_score=400) == grade


def test_grade_d_is_granted_nothing() -> None:
    customer = _customer(seeded("QH01", 1).customer)
    product = _product("QH01", "HUINONG")
    assert decisions.granted_cap_fen(customer, product, requested_fen=10**6, grade="D") == 0


@pytest.mark.parametrize("code", ["QH", "QH0", "", "QH1000", "QH-1"])
def test_entity_codes_without_a_number_are_refused(code: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        seed_data.entity_number(code)
