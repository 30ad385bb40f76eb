"""The steps of one user with its customers, and the state it keeps so that every request is lawful. Pure.

Customers are divided among the users, so that no two users touch the same limit at the same time. A user
repays only drawdowns that were acknowledged, draws only small amounts, and freezes only limits that it never
draws from. Once it cannot know the state of a limit, it never uses that limit again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from loadtests.users import steps
from loadtests.users.population import Population
from loadtests.users.steps import Answer, Application, Borrower, Step
from proof.record import Outcome

WATCHED_MAX = 8
"""Most customers that a user watches; it queries the state of each before the first arrival."""
DRAW_STEP_FEN = 100
DRAW_STEPS_MAX = 100
"""A drawdown is 1 to 100 yuan: small compared with any limit, so that many runs find room."""
BALANCE_MAX_FEN = 20_000
"""A run draws at most 200 yuan net under one limit."""
EVERYDAY_SHARE = 0.85
"""Share of applications for the product with the smallest minimum amount, which most customers may have.
Enough must be admitted for the assessments and grants of the mix."""
GRANTED_MAX = 200
"""Number of granted limits that a user remembers."""

_T = TypeVar("_T")
_TRIES = 20
_WARNINGS = ("COLLATERAL-DOWN", "OVERDUE-ELSEWHERE", "LIVESTOCK-LOSS")
_REASONS = ("COLLATERAL-RESTORED", "DEBT-SETTLED")
_GRADES_GRANTED = ("A", "B", "C")


@dataclass(kw_only=True)
class UserState:
    """One user's customers, and its knowledge about them."""

    population: Population
    user: int
    """Number of this user, from 0."""
    users: int
    random: Random
    balances: dict[int, tuple[Borrower, int]] = field(default_factory=dict)
    """limit -> (borrower, fen drawn in this run and not repaid)"""
    unknown: set[int] = field(default_factory=set)
    """Limits whose state this user no longer knows."""
    granted: list[Borrower] = field(default_factory=list)
    admitted: list[Application] = field(default_factory=list)
    assessed: list[Application] = field(default_factory=list)
    active: list[Borrower] = field(default_factory=list)
    """Watched limits that are not frozen."""
    frozen: list[Borrower] = field(default_factory=list)
    last_drawn: tuple[Borrower, str] | None = None
    """Customer of the last drawdown, and the number of its entry."""

    def watched(self) -> list[Borrower]:
        """Return the customers under an early-warning watch; `observe` their state before the first step."""
        mine = range(self.user, self.population.size, self.users)
        found = [index for index in mine if self.population.is_watched(index)]
        return [self.population.borrower(index) for index in found[:WATCHED_MAX]]

    def observe(self, borrower: Borrower, answer: Answer) -> None:
        """Record the state of a watched limit."""
        (self.frozen if answer["status"] == "frozen" else self.active).append(borrower)

    def plan(self, operation: str) -> Step:
        """Return the next request of kind `operation`.

        If no customer is ready for it, the request is a drawdown instead. If no customer may draw, it is an
        application, which is always lawful. So the planned rate is kept in any state of the state.
        """
        step = self._plan(operation)
        if step is None:
            step = self._plan("drawdown") or self._admission()
        return step

    def _plan(self, operation: str) -> Step | None:
        match operation:
            case "drawdown":
                return self._drawdown()
            case "repayment":
                return self._repayment()
            case "admission":
                return self._admission()
            case "assessment":
                return steps.assessment(self.admitted.pop(0)) if self.admitted else None
            case "grant":
                return steps.grant(self.assessed.pop(0)) if self.assessed else None
            case "freeze":
                return steps.freeze(self._pop(self.active), self._of(_WARNINGS)) if self.active else None
            case "unfreeze":
                return steps.unfreeze(self._pop(self.frozen), self._of(_REASONS)) if self.frozen else None
            case _:
                raise ValueError(f"operation {operation!r} is no write of the journey")

    def apply_result(self, step: Step, outcome: Outcome, status: int, answer: Answer | None) -> None:
        """Apply the result of a step.

        + answer: the JSON of an acknowledgement that has the expected body, else None
        """
        if outcome is Outcome.ACKNOWLEDGED and answer is not None:
            self._acknowledged(step, answer)
        elif outcome is Outcome.REJECTED and status in steps.DEFINITE_NO:
            self._nothing_happened(step)
        elif step.limit_id is not None:
            # It may have happened, or the limit differs from these state (writes lost in a failover).
            self.unknown.add(step.limit_id)
            self.balances.pop(step.limit_id, None)
            if self.last_drawn is not None and self.last_drawn[0].limit_id == step.limit_id:
                self.last_drawn = None

    def read(self) -> Step:
        """Return a query to send with a write."""
        kind = self.random.random()
        if self.last_drawn is None or kind < 0.3:
            return steps.read_customer(self._any())
        borrower, entry_id = self.last_drawn
        if kind < 0.7:
            return steps.read_limit(
                borrower, status="active", used_fen_min=self.balance_fen(borrower.limit_id)
            )
        if kind < 0.9:
            return steps.read_entries(borrower, entry_id)
        return steps.read_products(borrower.entity)

    def balance_fen(self, limit_id: int) -> int:
        """Return what this run drew under a limit and did not repay."""
        found = self.balances.get(limit_id)
        return found[1] if found else 0

    def _drawdown(self) -> Step | None:
        amount_fen = DRAW_STEP_FEN * self.random.randint(1, DRAW_STEPS_MAX)
        for _ in range(_TRIES):
            borrower = self._of(self.granted) if self.granted and self.random.random() < 0.1 else self._any()
            limit_id = borrower.limit_id
            if limit_id not in self.unknown and self.balance_fen(limit_id) + amount_fen <= BALANCE_MAX_FEN:
                return steps.drawdown(borrower, amount_fen)
        return None

    def _repayment(self) -> Step | None:
        if not self.balances:
            return None
        # The oldest debt first: dictionaries keep their order, and a partly repaid debt moves to the end.
        borrower, balance_fen = next(iter(self.balances.values()))
        part = self.random.random() < 0.3
        amount_fen = self.random.randint(1, balance_fen) if part else balance_fen
        return steps.repayment(borrower, amount_fen)

    def _admission(self) -> Step:
        borrower = self._any()
        offered = self.population.products[borrower.entity]
        product = offered[0] if self.random.random() < EVERYDAY_SHARE else self._of(offered)
        return steps.admission(
            entity=borrower.entity,
            customer_id=borrower.customer_id,
            product_code=product.code,
            requested_fen=self.random.randint(product.min_fen, min(product.max_fen, 2 * product.min_fen)),
        )

    def _any(self) -> Borrower:
        """Return any customer of this user that is neither watched nor shared by all users."""
        share = (self.population.size - self.user + self.users - 1) // self.users
        for _ in range(_TRIES):
            index = self.user + self.users * self.random.randrange(share)
            if self.population.is_everyday(index):
                return self.population.borrower(index)
        raise ValueError(
            f"user {self.user} of {self.users} has no customer to borrow among {self.population.size}; "
            "allowed: at most half as many users as seeded customers"
        )

    def _of(self, choices: Sequence[_T]) -> _T:
        return choices[self.random.randrange(len(choices))]

    def _pop(self, choices: list[Borrower]) -> Borrower:
        return choices.pop(self.random.randrange(len(choices)))

    def _acknowledged(self, step: Step, answer: Answer) -> None:
        subject = step.subject
        if isinstance(subject, Borrower):
            self._acknowledged_of_borrower(step, subject, answer)
        elif isinstance(subject, Application):
            if step.operation == "assessment" and answer["grade"] in _GRADES_GRANTED:
                self.assessed.append(subject)
            elif (
                step.operation == "grant"
                and len(self.granted) < GRANTED_MAX
                and answer["cap_fen"] >= BALANCE_MAX_FEN
            ):
                self.granted.append(
                    Borrower(
                        entity=subject.entity,
                        customer_id=subject.customer_id,
                        limit_id=answer["limit_id"],
                    )
                )

    def _acknowledged_of_borrower(self, step: Step, borrower: Borrower, answer: Answer) -> None:
        match step.operation:
            case "drawdown":
                self.balances[borrower.limit_id] = (
                    borrower,
                    self.balance_fen(borrower.limit_id) + step.amount_fen,
                )
                self.last_drawn = (borrower, answer["entry_id"])
            case "repayment":
                left_fen = self.balance_fen(borrower.limit_id) - step.amount_fen
                self.balances.pop(borrower.limit_id, None)
                if left_fen > 0:
                    self.balances[borrower.limit_id] = (borrower, left_fen)
            case "admission" if answer["decision"] == "admitted":
                self.admitted.append(
                    Application(
                        entity=borrower.entity,
                        customer_id=borrower.customer_id,
                        application_id=answer["application_id"],
                    )
                )
            case "freeze":
                self.frozen.append(borrower)
            case "unfreeze":
                self.active.append(borrower)

    def _nothing_happened(self, step: Step) -> None:
        match step.operation, step.subject:
            case "freeze", Borrower() as borrower:
                self.active.append(borrower)
            case "unfreeze", Borrower() as borrower:
                self.frozen.append(borrower)
            case "assessment", Application() as application:
                self.admitted.append(application)
            case "grant", Application() as application:
                self.assessed.append(application)
