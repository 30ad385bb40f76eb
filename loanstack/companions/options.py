"""Options for the companions of a load, and the check that they fit the load."""

from dataclasses import dataclass

from inventory.model import DatabaseRole
from inventory.peer import DatabaseKind
from loanstack.companions.analytics import Analytics
from loanstack.companions.companion import Companion
from loanstack.companions.major_freeze import DURATION_S_MIN, GRACE_S, MajorFreeze
from loanstack.companions.soak import DURATION_S as SOAK_S
from loanstack.companions.soak import Soak
from loanstack.runs.task import Task

ANALYTICS = "analytics"
SOAK = "soak"
ANALYTICS_ON_HELP = "Scenario analytics: the database that answers the reports; primary by default."
MAJOR_FREEZE_HELP = (
    "Force a MAJOR FREEZE when a third of the duration (at least"
    f" {DURATION_S_MIN:g}s) is over, and watch the merge to its end, at most {GRACE_S:g}s after the load."
)


def duration_s(scenario: str, asked_s: float, *, is_default: bool) -> float:
    """Return how long a load of `scenario` is measured.

    + asked_s: duration of the command line, or its default
    + is_default: `asked_s` is the default and was not given
    """
    return SOAK_S if scenario == SOAK and is_default else asked_s


@dataclass(frozen=True, kw_only=True)
class CompanionParameters:
    """The companions that a load was asked to have."""

    major_freeze: bool = False
    analytics_on: DatabaseRole | None = None
    """Database that answers the reports; None: the option was not given."""

    def problems(self, *, scenario: str, duration_s: float, is_search: bool) -> tuple[str, ...]:
        """Return one sentence for each option that does not fit the load.

        + duration_s: how long the load is measured
        + is_search: the load is one of the probes of a capacity search
        """
        found = []
        if self.major_freeze and is_search:
            found.append("--major-freeze: not with --find-capacity, whose probes are too short for a merge")
        elif self.major_freeze and duration_s < DURATION_S_MIN:
            given, least = f"--major-freeze with --duration {duration_s:g}s", f"at least {DURATION_S_MIN:g}s"
            found.append(f"{given}; allowed: {least}, or the merge has no time to show what it does")
        if scenario == SOAK and is_search:
            found.append("--scenario soak: not with --find-capacity, whose probes are too short for a slope")
        if self.analytics_on is not None and scenario != ANALYTICS:
            found.append(f"--analytics-on with --scenario {scenario}; allowed: --scenario {ANALYTICS}")
        return tuple(found)

    def companions(
        self,
        task: Task,
        *,
        scenario: str,
        duration_s: float,
        warm_up_s: float,
        database: DatabaseKind = DatabaseKind.OCEANBASE,
    ) -> list[Companion]:
        """Return the companions of the load of `task`.

        + database: database product that the services use
        + duration_s: how long the load is measured
        + warm_up_s: how long it warms up before that
        """
        found: list[Companion] = []
        if scenario == ANALYTICS:
            found.append(Analytics(task, on=self.analytics_on or DatabaseRole.PRIMARY, database=database))
        if scenario == SOAK:
            found.append(Soak(task))
        if self.major_freeze:
            found.append(MajorFreeze(task, duration_s=duration_s, warm_up_s=warm_up_s))
        return found
