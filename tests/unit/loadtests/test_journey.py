"""The state of a user: whatever happens to its requests, it never asks for anything unlawful."""

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.users import journey, steps
from loadtests.users.journey import UserState
from loadtests.users.population import WATCHED_ONE_IN, Population, Product
from loadtests.users.steps import Step, validate_response
from proof.record import Outcome
from tests.unit.loadtests.fake_services import PRODUCTS, Services

ENTITIES = ("QH01", "QH02", "QH03", "QH04")
OPERATIONS = ("drawdown", "repayment", "admission", "assessment", "grant", "freeze", "unfreeze")
FATES = ("answered", "answered", "answered", "unavailable", "lost-before", "lost-after")


def population(customers_per_entity: int = 500) -> Population:
    products = tuple(
        Product(code=p["product_code"], min_fen=p["min_fen"], max_fen=p["max_fen"]) for p in PRODUCTS
    )
    return Population(
        entities=ENTITIES,
        customers_per_entity=customers_per_entity,
        products=dict.fromkeys(ENTITIES, products),
    )


def user_state(user: int = 0, users: int = 4, seed: int = 1, people: Population | None = None) -> UserState:
    found = UserState(population=people or population(), user=user, users=users, random=Random(seed))
    for borrower in found.watched():
        found.observe(borrower, {"status": "active"})
    return found


class World:
    """A user's state and the services it speaks to, with what happens to each request on the way."""

    def __init__(self, found: UserState) -> None:
        self.state = found
        self.services = Services("none")
        self.keys = 0
        self.refused: list[tuple[Step, int]] = []

    def send(self, step: Step, fate: str = "answered") -> None:
        self.keys += 1
        if fate == "unavailable":
            self.state.apply_result(step, Outcome.REJECTED, 503, None)
            return
        if fate == "lost-before":
            self.state.apply_result(step, Outcome.INDETERMINATE, 0, None)
            return
        status, answer = self.services.answer(
            step.method, step.path, step.entity, f"{self.keys:032x}", step.body
        )
        if status >= 400:
            self.refused.append((step, status))
        if fate == "lost-after":
            self.state.apply_result(step, Outcome.INDETERMINATE, 504, None)
        elif step.method == "POST":
            self.state.apply_result(step, Outcome.ACKNOWLEDGED, status, answer)
        assert validate_response(step, answer) is None


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(FATES)), max_size=300), st.integers())
def test_no_request_is_ever_refused_whatever_was_lost_on_the_way(history, seed):
    world = World(user_state(seed=seed))
    for operation, fate in history:
        world.send(world.state.plan(operation), fate)
        world.send(world.state.read())
    assert world.refused == []


@settings(max_examples=30)
@given(st.lists(st.sampled_from(OPERATIONS), min_size=50, max_size=400), st.integers())
def test_books_agree_with_the_services_when_nothing_is_lost(operations, seed):
    world = World(user_state(seed=seed))
    for operation in operations:
        world.send(world.state.plan(operation))
    used = {limit: fen for limit, fen in world.services.used.items() if fen}
    assert used == {limit: fen for limit, (_, fen) in world.state.balances.items()}
    assert world.services.frozen == {borrower.limit_id for borrower in world.state.frozen}
    assert world.services.writes == len(operations)
    assert all(fen <= journey.BALANCE_MAX_FEN for fen in used.values())


@settings(max_examples=30)
@given(st.lists(st.sampled_from(OPERATIONS), min_size=20, max_size=200), st.integers())
def test_a_limit_in_doubt_is_never_touched_again(operations, seed):
    world = World(user_state(seed=seed))
    doubtful: set[int] = set()
    random = Random(seed)
    for operation in operations:
        step = world.state.plan(operation)
        assert step.limit_id is None or step.limit_id not in doubtful
        lost = random.random() < 0.3
        world.send(step, "lost-after" if lost else "answered")
        if lost and step.limit_id is not None:
            doubtful.add(step.limit_id)


def test_a_refusal_that_contradicts_the_books_puts_the_limit_in_doubt():
    found = user_state()
    drawn = found.plan("drawdown")
    found.apply_result(drawn, Outcome.ACKNOWLEDGED, 201, {"entry_id": "a"})
    repaid = found.plan("repayment")
    assert repaid.limit_id == drawn.limit_id
    # The drawdown was lost in a failover: the services know nothing of it.
    found.apply_result(repaid, Outcome.REJECTED, 422, None)
    assert found.balances == {}
    assert drawn.limit_id in found.unknown
    assert found.plan("repayment").operation == "drawdown"


