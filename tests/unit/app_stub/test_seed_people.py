"""Seeded rows are a function of entity, seed and number, fit their columns, and are as skewed as in life."""

from collections import Counter
from hashlib import sha256
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_stub import seed_draws, seed_sql
from app_stub.seed_data import ENTITY_ID_STEP, Seeded, customer_id, entity_number
from app_stub.seed_people import BLOCK_CUSTOMERS, DEFAULT_SEED, ROOM_FEN, SCHEME, block, seeded
from app_stub.seed_world import VILLAGES, region

ENTITIES = ("QH01", "QH02", "QH03", "QH04", "XX99")
MANY = {entity: [row for n in range(12) for row in block(entity, DEFAULT_SEED, n)] for entity in ENTITIES}


def test_rows_change_only_together_with_the_version_of_their_rules() -> None:
    """Whoever changes a row raises `SCHEME`: a database must not come to hold rows of two kinds."""
    text = "".join(seed_sql.packet(block(entity, 7, 3), again=False)[0] for entity in ENTITIES)
    assert (SCHEME, sha256(text.encode()).hexdigest()[:16]) == (1, "b079d99a38bc16e7")


@pytest.mark.parametrize("other", [("QH01", 2, 0), ("QH02", 1, 0), ("QH01", 1, 1)])
def test_seed_entity_and_block_each_make_other_people(other: tuple[str, int, int]) -> None:
    names = [[row.customer.name for row in block(*key)] for key in (("QH01", 1, 0), other)]
    assert sum(a == b for a, b in zip(*names, strict=True)) < BLOCK_CUSTOMERS // 5


@given(entity=st.sampled_from(ENTITIES), n=st.integers(1, 10**8), seed=st.integers(0, 2**31 - 1))
def test_rows_fit_their_columns_and_their_money_adds_up(entity: str, n: int, seed: int) -> None:
    customer, limit, movements = found = seeded(entity, n, seed)
    assert found == seeded(entity, n, seed)
    assert customer.customer_id == entity_number(entity) * ENTITY_ID_STEP + n == limit.limit_id
    assert (customer.entity_code, limit.entity_code, limit.customer_id) == (entity, entity, limit.limit_id)
    assert 1 <= len(customer.name) <= 64
    assert 1 <= len(customer.village) <= 64
    assert 1962 <= customer.birth_year <= 2004
    assert customer.annual_income_fen >= 2_000_000
    signs = {"drawdown": 1, "repayment": -1}
    assert limit.used_fen == sum(signs[move.kind] * move.amount_fen for move in movements)
    assert 0 <= limit.used_fen <= limit.cap_fen - ROOM_FEN
    assert all(move.amount_fen > 0 and move.limit_id == limit.limit_id for move in movements)
    assert [move.kind for move in movements] in ([], ["drawdown"], ["drawdown", "repayment"])
    assert sorted(move.created_at for move in movements) == [move.created_at for move in movements]


def _months(rows: list[Seeded], kind: str, operation: str) -> Counter[int]:
    return Counter(
        int(move.created_at[5:7])
        for row in rows
        if row.customer.household_type == kind
        for move in row.movements
        if move.kind == operation
    )


def test_money_is_drawn_before_the_season_and_repaid_after_it() -> None:
    rows = [row for entity in ENTITIES for row in MANY[entity]]
    fungus = _months(rows, "fungus", "drawdown")
    assert fungus.most_common(1)[0][0] == 4
    assert fungus[4] + fungus[5] > 0.5 * fungus.total()
    assert min(_months(rows, "fungus", "repayment")) == 7
    assert min(_months(rows, "herder", "repayment")) == 9
    assert _months(rows, "farmer", "drawdown").most_common(1)[0][0] == 3


@pytest.mark.parametrize("entity", ENTITIES)
def test_villages_are_of_very_different_size(entity: str) -> None:
    sizes = [count for _, count in Counter(row.customer.village for row in MANY[entity]).most_common()]
    total = sum(sizes)
    assert len({village.name for village in region(entity).villages}) == VILLAGES
    assert sum(sizes[: VILLAGES // 10]) > 0.3 * total
    assert sum(sizes[VILLAGES // 2 :]) < 0.25 * total


def test_entities_lend_to_other_households_and_few_limits_are_drawn_far() -> None:
    kinds = {entity: Counter(row.customer.household_type for row in MANY[entity]) for entity in ENTITIES}
    assert kinds["QH03"]["herder"] > 3 * kinds["QH01"]["herder"]
    assert kinds["QH02"]["noodle-shop"] > 10 * kinds["QH03"]["noodle-shop"]
    rows = [row for entity in ENTITIES for row in MANY[entity]]
    products = Counter((row.customer.household_type, row.limit.product_code) for row in rows)
    assert {product for kind, product in products if kind == "fungus"} == {"CHONGCAO", "HUINONG"}
    assert products["herder", "SANSHENG"] > products["herder", "HUINONG"]
    used = [row.limit.used_fen / row.limit.cap_fen for row in rows if row.limit.used_fen]
    assert 0.1 < len(used) / len(rows) < 0.3
    assert sum(share > 0.5 for share in used) < 0.2 * len(used)


def test_members_of_a_household_share_what_it_owns_and_hui_and_han_their_surname() -> None:
    shared = [
        list(group)
        for _, group in groupby(
            (row.customer for row in MANY["QH02"]),
            key=lambda c: (c.village, c.household_type, c.herd_size, c.land_mu),
        )
    ]
    sizes = Counter(len(members) for members in shared)
    assert max(sizes) <= 8
    assert 0.8 * len(shared) < sizes[1] + sizes[2] < len(shared)
    assert min(sizes[3], sizes[4]) > 0
    surnames = [
        {member.name[0] for member in members} for members in shared if members[0].name[0] in "马韩冶沙丁"
    ]
    assert sum(len(names) == 1 for names in surnames) > 0.95 * len(surnames)


@given(st.lists(st.tuples(st.integers(), st.integers(0, 50)), min_size=1, max_size=20))
def test_tables_are_full_and_shares_are_as_weights_say(choices: list[tuple[int, int]]) -> None:
    total = sum(weight for _, weight in choices)
    if not total:
        with pytest.raises(ValueError, match="above 0"):
            seed_draws.weighted(choices)
        return
    table = seed_draws.weighted((place, weight) for place, (_, weight) in enumerate(choices))
    assert len(table) == seed_draws.TABLE_SIZE
    for place, (_, weight) in enumerate(choices):
        assert abs(table.count(place) - weight * seed_draws.TABLE_SIZE / total) <= 1


def test_quantiles_go_through_their_points() -> None:
    table = seed_draws.quantiles(((0, 10), (50, 20), (100, 1020)))
    assert len(table) == seed_draws.TABLE_SIZE
    assert (table[0], table[seed_draws.TABLE_SIZE // 2]) == (10, 20)
    assert 1010 < table[-1] <= 1020
    assert list(table) == sorted(table)


def test_the_first_of_a_block_follows_the_last_of_the_one_before() -> None:
    ids = [row.limit.limit_id for n in (0, 1) for row in block("QH01", 1, n)]
    assert ids == list(range(customer_id("QH01", 1), customer_id("QH01", 2 * BLOCK_CUSTOMERS) + 1))
