"""Invented customers, their limits and what they drew last year: believable, and always the same. Pure.

Everything is a function of entity, seed and number. Customers come in blocks of a thousand, because
chance for many at once costs little; within a block, each ten are households of one to four borrowers.
"""

from app_stub.seed_data import (
    EVERYDAY_PRODUCT,
    CustomerRow,
    LimitRow,
    Movement,
    ProductRow,
    Seeded,
    customer_id,
    products,
)
from app_stub.seed_draws import TO_TABLE, draws, quantiles, weighted
from app_stub.seed_world import FIRST_NAMES_ARE_SURNAMES, NAMES, Household, Region, Village, region

SCHEME = 1
"""Version of these rules: to be raised with every change of a row, so that rows of two kinds never mix."""
DEFAULT_SEED = 1
BLOCK_CUSTOMERS = 1000
HISTORY_YEAR = 2025
"""Of the movements: before any id or row that the services make."""
ROOM_FEN = 3_000_000
"""What every seeded limit has left, and what the smallest cap is, 30,000 yuan: loads find room everywhere."""
_FEN_PER_YUAN = 100
_STEP_FEN = 10_000
"""Caps and amounts are whole hundreds of yuan."""
_FIRST_BIRTH_YEAR, _LAST_BIRTH_YEAR = 1962, 2004

_TEN = 10
_HOUSEHOLDS_OF_TEN = weighted(
    (
        ((1, 1, 1, 1, 1, 1, 2, 2), 10),
        ((1, 1, 1, 1, 2, 2, 2), 25),
        ((1, 1, 2, 2, 2, 2), 25),
        ((1, 1, 1, 2, 2, 3), 20),
        ((1, 2, 3, 4), 8),
        ((2, 2, 2, 2, 2), 12),
    )
)
"""How many members of each household borrow; most are one or two."""
_HEAD_BORN = quantiles(((0, 1962), (20, 1968), (60, 1978), (90, 1990), (100, 2002)))
_CHILD_YOUNGER = quantiles(((0, 19), (70, 27), (100, 36)))
_YEARS_AS_CUSTOMER = quantiles(((0, 0), (25, 2), (60, 7), (90, 15), (100, 21)))
_OVERDUE = weighted(((0, 90), (1, 8), (2, 2)))
_USE_PCT = 20
"""Customers who would draw, where their cap leaves them something to draw."""
_DRAWN_PCT = quantiles(((0, 5), (30, 25), (60, 50), (85, 80), (100, 100)))
"""Of what is above `ROOM_FEN`."""
_REPAID_PCT = quantiles(((0, 10), (50, 40), (100, 90)))


def block(entity_code: str, seed: int, number: int) -> list[Seeded]:
    """Return an entity's `number`-th thousand of customers, from 0."""
    key = f"{SCHEME}/{seed}/{entity_code}/{number}"
    homes = draws(f"homes/{key}", BLOCK_CUSTOMERS, 8)
    people = draws(f"people/{key}", BLOCK_CUSTOMERS, 12)
    first_id = customer_id(entity_code, number * BLOCK_CUSTOMERS + 1)
    around = region(entity_code)
    found: list[Seeded] = []
    for ten in range(0, BLOCK_CUSTOMERS, _TEN):
        place = ten
        for members in _HOUSEHOLDS_OF_TEN[homes[ten][7] >> TO_TABLE]:
            home = _Home(entity_code, around, homes[place])
            for member in range(members):
                found.append(home.member(first_id + place, member, people[place]))
                place += 1
    return found


def seeded(entity_code: str, n: int, seed: int = DEFAULT_SEED) -> Seeded:
    """Return an entity's n-th customer, n from 1."""
    number, place = divmod(n - 1, BLOCK_CUSTOMERS)
    return block(entity_code, seed, number)[place]


