"""Rows of the database as values; fields in the order in which `app_stub.sql` selects them."""

import msgspec

from app_stub.money import Limit


class LimitRow(msgspec.Struct, frozen=True, array_like=True):
    """One credit limit."""

    entity_code: str
    limit_id: int
    customer_id: int
    product_code: str
    cap_fen: int
    used_fen: int
    status: str
    status_reason: str | None

    def limit(self) -> Limit:
        """Return what the money rules need of it."""
        return Limit(cap_fen=self.cap_fen, used_fen=self.used_fen, is_active=self.status == "active")


class Customer(msgspec.Struct, frozen=True, array_like=True):
    """One borrower: a household or a small shop."""

    entity_code: str
    customer_id: int
    name: str
    village: str
    household_type: str
    birth_year: int
    annual_income_fen: int
    herd_size: int
    land_mu: int
    is_credit_village: bool
    years_as_customer: int
    overdue_count: int


class Application(msgspec.Struct, frozen=True, array_like=True):
    """One application for credit."""

    entity_code: str
    application_id: int
    customer_id: int
    product_code: str
    requested_fen: int
    status: str
    score: int | None
    grade: str | None


class Product(msgspec.Struct, frozen=True, array_like=True):
    """One product of one entity, with that entity's thresholds."""

    product_code: str
    name: str
    min_fen: int
    max_fen: int
    min_age_years: int
    max_age_years: int
    min_income_fen: int
    min_herd_size: int
    min_score: int
    income_multiple_pct: int
