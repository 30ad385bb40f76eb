"""The store's member on a host: its majority, and missing users and rights."""

import json
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

TOOL = "/usr/local/sbin/loanstack-store"


@dataclass(frozen=True, kw_only=True)
class StoreState:
    """Output of `loanstack-store status`."""

    healthy: bool
    """Whether a majority answers through this member."""
    others: tuple[str, ...]
    """Addresses of the other members that answer."""
    lacks: tuple[str, ...]
    """Missing users and rights; empty on members that do not keep them."""


class LocalStore(FactBase[StoreState | None]):
    """Return the state of the store as seen from this member; None if no member is installed."""

    def command(self) -> str:
        """Return the shell command."""
        return f"[ -x {TOOL} ] || exit 0; {TOOL} status"

    def process(self, output: list[str]) -> StoreState:
        """Return the state from its line of JSON."""
        said = json.loads(output[-1])
        return StoreState(healthy=said["healthy"], others=tuple(said["others"]), lacks=tuple(said["lacks"]))
