"""What drills are judged by: for all of them, and where one promises more than the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DrillLimit:
    """What one drill promises."""

    rto_ms_max: float
    """Longest recovery that a client may see, in any repeat."""
    rto_ms_p95: float | None = None
    """Over several repeats; None: only the longest counts."""
    errors_max: int | None = None
    """Failed requests; None: an outage has some."""
    lost_window_ms_p99: float | None = 300.0
    """`durability: local`: how far back from the fence acknowledged writes may be missing. None: while a
    centre is cut off, its primary acknowledges what nobody else gets, until it fences itself."""


_SWITCHOVER = DrillLimit(rto_ms_max=1500.0, errors_max=0, lost_window_ms_p99=0.0)


@dataclass(frozen=True, kw_only=True)
class DrillSlo:
    """What a drill is judged by."""

    rto_ms_max: float = 15_000.0
    """For drills not among `limits`. Where nobody may lead until the heal, it counts from the heal."""
    doubled_max: int = 0
    limits: tuple[tuple[str, DrillLimit], ...] = (
        ("primary-crash", DrillLimit(rto_ms_max=5000.0, rto_ms_p95=3000.0)),
        ("primary-host-poweroff", DrillLimit(rto_ms_max=5000.0, rto_ms_p95=3000.0)),
        ("primary-paused", DrillLimit(rto_ms_max=6000.0)),
        ("primary-host-frozen", DrillLimit(rto_ms_max=6000.0)),
        ("centre-a-cut-off", DrillLimit(rto_ms_max=6000.0, lost_window_ms_p99=None)),
        ("primary-cut-from-store", DrillLimit(rto_ms_max=6000.0)),
        ("asymmetric-cut", DrillLimit(rto_ms_max=15_000.0, lost_window_ms_p99=None)),
        ("tongweb-killed", DrillLimit(rto_ms_max=1000.0, errors_max=0)),
        ("gateway-lost", DrillLimit(rto_ms_max=2000.0)),
        ("switchover-under-load", _SWITCHOVER),
        ("switchover-under-ddl", _SWITCHOVER),
    )

    def of(self, drill: str) -> DrillLimit:
        """Return what the drill of that name promises."""
        return dict(self.limits).get(drill, DrillLimit(rto_ms_max=self.rto_ms_max))
