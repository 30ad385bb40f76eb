"""What the users of a load do: each scenario a few lines that a bank's tester can read."""

from dataclasses import dataclass

from inventory.model import DatabaseRole, Journey
from inventory.slo import DeploySlo, LoadSlo
from loadtests.plan.companion_kind import CompanionKind, CompanionOption
from proof import promised
from proof.objectives import Objective
from proof.promised import Traffic

MOSTLY_READS_FROM = 1.0
"""With so many queries for each write, they are what is loaded."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A mix of requests."""

    title: str
    weights: tuple[tuple[str, int], ...] = ()
    """(operation, weight) of the writes; none: those of the inventory's journey."""
    reads_per_write: float | None = None
    """Queries that ride along with each write, on average; None: as in the inventory's journey."""
    hot_limits: int = 0
    """All users draw on so few limits together until these are used up; 0: each has limits of its own."""
    companions: tuple[CompanionKind, ...] = ()
    """What runs beside the traffic; `loanstack load` starts it, plain Locust cannot."""
    storm: float = 0.0
    """In the middle third of the run, one legal entity adds so many times the whole rate; 0: none does."""

    @property
    def may_refuse(self) -> bool:
        """Say whether a definite no can be the right answer to a write."""
        return self.hot_limits > 0

    @property
    def traffic(self) -> Traffic:
        """What of the mix decides which objectives the load has."""
        return Traffic(
            may_refuse=self.may_refuse,
            has_storm=self.storm > 0,
            mostly_reads=(self.reads_per_write or 0.0) >= MOSTLY_READS_FROM,
        )

    def of_clients(self, slo: LoadSlo, *, rate_per_s: float) -> tuple[Objective, ...]:
        """Return what clients are promised at `rate_per_s`."""
        return promised.of_clients(slo, rate_per_s=rate_per_s, traffic=self.traffic)

    def objectives(self, load: LoadSlo, deploy: DeploySlo, *, rate_per_s: float) -> tuple[Objective, ...]:
        """Return all that a load at `rate_per_s` promises."""
        return promised.of_load(load, deploy, rate_per_s=rate_per_s, traffic=self.traffic)

    def default_duration_s(self, of_any_load_s: float) -> float:
        """Return how long a load is measured when nobody says.

        + of_any_load_s: where no companion asks for more
        """
        return max((of_any_load_s, *(kind.duration_s for kind in self.companions)))

    @property
    def options(self) -> tuple[CompanionOption, ...]:
        """The options of its companions."""
        return tuple(option for kind in self.companions for option in kind.options)

    def mix(self, journey: Journey) -> tuple[tuple[tuple[str, int], ...], float]:
        """Return weights and reads per write, where the inventory says `journey`."""
        reads = journey.reads_per_write if self.reads_per_write is None else self.reads_per_write
        return self.weights or journey.weights, reads


REPORTS = CompanionKind(
    title="the reports",
    options=(
        CompanionOption(
            name="analytics_on",
            choices=tuple(role.lower() for role in DatabaseRole),
            default=DatabaseRole.PRIMARY.lower(),
            meaning="the database that answers the reports",
        ),
    ),
)
COMPONENT_SAMPLES = CompanionKind(
    title="the samples of memory and handles",
    duration_s=3600.0,
    duration_note="a soak: 1h by default, judged from 48m on",
    needs_long_load_for="a slope",
)

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
        title="all draw on eight limits until these are used up, and what finds no room must be refused",
        weights=(("drawdown", 50), ("repayment", 40), ("overdraw", 10)),
        hot_limits=8,
    ),
    "multi-entity": Scenario(
        title="in the middle third one legal entity adds --rate once more, and the others must not feel it",
        storm=1.0,
    ),
    "analytics": Scenario(title="the journey, and heavy reports beside it", companions=(REPORTS,)),
    "soak": Scenario(
        title="the journey, an hour by default; memory and open handles must stay flat",
        companions=(COMPONENT_SAMPLES,),
    ),
}
