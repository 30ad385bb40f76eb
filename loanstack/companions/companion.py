"""A companion of a load: it acts while the traffic runs, and returns a finding afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from inventory.database_kind import DatabaseKind
from loadtests.results.figures import LoadFigures
from loanstack.runs.task import Task
from proof.verdict import Finding


@dataclass(frozen=True, kw_only=True)
class AccompaniedLoad:
    """The load that a companion is built for."""

    task: Task
    duration_s: float
    """How long it is measured."""
    warm_up_s: float
    """How long it warms up before that."""
    database: DatabaseKind
    """What the services work on."""
    settings: Mapping[str, str]
    """The options of the scenario's companions: name -> choice."""


class Companion(Protocol):
    """Background work that runs while the transactions of a load do."""

    def __enter__(self) -> Self:
        """Begin; the generator starts right afterwards, and the traffic some seconds later."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; at once if the traffic was broken off."""
        ...

    def finding(self, found: LoadFigures) -> Finding:
        """Return its finding: INVALID if it did not do the work that the run was meant to observe."""
        ...
