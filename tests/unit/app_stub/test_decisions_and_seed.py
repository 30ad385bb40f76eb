"""Decisions are the entity's own; seeded people are believable, always the same, and can walk the journey."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import seed, seed_data
from app_stub.journey import decisions
from app_stub.journey.rows import Customer, Product

ENTITIES = ("QH01", "QH02", "QH03", "QH04")
YEAR = 2026


def _customer(row: tuple[object, ...]) -> Customer:
    identity, entity, *rest = row
    values: list[object] = [entity, identity, *rest]
    values[9] = bool(values[9])
    return Customer(*values)  # type: ignore[arg-type]


def _product(entity: str, code: str) -> Product:
    row = next(row for row in seed_data.products(entity) if row[1] == code)
    return Product(*row[1:-1])  # type: ignore[arg-type]


@given(
    entity=st.sampled_from(ENTITIES), n=st.integers(1, 25_000), requested_fen=st.integers(100_000, 2_000_000)
)
def test_every_seeded_customer_can_walk_the_journey_with_the_everyday_product(
    entity: str, n: int, requested_fen: int
) -> None:
    customer = _customer(seed_data.customer(entity, n))
    product = _product(entity, seed_data.EVERYDAY_PRODUCT)
    assert decisions.admission_reasons(customer, product, requested_fen=requested_fen, year=YEAR) == ()
    grade = decisions.grade_of(decisions.score_of(customer), min_score=product.min_score)
    assert grade in "ABC"
    cap_fen = decisions.granted_cap_fen(customer, product, requested_fen=requested_fen, grade=grade)
    assert 0 < cap_fen <= requested_fen


@given(entity=st.sampled_from(ENTITIES), n=st.integers(1, 10**6))
def test_seeded_rows_are_always_the_same_and_within_their_columns(entity: str, n: int) -> None:
    row = seed_data.customer(entity, n)
    assert row == seed_data.customer(entity, n)
    customer = _customer(row)
    assert customer.customer_id == seed_data.entity_number(entity) * 1_000_000_000 + n
    assert 1 <= len(customer.name) <= 64
    assert 1 <= len(customer.village) <= 64
    limit_id, owner, holder, _, cap_fen = seed_data.limit(row)
    assert (limit_id, owner, holder) == (customer.customer_id, entity, customer.customer_id)
    assert isinstance(cap_fen, int)
    assert cap_fen >= 3_000_000


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
    customer = _customer(seed_data.customer("QH01", 1))
    product = _product("QH01", "HUINONG")
    assert decisions.granted_cap_fen(customer, product, requested_fen=10**6, grade="D") == 0


def test_shares_add_up_and_differ_by_one_at_most() -> None:
    assert seed.shares(10, ("a", "b", "c")) == {"a": 4, "b": 3, "c": 3}


@given(last=st.integers(1, 5000))
def test_chunks_cover_every_customer_once(last: int) -> None:
    numbers = [n for _, piece in seed.chunks("QH01", 1, last) for n in piece]
    assert numbers == list(range(1, last + 1))


def test_a_packet_ends_in_commit_and_never_overwrites() -> None:
    packet = seed.packet("QH03", range(1, 4))
    assert packet.endswith(";COMMIT")
    assert packet.count("INSERT IGNORE") == 2
    assert "REPLACE" not in packet
    assert json.dumps(packet, ensure_ascii=False).count("3000000001") == 3


@pytest.mark.parametrize("code", ["QH", "QH0", "", "QH1000", "QH-1"])
def test_entity_codes_without_a_number_are_refused(code: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        seed_data.entity_number(code)
