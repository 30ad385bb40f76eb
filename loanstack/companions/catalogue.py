"""How each kind of companion that a scenario declares is built: one line for each."""

from collections.abc import Callable, Mapping

from loadtests.plan import scenarios
from loadtests.plan.companion_kind import CompanionKind
from loanstack.companions import analytics, soak
from loanstack.companions.companion import AccompaniedLoad, Companion

BUILDERS: Mapping[CompanionKind, Callable[[AccompaniedLoad], Companion]] = {
    scenarios.REPORTS: analytics.build,
    scenarios.COMPONENT_SAMPLES: soak.build,
}
