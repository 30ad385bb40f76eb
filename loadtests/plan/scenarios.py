"""The scenarios of a load: each is a few lines that a bank's tester can read."""

from dataclasses import dataclass

from inventory.model import Journey
from inventory.slo import DeploySlo, LoadSlo
from proof import promised
from proof.objectives import Objective

MOSTLY_READS_FROM = 1.0
"""From this many queries for each write, a scenario counts as mostly reads."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A mix of requests."""

    title: str
    weights: tuple[tuple[str, int], ...] = ()
    """(operation, weight) of the writes; none: those of the inventory's journey."""
    reads_per_write: float | None = None
    """Queries sent with each write, on average; None: as in the inventory's journey."""
    hot_limits: int = 0
    """Number of limits that all users draw on together until they are used up; 0: each has its own limits."""
    companion: str | None = None
    """What runs during the load; `loanstack load` starts it, and plain Locust cannot."""
    storm: float = 0.0
    """In the middle third of the run, one legal entity adds this many times the whole rate; 0: no storm."""

    @property
    def may_refuse(self) -> bool:
        """Say whether a definite no can be the right answer to a write."""
        return self.hot_limits > 0

    def of_clients(self, slo: LoadSlo, *, rate_per_s: float) -> tuple[Objective, ...]:
        """Return the objectives on the clients' record at `rate_per_s`."""
        return promised.of_clients(slo, rate_per_s=rate_per_s, **self._kinds())

    def objectives(self, load: LoadSlo, deploy: DeploySlo, *, rate_per_s: float) -> tuple[Objective, ...]:
        """Return all objectives of a load at `rate_per_s`."""
        return promised.of_load(load, deploy, rate_per_s=rate_per_s, **self._kinds())

    def _kinds(self) -> dict[str, bool]:
        return {
            "may_refuse": self.may_refuse,
            "has_storm": self.storm > 0,
            "mostly_reads": (self.reads_per_write or 0.0) >= MOSTLY_READS_FROM,
        }

    def mix(self, journey: Journey) -> tuple[tuple[tuple[str, int], ...], float]:
        """Return weights and reads per write; + journey: defaults from the inventory."""
        reads = journey.reads_per_write if self.reads_per_write is None else self.reads_per_write
        return self.weights or journey.weights, reads


SCENARIOS = {
    "journey": Scenario(title="the whole flow from admission to repayment, as the inventory weighs it"),
    "drawdown-storm": Scenario(
        title="month-end: nearly everybody draws, few repay",
        weights=(("drawdown", 90), ("repayment", 5), ("assessment", 2), ("grant", 2), ("admission", 1)),
    ),
    "read-mostly": Scenario(
        title="twenty queries for each write; --rate counts the writes",
        weights=(("drawdown", 50), ("repayment", 50)),
        reads_per_write=20.0,
    ),
    "hot-limit": Scenario(
        title="all users draw on eight limits until these are used up; then drawdowns must be refused",
        weights=(("drawdown", 50), ("repayment", 40), ("overdraw", 10)),
        hot_limits=8,
    ),
    "multi-entity": Scenario(
        title="in the middle third one legal entity adds --rate once more; the others must stay as fast",
        storm=1.0,
    ),
    "analytics": Scenario(title="the journey, and heavy reports beside it", companion="the reports"),
    "soak": Scenario(
        title="the journey, an hour by default; memory and open handles must stay flat",
        companion="the samples of memory and handles",
    ),
}