class _Home:
    """What the members of a household share."""

    __slots__ = (
        "_born",
        "_entity",
        "_herd",
        "_household",
        "_income",
        "_land",
        "_name",
        "_people",
        "_village",
    )

    def __init__(self, entity_code: str, around: Region, draw: tuple[int, ...]) -> None:
        kind, village, people, income, herd, land, born, _ = draw
        self._entity = entity_code
        self._household: Household = around.kinds[kind >> TO_TABLE]
        self._village: Village = around.villages[village >> TO_TABLE]
        # The low bits are free: seven of eight households are of their village's people.
        self._people = self._village.people if village & 7 else around.peoples[people >> TO_TABLE]
        self._name = people
        self._income = self._household.income_yuan[income >> TO_TABLE]
        self._herd = self._household.herd[herd >> TO_TABLE]
        self._land = self._household.land_mu[land >> TO_TABLE]
        self._born = _HEAD_BORN[born >> TO_TABLE]

    def member(self, identity: int, number: int, draw: tuple[int, ...]) -> Seeded:
        """Return the household's `number`-th borrower: its head, the spouse, then the children."""
        first, last, born, share, years, overdue, *use = draw
        firsts, lasts = NAMES[self._people]
        if self._people in FIRST_NAMES_ARE_SURNAMES:
            first = self._name
        birth_year, income_yuan = self._born, self._income
        if number:
            birth_year += born % 9 - 4 if number == 1 else _CHILD_YOUNGER[born >> TO_TABLE]
            birth_year = min(max(birth_year, _FIRST_BIRTH_YEAR), _LAST_BIRTH_YEAR)
            # 40 to 90 percent of the head's, and never below what the everyday product asks for.
            income_yuan = max(20_000, income_yuan * (40 + share % 51) // 100)
        customer = CustomerRow(
            identity,
            self._entity,
            firsts[first % len(firsts)] + lasts[last % len(lasts)],
            self._village.name,
            self._household.kind,
            birth_year,
            (income_yuan + share % 100) * _FEN_PER_YUAN,
            self._herd,
            self._land,
            self._village.is_rated,
            _YEARS_AS_CUSTOMER[years >> TO_TABLE],
            _OVERDUE[overdue >> TO_TABLE],
        )
        return _with_limit(customer, self._household, use)


def _with_limit(customer: CustomerRow, household: Household, use: list[int]) -> Seeded:
    product = _product_of(customer, household.product_code)
    by_income_fen = customer.annual_income_fen * product.income_multiple_pct // 100
    cap_fen = max(ROOM_FEN, min(product.max_fen, by_income_fen) // _STEP_FEN * _STEP_FEN)
    movements = _movements(customer, cap_fen, household, use)
    used_fen = (
        movements[0].amount_fen - sum(repaid.amount_fen for repaid in movements[1:]) if movements else 0
    )
    limit = LimitRow(
        customer.customer_id,
        customer.entity_code,
        customer.customer_id,
        product.product_code,
        cap_fen,
        used_fen,
    )
    return Seeded(customer, limit, movements)


def _product_of(customer: CustomerRow, wanted: str) -> ProductRow:
    """Return the product that was made for such households, or the everyday one for who might not get it.

    The score is a lower bound of the scorecard's: nobody holds a limit that the rules would have declined.
    """
    offered = products(customer.entity_code)
    if wanted == EVERYDAY_PRODUCT or customer.overdue_count:
        return offered[EVERYDAY_PRODUCT]
    product = offered[wanted]
    score_min = 500 + min(customer.annual_income_fen // 100_000, 120) + min(customer.herd_size // 2, 60)
    if (
        customer.annual_income_fen >= product.min_income_fen
        and customer.herd_size >= product.min_herd_size
        and score_min >= product.min_score
    ):
        return product
    return offered[EVERYDAY_PRODUCT]


def _movements(
    customer: CustomerRow, cap_fen: int, household: Household, use: list[int]
) -> tuple[Movement, ...]:
    wants, part, month, moment, repays, later = use
    if wants % 100 >= _USE_PCT:
        return ()
    drawn_fen = (cap_fen - ROOM_FEN) * _DRAWN_PCT[part >> TO_TABLE] // 100 // _STEP_FEN * _STEP_FEN
    if drawn_fen == 0:
        return ()
    drawn_in = household.draws_in[month >> TO_TABLE]
    entity, limit_id = customer.entity_code, customer.customer_id
    drawdown = Movement(entity, limit_id, "drawdown", drawn_fen, _at(drawn_in, moment))
    repaid_fen = drawn_fen * _REPAID_PCT[repays >> TO_TABLE] // 100 // _STEP_FEN * _STEP_FEN
    if repays & 1 or repaid_fen == 0:
        return (drawdown,)
    earliest = max(drawn_in + 1, household.sells_in)
    repaid_in = earliest + later % (13 - earliest)
    return drawdown, Movement(entity, limit_id, "repayment", repaid_fen, _at(repaid_in, later))


def _at(month: int, moment: int) -> str:
    """Return a time in office hours of a month."""
    rest, second = divmod(moment, 60)
    rest, hour = divmod(rest, 9)
    return f"{HISTORY_YEAR}-{month:02d}-{rest % 28 + 1:02d} {hour + 8:02d}:{moment % 59:02d}:{second:02d}"
