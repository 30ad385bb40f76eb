"""The interface between API and agent: the agent's answers, and the commands that it takes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from failover.api.announcement import Announcement
from failover.api.status import Status
from failover.core.observed import RequestKind


class RefusedError(RuntimeError):
    """A command is refused, and nothing was changed; `reasons` has one sentence for each reason."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


class Backend(Protocol):
    """An agent as its API uses it. Methods that are not async answer at once, from the last observation."""

    @property
    def announcement(self) -> Announcement:
        """The announcement of the database to write to; the agent's loop keeps it up to date."""

    @property
    def me(self) -> str:
        """This host's name."""

    def standby_lag_ms(self) -> int | None:
        """Return the lag of this host's database; None: it is not a standby, or its lag is not known."""

    def status(self) -> Status:
        """Return what this agent sees."""

    def metrics(self) -> bytes:
        """Return the page for Prometheus (`prometheus_client.generate_latest`)."""

    def health(self) -> tuple[str, ...]:
        """Return this agent's problems; empty if there are none."""

    def successor(self) -> str | None:
        """Return the default target of a switchover; None: there is no suitable standby."""

    async def history(self) -> Mapping[int, Sequence[dict[str, Any]]]:
        """Return the events of each kept epoch, as `History.read` does.

        Raises:
            EtcdError: etcd did not answer.
        """

    async def objections(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> tuple[str, ...]:
        """Return every objection to an operator's request; empty: it can be carried out."""

    async def submit(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> str:
        """Leave an operator's request in etcd; returns its id.

        Raises:
            RefusedError: another one waits.
            EtcdError: it is not known whether it is there.
        """

    async def pause(self) -> None:
        """Stop automatic actions.

        Raises:
            EtcdError: it is not known whether that is so now.
        """

    async def resume(self) -> None:
        """Allow automatic actions again.

        Raises:
            EtcdError: it is not known whether that is so now.
        """
