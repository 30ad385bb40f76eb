"""What the agent knows of its own doings, until it ends. Changed by the one loop that everything runs in."""

from dataclasses import dataclass, field
from pathlib import Path

from failover.core.observed import FenceReport, FenceState, Lease, TaskKind
from failover.host.note import Recorded


@dataclass(frozen=True, kw_only=True)
class HeldLease:
    """The own lease. Dropped for good by forgetting it; every renewal is a new value."""

    epoch: int
    id: str
    """As the store calls it."""
    renewed_at_ms: int
    """When the last successful renewal was sent."""

    def observed(self) -> Lease:
        """Return what the core needs of it."""
        return Lease(epoch=self.epoch, renewed_at_ms=self.renewed_at_ms)


@dataclass(frozen=True, kw_only=True)
class Working:
    """What the agent is in the middle of."""

    kind: TaskKind
    since_ms: int


@dataclass
class Memory:
    """All of it."""

    lease: HeldLease | None = None
    fenced_epoch: int = 0
    claimed_at_ms: int | None = None
    reports: dict[str, FenceState] = field(default_factory=dict)
    """What came of fence devices since the present claim."""
    working: Working | None = None
    fencing: bool = False
    """SIGKILL was sent, and the database is not known to be down yet."""
    started_at_ms: int | None = None
    """When this agent last started the database."""
    recorded: Recorded = field(default_factory=Recorded)
    """Note and role file as they were last read."""
    cannot_follow: bool = False

    def fence_reports(self) -> tuple[FenceReport, ...]:
        """Return the reports as the core needs them."""
        return tuple(FenceReport(host=host, state=state) for host, state in self.reports.items())


class RejoinedFile:
    """When the data were last emptied, to be copied anew. By the steady clock: known until the next boot."""

    def __init__(self, path: Path) -> None:
        """Keep it in `path`, below /run."""
        self._path = path
        self.at_ms = self._read()
        """None: not since this host booted."""

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