def test_an_acknowledgement_with_a_wrong_body_puts_the_limit_in_doubt():
    found = user_state()
    drawn = found.plan("drawdown")
    found.apply_result(drawn, Outcome.ACKNOWLEDGED, 201, None)
    assert drawn.limit_id in found.unknown


def test_users_never_share_a_customer_and_together_have_all():
    people = population(50)
    seen = Counter(
        people.borrower(index).customer_id for user in range(7) for index in range(user, people.size, 7)
    )
    assert len(seen) == people.size
    assert set(seen.values()) == {1}
    for user in range(7):
        found = user_state(user=user, users=7, people=people)
        mine = {people.borrower(index).customer_id for index in range(user, people.size, 7)}
        touched = {found.plan("drawdown").customer_id for _ in range(200)}
        assert touched <= mine


def test_customers_of_all_entities_are_numbered_from_one():
    people = population(25_000)
    assert [people.borrower(index).customer_id for index in (0, 1, 3, 4)] == [
        *(1_000_000_001, 2_000_000_001, 4_000_000_001, 1_000_000_002),
    ]
    last = people.borrower(people.size - 1)
    assert (last.entity, last.customer_id, last.limit_id) == ("QH04", 4_000_025_000, 4_000_025_000)


@pytest.mark.parametrize("users", [1, 96, 127, 128, 256, 1024])
def test_watched_customers_are_spread_over_users_and_never_drawn_from(users):
    people = population(25_000)
    watched = {index for index in range(people.size) if people.is_watched(index)}
    assert len(watched) == pytest.approx(people.size / WATCHED_ONE_IN, rel=0.05)
    for user in (0, users // 2, users - 1):
        mine = set(range(user, people.size, users))
        assert len(mine & watched) < len(mine) / 10
        found = user_state(user=user, users=users, people=people)
        assert all(
            borrower.limit_id in {people.borrower(i).limit_id for i in watched} for borrower in found.active
        )
        drawn = {found.plan("drawdown").limit_id for _ in range(100)}
        assert drawn.isdisjoint({people.borrower(index).limit_id for index in watched})


def test_a_limit_found_frozen_is_unfrozen_first():
    found = UserState(population=population(), user=0, users=1, random=Random(1))
    first, *_ = found.watched()
    found.observe(first, {"status": "frozen"})
    assert found.plan("freeze").operation == "drawdown"
    unfrozen = found.plan("unfreeze")
    assert (unfrozen.operation, unfrozen.limit_id) == ("unfreeze", first.limit_id)
    found.apply_result(unfrozen, Outcome.ACKNOWLEDGED, 201, {"limit_id": first.limit_id, "status": "active"})
    assert found.plan("freeze").limit_id == first.limit_id


def test_an_operation_without_a_candidate_becomes_a_drawdown_so_that_the_rate_is_kept():
    found = user_state()
    for operation in ("repayment", "assessment", "grant", "unfreeze"):
        assert found.plan(operation).operation == "drawdown"


def test_an_application_is_made_where_nobody_may_draw():
    people = population(5)
    found = user_state(people=people)
    found.unknown = {people.borrower(index).limit_id for index in range(people.size)}
    assert found.plan("drawdown").operation == "admission"


def test_only_what_was_decided_in_favour_goes_on():
    found = user_state()
    for decision in ("declined", "admitted"):
        step = found.plan("admission")
        answer = {"application_id": 7, "decision": decision, "reasons": []}
        found.apply_result(step, Outcome.ACKNOWLEDGED, 201, answer)
    (application,) = found.admitted
    for grade, assessed in (("D", 0), ("C", 1)):
        found.apply_result(steps.assessment(application), Outcome.ACKNOWLEDGED, 201, {"grade": grade})
        assert len(found.assessed) == assessed


def test_amounts_are_whole_and_small():
    found = user_state()
    for _ in range(300):
        step = found.plan("drawdown")
        assert json.loads(step.body) == {"amount_fen": step.amount_fen}
        assert 100 <= step.amount_fen <= 10_000
        assert step.amount_fen % 100 == 0
        found.apply_result(step, Outcome.ACKNOWLEDGED, 201, {"entry_id": "a"})
        if len(found.balances) % 2:
            repaid = found.plan("repayment")
            assert 1 <= repaid.amount_fen <= found.balance_fen(repaid.limit_id or 0)


def test_an_unknown_operation_is_refused():
    with pytest.raises(ValueError, match="'pray' is no write"):
        user_state().plan("pray")
