"""A companion of a load: it acts while the traffic runs, and says afterwards what came of it."""

from types import TracebackType
from typing import Protocol, Self

from loadtests.results.figures import LoadFigures
from proof.verdict import Finding


class Companion(Protocol):
    """Something that runs beside the transactions."""

    def __enter__(self) -> Self:
        """Begin; the generator starts right afterwards, and the traffic some seconds later."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; after traffic that was broken off, at once."""
        ...

    def finding(self, found: LoadFigures) -> Finding:
        """Return what came of it: INVALID if it did not do what the run was made for."""
        ...
