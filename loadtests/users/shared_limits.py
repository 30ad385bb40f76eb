"""The steps of a user on a limit that many users draw on, and the state of its own part. Pure.

No user knows the drawdowns of the others, so only the system can tell whether a drawdown has room. A user
knows its own debt: it repays only what it drew, and its even part of the debt from before the run. More is
drawn than repaid, so the limits fill up. From then on, drawdowns compete for the room that repayments make.
Some drawdowns ask for more than the whole limit; these never have room.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from loadtests.users import steps
from loadtests.users.population import Population
from loadtests.users.steps import Answer, Borrower, Step
from proof.record import Outcome

AMOUNTS_PER_LIMIT = 24
"""A movement is at most this part of its limit: small enough that many fit, large enough to fill it."""


@dataclass(kw_only=True)
class SharedLimitState:
    """One user's state about one limit."""

    population: Population
    user: int
    """Number of this user, from 0."""
    users: int
    """Users of all processes together."""
    hot_limits: int
    random: Random
    borrower: Borrower = field(init=False)
    cap_fen: int = field(init=False, default=0)
    balance_fen: int = field(init=False, default=0)
    """Amount that this user may repay, independent of the other users."""

    def __post_init__(self) -> None:
        hot = self.population.hot(self.hot_limits)
        self.borrower = hot[self.user % len(hot)]
        self._sharing = len(range(self.user % len(hot), self.users, len(hot)))

    def watched(self) -> Sequence[Borrower]:
        """Return the customer whose limit must be known before the first step; `observe` its state."""
        return (self.borrower,)

    def observe(self, borrower: Borrower, answer: Answer) -> None:
        """Record the limit, and this user's even part of the existing debt."""
        self.cap_fen = answer["cap_fen"]
        self.balance_fen = answer["used_fen"] // self._sharing

    def plan(self, operation: str) -> Step:
        """Return the next request of kind `operation`; a drawdown if there is no debt to repay.

        Raises:
            ValueError: there is no such operation on a shared limit.
        """
        amount_fen = self.random.randint(1, max(self.cap_fen // AMOUNTS_PER_LIMIT, 1))
        match operation:
            case "overdraw":
                amount_fen += self.cap_fen
            case "repayment" if self.balance_fen > 0:
                return steps.repayment(self.borrower, min(amount_fen, self.balance_fen))
            case "drawdown" | "repayment":
                pass
            case _:
                raise ValueError(f"operation {operation!r} is none on a limit that all draw on")
        return steps.contended_drawdown(self.borrower, amount_fen, cap_fen=self.cap_fen)

    def apply_result(self, step: Step, outcome: Outcome, status: int, answer: Answer | None) -> None:
        """Apply the result of a step.

        A drawdown in doubt is not counted as debt, and a repayment in doubt is counted as made. So the
        remaining debt may be repaid, whatever the real outcome was.

        + answer: the JSON of an acknowledgement that has the expected body, else None
        """
        if step.operation == "drawdown":
            if outcome is Outcome.ACKNOWLEDGED and answer is not None:
                self.balance_fen += step.amount_fen
        elif outcome is not Outcome.REJECTED:
            self.balance_fen -= step.amount_fen
        elif status not in steps.DEFINITE_NO:
            # Writes were lost in a failover: these state differ from the database.
            self.balance_fen = 0

    def read(self) -> Step:
        """Return a query to send with a write: the used part must be at least this user's debt."""
        return steps.read_limit(self.borrower, status="active", used_fen_min=self.balance_fen)
