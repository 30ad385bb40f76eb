"""Objectives of drills: each drill has its own, and a drill without objectives is not run."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class DrillLimit:
    """Objectives of one drill."""

    rto_ms_max: float
    """Longest time in which no client got an acknowledgement, in any repeat."""
    rto_ms_p95: float | None = None
    """p95 over several repeats; None: only the longest counts."""
    rto_sustained_ms_max: float
    """Time until the rate is back for good, even if only some clients were without service. Counted from the
    fault, or from its end if only that brings all clients back."""
    errors_max: int | None = None
    """Most failed requests, in place of `error_ratio_max`, for faults that must cost none."""
    error_ratio_max: float = 0.02
    """Failed requests over all requests."""
    lost_window_ms_p99: float | None = 300.0
    """`durability: local`: how long before the fence acknowledged writes may be missing. None: no limit,
    because the primary of a cut-off centre acknowledges writes that no standby gets, until it fences
    itself."""

    @property
    def silence_ms_max(self) -> float:
        """The longest time without an acknowledgement on any single route or legal entity.

        A quarter more than for all requests, because with fewer requests the pauses are longer by chance.
        """
        return 1.25 * self.rto_ms_max


@dataclass(frozen=True, kw_only=True)
class StopConditions:
    """Conditions that end any drill early: it is healed at once, and its verdict is FAIL."""

    outage_s_max: float = 30.0
    """Longest time without any acknowledgement: twice the limit of the slowest drill."""
    failed_ratio_max: float = 0.95
    """Failed requests over all requests within `failed_over_s`; queries and wrong answers count too."""
    failed_over_s: float = 30.0
    alerts: tuple[str, ...] = ()
    """Names of Prometheus alerts that end a drill as soon as one fires; none: Prometheus is not asked."""


class NoObjectivesError(ValueError):
    """An environment has no objectives for a drill; the message says what to add."""


_CRASH = DrillLimit(rto_ms_max=5000.0, rto_ms_p95=3000.0, rto_sustained_ms_max=8000.0)
_STALL = DrillLimit(rto_ms_max=6000.0, rto_sustained_ms_max=10_000.0)
_CUT = DrillLimit(
    rto_ms_max=6000.0, rto_sustained_ms_max=10_000.0, error_ratio_max=0.25, lost_window_ms_p99=None
)
_SWITCHOVER = DrillLimit(rto_ms_max=1500.0, rto_sustained_ms_max=4000.0, errors_max=0, lost_window_ms_p99=0.0)
_SAME_PRIMARY = DrillLimit(rto_ms_max=2000.0, rto_sustained_ms_max=4000.0, error_ratio_max=0.05)


@dataclass(frozen=True, kw_only=True)
class DrillSlo:
    """Objectives and stop conditions of an environment's drills."""

    doubled_max: int = 0
    stop: StopConditions = StopConditions()
    limits: tuple[tuple[str, DrillLimit], ...] = (
        ("primary-crash", _CRASH),
        ("primary-host-poweroff", _CRASH),
        # The database ends with its agent, and needs 3 to 4 s to start again (measured: 4.0, 4.1 and 5.9 s
        # without service); requests that wait longer than the services allow fail.
        (
            "agent-killed",
            DrillLimit(rto_ms_max=8000.0, rto_sustained_ms_max=12_000.0, error_ratio_max=0.35),
        ),
        ("primary-paused", _STALL),
        ("primary-host-frozen", _STALL),
        ("centre-a-cut-off", _CUT),
        ("primary-cut-from-etcd", _STALL),
        ("asymmetric-cut", replace(_CUT, rto_ms_max=15_000.0, rto_sustained_ms_max=15_000.0)),
        ("standby-lost", _SAME_PRIMARY),
        ("etcd-member-lost", _SAME_PRIMARY),
        (
            "etcd-majority-lost",
            DrillLimit(rto_ms_max=15_000.0, rto_sustained_ms_max=15_000.0, error_ratio_max=0.4),
        ),
        ("primary-disk-full", DrillLimit(rto_ms_max=15_000.0, rto_sustained_ms_max=15_000.0)),
        ("tongweb-killed", DrillLimit(rto_ms_max=1000.0, rto_sustained_ms_max=4000.0, errors_max=0)),
        # All users wait for the hung host until the gateway gives it up.
        ("tongweb-hung", DrillLimit(rto_ms_max=4000.0, rto_sustained_ms_max=6000.0, error_ratio_max=0.05)),
        ("portal-heap-exhausted", _SAME_PRIMARY),
        ("service-killed", _SAME_PRIMARY),
        ("gateway-lost", _SAME_PRIMARY),
        ("switchover-under-load", _SWITCHOVER),
        ("switchover-under-ddl", _SWITCHOVER),
    )

    def of(self, drill: str) -> DrillLimit:
        """Return the objectives of the drill `drill`.

        Raises:
            NoObjectivesError: the drill has no entry.
        """
        found = dict(self.limits).get(drill)
        if found is None:
            raise NoObjectivesError(
                f"the drill {drill!r} has no objectives: give it an entry in the environment's"
                f" drill_slo.limits; those that have one: {', '.join(name for name, _ in self.limits)}"
            )
        return found
