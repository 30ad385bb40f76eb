"""etcd's member on a host: its majority, and missing users and rights."""

import json
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

TOOL = "/usr/local/sbin/loanstack-etcd"


@dataclass(frozen=True, kw_only=True)
class EtcdState:
    """Output of `loanstack-etcd status`."""

    healthy: bool
    """Whether a majority answers through this member."""
    others: tuple[str, ...]
    """Addresses of the other members that answer."""
    lacks: tuple[str, ...]
    """Missing users and rights; empty on members that do not keep them."""


class LocalEtcd(FactBase[EtcdState | None]):
    """Return the state of etcd as seen from this member; None if no member is installed."""

    def command(self) -> str:
        """Return the shell command."""
        return f"[ -x {TOOL} ] || exit 0; {TOOL} status"

    def process(self, output: list[str]) -> EtcdState:
        """Return the state from its line of JSON."""
        said = json.loads(output[-1])
        return EtcdState(healthy=said["healthy"], others=tuple(said["others"]), lacks=tuple(said["lacks"]))


class EtcdMembers(LocalEtcd):
    """Return the same state without users and rights: each login costs etcd a slow hash (bcrypt)."""

    def command(self) -> str:
        """Return the shell command."""
        return f"{super().command()} --members"
