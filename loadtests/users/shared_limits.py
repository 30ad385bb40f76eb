"""What a user does on a limit that many others draw on too, and the books it keeps of its own part. Pure.

No user knows what the others do, so whether a drawdown finds room is the system's to say. What a user owes
itself it does know: it repays only what it drew, and its even part of what was owed before the run. More is
drawn than repaid, so the limits fill up, and from then on each drawdown races for the room that a repayment
has made. Some ask for more than the whole limit: there is never room for these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from loadtests.users import steps
from loadtests.users.population import Population
from loadtests.users.steps import Answer, Borrower, Step
from proof.record import Outcome

AMOUNTS_PER_LIMIT = 24
"""A movement is at most this part of its limit: small enough that many fit, and large enough to fill it."""


@dataclass(kw_only=True)
class HotBooks:
    """One user's part of one limit."""

    population: Population
    user: int
    """Number of this user, from 0."""
    users: int
    """Of all processes together."""
    hot_limits: int
    random: Random
    borrower: Borrower = field(init=False)
    cap_fen: int = field(init=False, default=0)
    owed_fen: int = field(init=False, default=0)
    """What this user may repay, whatever the others do."""

    def __post_init__(self) -> None:
        hot = self.population.hot(self.hot_limits)
        self.borrower = hot[self.user % len(hot)]
        self._sharing = len(range(self.user % len(hot), self.users, len(hot)))

    def watched(self) -> Sequence[Borrower]:
        """Return whose limit must be known before the first step; `learn` its state."""
        return (self.borrower,)

    def learn(self, borrower: Borrower, answer: Answer) -> None:
        """Take note of the limit, and of this user's even part of what is owed already."""
        self.cap_fen = answer["cap_fen"]
        self.owed_fen = answer["used_fen"] // self._sharing

    def plan(self, operation: str) -> Step:
        """Return the next request of kind `operation`; where nothing is owed, money is drawn.

        Raises:
            ValueError: no such operation.
        """
        amount_fen = self.random.randint(1, max(self.cap_fen // AMOUNTS_PER_LIMIT, 1))
        match operation:
            case "overdraw":
                amount_fen += self.cap_fen
            case "repayment" if self.owed_fen > 0:
                return steps.repayment(self.borrower, min(amount_fen, self.owed_fen))
            case "drawdown" | "repayment":
                pass
            case _:
                raise ValueError(f"operation {operation!r} is none on a limit that all draw on")
        return steps.contended_drawdown(self.borrower, amount_fen, cap_fen=self.cap_fen)

    def settle(self, step: Step, outcome: Outcome, status: int, answer: Answer | None) -> None:
        """Enter the outcome of a step into the books.

        A drawdown in doubt is not owed, and a repayment in doubt is repaid: whatever became of it, what is
        left may be repaid.

        + answer: the JSON of an acknowledgement that has the expected body, else None
        """
        if step.operation == "drawdown":
            if outcome is Outcome.ACKNOWLEDGED and answer is not None:
                self.owed_fen += step.amount_fen
        elif outcome is not Outcome.REJECTED:
            self.owed_fen -= step.amount_fen
        elif status not in steps.DEFINITE_NO:
            # Writes were lost in a failover: what these books say is not what the database holds.
            self.owed_fen = 0

    def read(self) -> Step:
        """Return a query to ride along: the limit must show as used at least what this user owes."""
        return steps.read_limit(self.borrower, status="active", used_fen_min=self.owed_fen)
