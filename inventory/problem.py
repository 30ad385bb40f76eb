"""One problem of an inventory, in the form that all checks report."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem of an inventory."""

    where: str
    """Host name; the environment's name if the problem is not that of a single host."""
    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field} = {self.value!r}; allowed: {self.allowed}"
