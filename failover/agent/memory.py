"""The agent's memory of its own actions, until it ends. Changed only by the one event loop."""

from dataclasses import dataclass, field
from pathlib import Path

from failover.core.observed import FenceReport, FenceState, Lease, TaskKind
from failover.host.local_state import LocalState


@dataclass(frozen=True, kw_only=True)
class HeldLease:
    """The agent's own lease. Forgetting the value drops the lease for good; every renewal is a new value."""

    epoch: int
    id: str
    """etcd's id of the lease."""
    renewed_at_ms: int
    """When the last successful renewal was sent."""

    def observed(self) -> Lease:
        """Return the part that the core needs."""
        return Lease(epoch=self.epoch, renewed_at_ms=self.renewed_at_ms)


@dataclass(frozen=True, kw_only=True)
class RunningTask:
    """The task in progress."""

    kind: TaskKind
    since_ms: int


@dataclass
class Memory:
    """The whole memory."""

    lease: HeldLease | None = None
    fenced_epoch: int = 0
    lock_acquired_at_ms: int | None = None
    reports: dict[str, FenceState] = field(default_factory=dict)
    """Reports of fence devices since this agent acquired the leader lock."""
    running_task: RunningTask | None = None
    fencing: bool = False
    """SIGKILL was sent, and the database is not known to be down yet."""
    started_at_ms: int | None = None
    """When this agent last started the database."""
    local_state: LocalState = field(default_factory=LocalState)
    """The local state, as last read."""
    cannot_follow: bool = False

    def fence_reports(self) -> tuple[FenceReport, ...]:
        """Return the reports as the core needs them."""
        return tuple(FenceReport(host=host, state=state) for host, state in self.reports.items())


class RejoinedFile:
    """When the data were last emptied for a new copy, on the steady clock: known until the next boot."""

    def __init__(self, path: Path) -> None:
        """Keep it in `path`, below /run."""
        self._path = path
        self.at_ms = self._read()
        """Time of the last emptying; None: not since this host booted."""

    def write(self, at_ms: int) -> None:
        """Keep the time."""
        self.at_ms = at_ms
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(f"{at_ms}\n")

    def _read(self) -> int | None:
        try:
            text = self._path.read_text().strip()
        except OSError:
            return None
        return int(text) if text.isdigit() else None
