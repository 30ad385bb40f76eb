"""What the API needs of an agent: all that it tells, and all that it can be told."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from failover.api.announcement import Announcement
from failover.api.status import Status
from failover.core.observed import RequestKind


class RefusedError(RuntimeError):
    """A command is not carried out, and nothing was changed; `reasons` says why, one sentence each."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


class Facts(Protocol):
    """An agent as seen by its API. What is not async answers at once, from the agent's last look."""

    @property
    def announcement(self) -> Announcement:
        """Who is to be written to, kept up to date by the agent's loop."""

    @property
    def me(self) -> str:
        """This host's name."""

    def standby_lag_ms(self) -> int | None:
        """Return how far this host's database is behind; None: it is no standby, or its lag is not known."""

    def status(self) -> Status:
        """Return what this agent sees."""

    def metrics(self) -> bytes:
        """Return the page for Prometheus (`prometheus_client.generate_latest`)."""

    def health(self) -> tuple[str, ...]:
        """Return what is wrong with this agent; empty: nothing."""

    def successor(self) -> str | None:
        """Return whom a switchover goes to if nobody is named; None: there is none."""

    async def history(self) -> Mapping[int, Sequence[dict[str, Any]]]:
        """Return the events of each epoch that is kept, as `History.read` does.

        Raises:
            StoreError: the store did not answer.
        """

    async def objections(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> tuple[str, ...]:
        """Return everything that speaks against an operator's request; empty: it can be carried out."""

    async def submit(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> str:
        """Leave an operator's request in the store; returns its id.

        Raises:
            RefusedError: another one waits.
            StoreError: it is not known whether it is there.
        """

    async def pause(self) -> None:
        """Let nothing happen by itself.

        Raises:
            StoreError: it is not known whether that is so now.
        """

    async def resume(self) -> None:
        """Let things happen by themselves again.

        Raises:
            StoreError: it is not known whether that is so now.
        """
