"""Options for the companions of a load, and the check that they fit the load."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inventory.database_kind import DatabaseKind
from loadtests.plan.companion_kind import CompanionOption
from loadtests.plan.scenarios import SCENARIOS
from loanstack.companions import major_freeze
from loanstack.companions.catalogue import BUILDERS
from loanstack.companions.companion import AccompaniedLoad, Companion
from loanstack.companions.major_freeze import DURATION_S_MIN
from loanstack.runs.task import Task


def declared_options() -> dict[CompanionOption, tuple[str, ...]]:
    """Return every option that a companion brings, with the names of the scenarios that have it."""
    found: dict[CompanionOption, tuple[str, ...]] = {}
    for name, scenario in SCENARIOS.items():
        for option in scenario.options:
            found[option] = (*found.get(option, ()), name)
    return found


@dataclass(frozen=True, kw_only=True)
class CompanionParameters:
    """The companions that a load was asked to have."""

    major_freeze: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    """Options of companions that the command line sets: name -> choice."""

    def problems(self, *, scenario: str, duration_s: float, is_search: bool) -> tuple[str, ...]:
        """Return one sentence for each option that does not fit the load.

        + scenario: the name of the load's scenario
        + duration_s: how long it is measured
        + is_search: it is one of the probes of a search for the capacity
        """
        found = []
        if self.major_freeze and is_search:
            found.append("--major-freeze: not with --find-capacity, whose probes are too short for a merge")
        elif self.major_freeze and duration_s < DURATION_S_MIN:
            given, least = f"--major-freeze with --duration {duration_s:g}s", f"at least {DURATION_S_MIN:g}s"
            found.append(f"{given}; allowed: {least}, or the merge has no time to show what it does")
        found += [
            f"--scenario {scenario}: not with --find-capacity, whose probes are too short for"
            f" {kind.needs_long_load_for}"
            for kind in SCENARIOS[scenario].companions
            if is_search and kind.needs_long_load_for
        ]
        found += [
            f"{option.flag} with --scenario {scenario}; allowed: --scenario {' or '.join(names)}"
            for option, names in declared_options().items()
            if option.name in self.given and scenario not in names
        ]
        return tuple(found)

    def settings(self, scenario: str) -> dict[str, str]:
        """Return the options that `scenario` has, with their defaults where nothing was given."""
        return {
            option.name: self.given.get(option.name, option.default) for option in SCENARIOS[scenario].options
        }

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

        + scenario: the name of the load's scenario
        + duration_s: how long the load is measured
        + warm_up_s: how long it warms up before that
        + database: what the services work on
        """
        load = AccompaniedLoad(
            task=task,
            duration_s=duration_s,
            warm_up_s=warm_up_s,
            database=database,
            settings=self.settings(scenario),
        )
        found = [BUILDERS[kind](load) for kind in SCENARIOS[scenario].companions]
        return [*found, *([major_freeze.build(load)] if self.major_freeze else [])]
