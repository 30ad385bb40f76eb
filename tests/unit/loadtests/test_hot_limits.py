"""Users who share a few limits: none asks for what it may not, and only want of room is refused."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.slo import LoadSlo
from loadtests.plan.scenarios import SCENARIOS
from loadtests.results import budget, figures
from loadtests.results.judge import judge_record
from loadtests.transport import exchange
from loadtests.users import steps
from loadtests.users.population import HOT_MAX, Population
from loadtests.users.shared_limits import SharedLimitState
from loadtests.users.steps import Step
from proof.record import Outcome
from tests.unit.loadtests import records
from tests.unit.loadtests.fake_services import CAP_FEN, Services
from tests.unit.loadtests.test_exchange import DUE, KEY, Fake, reply
from tests.unit.loadtests.test_journey import population, user_state

SLO = LoadSlo()
HOT = SCENARIOS["hot-limit"]
OPERATIONS = [name for name, _ in HOT.weights]
FATES = ("answered", "answered", "answered", "unavailable", "lost-before", "lost-after")
EXCEEDED = {"type": "urn:loanstack:problem:limit-exceeded", "status": 422}


def crowd(users: int, services: Services, people: Population | None = None) -> list[SharedLimitState]:
    found = [
        SharedLimitState(
            population=people or population(),
            user=user,
            users=users,
            hot_limits=HOT.hot_limits,
            random=Random(user),
        )
        for user in range(users)
    ]
    for own in found:
        for borrower in own.watched():
            own.observe(borrower, services.query("limits", borrower.limit_id, None, borrower.entity))
    return found


def send(own: SharedLimitState, step: Step, services: Services, key: str, fate: str = "answered") -> int:
    """Send a step; return the status that the services gave it, 0 if it did not reach them."""
    if fate == "unavailable":
        own.apply_result(step, Outcome.REJECTED, 503, None)
        return 0
    if fate == "lost-before":
        own.apply_result(step, Outcome.INDETERMINATE, 0, None)
        return 0
    status, answer = services.answer(step.method, step.path, step.entity, key, step.body)
    refused = status == 422 and answer["type"].endswith(f":{step.allowed_refusal}")
    if fate == "lost-after":
        own.apply_result(step, Outcome.INDETERMINATE, 504, None)
    elif status < 400:
        own.apply_result(step, Outcome.ACKNOWLEDGED, status, answer)
    else:
        own.apply_result(step, Outcome.REFUSED if refused else Outcome.REJECTED, status, None)
    assert status < 400 or refused, f"{step} was answered with {answer}"
    assert status >= 400 or not step.expect_refusal
    return status


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 19), st.sampled_from(OPERATIONS), st.sampled_from(FATES)), max_size=400
    ),
    st.integers(0, CAP_FEN),
)
def test_only_want_of_room_is_ever_refused_whatever_was_lost_on_the_way(history, used_before_fen):
    services = Services("none")
    services.used = {borrower.limit_id: used_before_fen for borrower in population().hot(HOT.hot_limits)}
    users = crowd(20, services)
    for number, (user, operation, fate) in enumerate(history):
        send(users[user], users[user].plan(operation), services, f"{number:032x}", fate)
        read = users[user].read()
        _, answer = services.answer(read.method, read.path, read.entity, "", b"")
        assert steps.validate_response(read, answer) is None
    assert all(0 <= fen <= CAP_FEN for fen in services.used.values())


@pytest.mark.parametrize("run", [1, 2])
def test_limits_are_drawn_full_and_most_writes_are_acknowledged_all_the_same(run):
    """A second run finds them used up, and begins with what the first one left to be repaid."""
    services = Services("none")
    random = Random(run)
    names, weights = zip(*HOT.weights, strict=True)
    for _ in range(run):
        users = crowd(64, services)
        statuses = Counter(
            send(own, own.plan(random.choices(names, weights)[0]), services, f"{number:032x}")
            for number in range(4000)
            for own in [random.choice(users)]
        )
    assert set(statuses) == {201, 422}
    assert 0.7 < statuses[201] / 4000 < 0.9
    assert len(services.used) == HOT.hot_limits
    assert sum(services.used.values()) > 0.9 * HOT.hot_limits * CAP_FEN


def test_users_of_all_workers_share_what_was_owed_before_and_never_repay_more():
    services = Services("none")
    services.used = {borrower.limit_id: 1_000_003 for borrower in population().hot(HOT.hot_limits)}
    balances = Counter()
    for own in crowd(21, services):
        balances[own.borrower.limit_id] += own.balance_fen
    assert len(balances) == HOT.hot_limits
    assert all(1_000_003 - 3 <= fen <= 1_000_003 for fen in balances.values())


def test_what_all_draw_on_is_nobodys_everyday_limit():
    people = population(25_000)
    hot = {borrower.limit_id for borrower in people.hot(HOT_MAX)}
    assert len(hot) == HOT_MAX
    assert {borrower.entity for borrower in people.hot(HOT.hot_limits)} == set(people.entities)
    everyday = {people.borrower(i).limit_id for i in range(people.size) if people.is_everyday(i)}
    assert hot.isdisjoint(everyday)
    assert hot.isdisjoint(people.borrower(i).limit_id for i in range(people.size) if people.is_watched(i))
    middle = people.size // 2
    own = user_state(user=middle % 64, users=64, people=people)
    assert hot.isdisjoint(own.plan("drawdown").limit_id for _ in range(2000))


def test_an_unknown_operation_is_refused():
    (own,) = crowd(1, Services("none"))
    with pytest.raises(ValueError, match="'grant' is none"):
        own.plan("grant")


def test_a_right_refusal_keeps_the_rate_and_spends_no_budget():
    run_info = records.run_info(scenario="hot-limit")
    writes = records.all_acknowledged()
    for number in range(0, 40, 2):
        writes[number] = replace(writes[number], outcome=Outcome.REFUSED, status=422)
    found = figures.of_records(run_info, writes, (), ())
    values = found.values
    assert (values["tps_acknowledged"], values["tps_answered"], values["writes_refused"]) == (5.0, 10.0, 20)
    assert (values["errors"], values["worst_second_tps"], values["worst_second_ratio"]) == (0, 5, 1.0)
    assert budget.figures(found, SLO)["budget_not_acknowledged_spent_requests"] == 0
    assert budget.bad_seconds(found.seconds, SLO) == ()
    meter = budget.Meter(budget.budgets(SLO, writes=40, requests=40))
    for each in writes:
        meter.add(each)
    assert meter.overspent() is None
    rate = "Transactions per second, acknowledged or rightly refused"
    assert not [reason for reason in judge_record(found, SLO).reasons if reason.startswith(rate)]
    writes[1] = replace(writes[1], outcome=Outcome.UNSENT, error="no user was free in time")
    reasons = judge_record(figures.of_records(run_info, writes, (), ()), SLO).reasons
    assert f"{rate}: 9.75; promised: at least 10" in reasons


def write(answer, step):
    return exchange.write(Fake(answer), step, key=KEY, arrival=DUE, clock=lambda: 10.0)


@pytest.mark.parametrize("amount_fen", [1, 101])
def test_a_refusal_for_want_of_room_is_a_right_answer_where_all_draw_on_the_limit(amount_fen):
    borrower = population().borrower(0)
    step = steps.contended_drawdown(borrower, amount_fen, cap_fen=100)
    record, _ = write(reply(422, EXCEEDED), step)
    assert (record.outcome, record.status, record.error, record.is_error) == ("refused", 422, None, False)
    for other in ({"type": "urn:loanstack:problem:frozen"}, {"type": ""}, []):
        record, _ = write(reply(422, other), step)
        assert (record.outcome, record.is_error) == ("rejected", True)
    record, _ = write(reply(503, EXCEEDED), step)
    assert (record.outcome, record.is_error) == ("indeterminate", True)
    record, _ = write(reply(422, EXCEEDED), steps.drawdown(borrower, amount_fen))
    assert (record.outcome, record.is_error) == ("rejected", True)


def test_an_overdraw_that_is_acknowledged_is_an_error_whatever_the_answer_says():
    borrower = population().borrower(0)
    body = {"entry_id": KEY, "limit_id": borrower.limit_id, "amount_fen": 101}
    record, answer = write(reply(201, body), steps.contended_drawdown(borrower, 101, cap_fen=100))
    assert (record.outcome, record.is_error, answer) == ("acknowledged", True, None)
    assert record.error == "more than the whole limit was drawn"
