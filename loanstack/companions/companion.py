"""A companion of a load: it acts while the traffic runs, and returns a finding afterwards."""

from types import TracebackType
from typing import Protocol, Self

from loadtests.results.figures import LoadFigures
from proof.verdict import Finding


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
