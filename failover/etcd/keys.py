"""The keys of one environment in etcd. Pure.

Below `/loanstack/<environment>/`, in their order: `history/<epoch>`, `leader`, `lease`, `members/<host>`,
`paused`, `request`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys of one environment."""

    environment: str
    prefix: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", f"/loanstack/{self.environment}/")

    @property
    def leader(self) -> str:
        """Who leads, or led last."""
        return f"{self.prefix}leader"

    @property
    def lease(self) -> str:
        """Key that exists as long as the leader's lease."""
        return f"{self.prefix}lease"

    @property
    def request(self) -> str:
        """Key of an operator's request."""
        return f"{self.prefix}request"

    @property
    def paused(self) -> str:
        """Key that exists during a pause of automatic actions."""
        return f"{self.prefix}paused"

    def member(self, host: str) -> str:
        """Key of an agent's report about itself."""
        return f"{self.prefix}members/{host}"

    def history(self, epoch: int) -> str:
        """Key of one epoch's history; of fixed width, so that keys sort by epoch."""
        return f"{self.prefix}history/{epoch:010d}"

    @property
    def all_but_history(self) -> tuple[str, str]:
        """First key and end of the range that every read covers; the history sorts before it."""
        return self.leader, f"{self.prefix[:-1]}0"

    @property
    def watched(self) -> tuple[tuple[str, str], ...]:
        """First key and end of the range with notifications: everything that is read, except the members."""
        members = self.member("")
        return (self.leader, members), (f"{members[:-1]}0", f"{self.prefix[:-1]}0")

    @property
    def whole_history(self) -> tuple[str, str]:
        """First key and end of the history."""
        return f"{self.prefix}history/", f"{self.prefix}history0"
