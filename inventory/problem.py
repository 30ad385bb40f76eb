"""One thing that is wrong with an inventory, as all checks report it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with an inventory."""

    where: str
    """Host name, or the environment's name where no single host is at fault."""
    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field} = {self.value!r}; allowed: {self.allowed}"
