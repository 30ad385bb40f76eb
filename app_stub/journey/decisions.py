"""Admission, scorecard and grant as rules over rows. Pure; thresholds are the entity's own.

The scorecard is invented for this stand-in. Its inputs are those the bank's case names: rated villages,
herds, income, land, history. Real models sit in the bank's rule engine.
"""

from enum import StrEnum

from app_stub.journey.rows import Customer, Product

_BASE_SCORE = 500
_SCORE_LOW, _SCORE_HIGH = 300, 850
_GRADE_A, _GRADE_B = 700, 620
MAX_OVERDUE = 3
"""More late payments than this are declined by every entity: the union's common rule."""
_CAP_SHARE_PCT = {"A": 100, "B": 80, "C": 50}
_FEN_PER_YUAN = 100


class Reason(StrEnum):
    """Why an application is declined."""

    BELOW_MINIMUM = "amount-below-minimum"
    ABOVE_MAXIMUM = "amount-above-maximum"
    AGE = "age-outside-range"
    INCOME = "income-below-threshold"
    HERD = "herd-below-threshold"
    OVERDUE = "overdue-history"


def admission_reasons(
    customer: Customer, product: Product, *, requested_fen: int, year: int
) -> tuple[Reason, ...]:
    """Return every reason to decline; none means admitted.

    Args:
        customer: who applies.
        product: with the thresholds of the customer's own entity.
        requested_fen: amount asked for.
        year: current year, for the age.
    """
    age_years = year - customer.birth_year
    checks = (
        (requested_fen < product.min_fen, Reason.BELOW_MINIMUM),
        (requested_fen > product.max_fen, Reason.ABOVE_MAXIMUM),
        (not product.min_age_years <= age_years <= product.max_age_years, Reason.AGE),
        (customer.annual_income_fen < product.min_income_fen, Reason.INCOME),
        (customer.herd_size < product.min_herd_size, Reason.HERD),
        (customer.overdue_count > MAX_OVERDUE, Reason.OVERDUE),
    )
    return tuple(reason for failed, reason in checks if failed)


def score_of(customer: Customer) -> int:
    """Return the credit score, 300 to 850."""
    score = _BASE_SCORE
    score += 60 if customer.is_credit_village else 0
    score += min(customer.annual_income_fen // (1_000 * _FEN_PER_YUAN), 120)
    score += min(customer.herd_size // 2, 60)
    score += min(customer.land_mu, 40)
    score += min(customer.years_as_customer * 5, 60)
    score -= customer.overdue_count * 45
    return max(_SCORE_LOW, min(_SCORE_HIGH, score))


def grade_of(score: int, *, min_score: int) -> str:
    """Return A, B or C; D below the product's `min_score`, which is never granted."""
    if score < min_score:
        return "D"
    if score >= _GRADE_A:
        return "A"
    return "B" if score >= _GRADE_B else "C"


def granted_cap_fen(customer: Customer, product: Product, *, requested_fen: int, grade: str) -> int:
    """Return the cap of the new limit: the request, held down by income and grade; 0 grants nothing."""
    share_pct = _CAP_SHARE_PCT.get(grade, 0)
    by_income_fen = customer.annual_income_fen * product.income_multiple_pct // 100
    return min(requested_fen, by_income_fen, product.max_fen) * share_pct // 100
