"""What is seeded: the rows, who they belong to, and the products that every entity lends. Pure."""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

ENTITY_ID_STEP = 1_000_000_000
"""customer_id = entity number * this + n, n from 1."""
_FEN_PER_YUAN = 100

EVERYDAY_PRODUCT = "HUINONG"
"""Lent by every entity with thresholds that every seeded customer meets for 1,000 to 20,000 yuan."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedProduct:
    """A row of `product` before an entity's own shift of thresholds."""

    code: str
    name: str
    min_yuan: int
    max_yuan: int
    min_income_yuan: int
    min_herd_size: int
    min_score: int
    income_multiple_pct: int


_PRODUCTS = (
    SeedProduct(
        code=EVERYDAY_PRODUCT, name="惠农贷", min_yuan=1_000, max_yuan=200_000, min_income_yuan=20_000,
        min_herd_size=0, min_score=400, income_multiple_pct=150,
    ),
    SeedProduct(
        code="SANSHENG", name="三牲贷", min_yuan=5_000, max_yuan=300_000, min_income_yuan=30_000,
        min_herd_size=30, min_score=520, income_multiple_pct=200,
    ),
    SeedProduct(
        code="CHONGCAO", name="虫草贷", min_yuan=5_000, max_yuan=150_000, min_income_yuan=40_000,
        min_herd_size=0, min_score=540, income_multiple_pct=120,
    ),
    SeedProduct(
        code="LAMIAN", name="拉面贷", min_yuan=10_000, max_yuan=500_000, min_income_yuan=60_000,
        min_herd_size=0, min_score=560, income_multiple_pct=180,
    ),
)  # fmt: skip


class ProductRow(NamedTuple):
    """A row of `product`."""

    entity_code: str
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
    is_active: int


class CustomerRow(NamedTuple):
    """A row of `customer`."""

    customer_id: int
    entity_code: str
    name: str
    village: str
    household_type: str
    birth_year: int
    annual_income_fen: int
    herd_size: int
    land_mu: int
    is_credit_village: int
    years_as_customer: int
    overdue_count: int


class LimitRow(NamedTuple):
    """What is seeded of a row of `credit_limit`; its id is that of its customer."""

    limit_id: int
    entity_code: str
    customer_id: int
    product_code: str
    cap_fen: int
    used_fen: int


class Movement(NamedTuple):
    """A drawdown or a repayment of last year: a row of `journal`."""

    entity_code: str
    limit_id: int
    kind: str
    amount_fen: int
    created_at: str


class Seeded(NamedTuple):
    """One customer with all that belongs to it."""

    customer: CustomerRow
    limit: LimitRow
    movements: tuple[Movement, ...]


def entity_number(entity_code: str) -> int:
    """Return the number in an entity's code: 1 for QH01.

    Raises:
        ValueError: the code does not end in a number from 1 to 999.
    """
    digits = entity_code.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= 999:
        raise ValueError(f"entity {entity_code!r}; allowed: letters and a number from 1 to 999, such as QH01")
    return int(digits)


def customer_id(entity_code: str, n: int) -> int:
    """Return the id of an entity's n-th customer, n from 1."""
    return entity_number(entity_code) * ENTITY_ID_STEP + n


@cache
def products(entity_code: str) -> dict[str, ProductRow]:
    """Return the rows of `product` of one entity by their codes; each shifts the thresholds."""
    number = entity_number(entity_code)
    shift_pct = 100 + (number - 1) * 5
    rows: dict[str, ProductRow] = {}
    for product in _PRODUCTS:
        everyday = product.code == EVERYDAY_PRODUCT
        rows[product.code] = ProductRow(
            entity_code,
            product.code,
            product.name,
            product.min_yuan * _FEN_PER_YUAN,
            product.max_yuan * _FEN_PER_YUAN,
            18,
            70 if everyday else 65,
            product.min_income_yuan * _FEN_PER_YUAN * (100 if everyday else shift_pct) // 100,
            product.min_herd_size,
            product.min_score + (0 if everyday else 5 * (number - 1)),
            product.income_multiple_pct,
            1,
        )
    return rows
