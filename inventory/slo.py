"""Objectives of the loads and deploys of an environment."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LoadSlo:
    """Objectives of a load run."""

    tps_ratio_min: float = 1.0
    """Acknowledged transactions per second, over the planned rate."""
    errors_max: int = 0
    error_ratio_max: float | None = None
    """Errors over all requests, in place of `errors_max`: 0.0001 means 99.99 %."""
    latency_p50_ms_max: float | None = None
    """None, here and below: there is no such objective."""
    latency_p95_ms_max: float | None = None
    latency_p99_ms_max: float = 250.0
    latency_p999_ms_max: float | None = 1500.0
    latency_reads_p99_ms_max: float | None = 250.0
    """Latency of queries from their planned time; judged if queries are the load (scenario read-mostly)."""
    worst_second_ratio_min: float | None = 0.6
    """Acknowledged over planned writes of the worst second, because an average would hide a stall."""
    standby_lag_p99_ms_max: float = 500.0
    others_slowdown_p99_ratio_max: float | None = 2.0
    """The other entities' p99 during one entity's storm, over their p99 before it (scenario multi-entity)."""
    cpu_ms_per_transaction_max: float | None = None
    """Processor time of all hosts for one acknowledged transaction."""
    cpu_ms_at_reference_speed_max: float | None = None
    """The same at the reference speed (`loanstack.measure.machine`); only for a lab, whose hosts share the
    machine on which the speed is measured."""
    portal_cpu_ms_per_request_max: float | None = None
    """Processor time of TongWeb with the portal for one request, queries included."""
    generator_cpu_ms_per_request_max: float | None = None
    """0.35 means 35 % of a core for 1000 requests a second: a generator must have spare capacity."""
    service_share_min: float | None = 0.3
    """Lowest ratio of a loan host's share to its weight, because a host without requests would go unnoticed.
    Low, because all requests of one limit go to one host."""
    cpu_judged_from_per_s: float = 1000.0
    """Below this rate, constant work such as health checks outweighs the transactions."""
    capacity_tps_min: float | None = None
    """Rate at which all objectives must still hold; None: no objective. Judged by `load --find-capacity`."""

    def errors_allowed(self, requests: int) -> float:
        """Return how many of `requests` may fail."""
        if self.error_ratio_max is None:
            return float(self.errors_max)
        # A ratio such as 0.0001 may be slightly above or below the exact value.
        return float(int(self.error_ratio_max * requests + 1e-6))

    @property
    def latency_limits_ms(self) -> dict[str, float]:
        """Limits of the promised latencies: figure -> limit."""
        limits_ms = {
            "latency_p50_ms": self.latency_p50_ms_max,
            "latency_p95_ms": self.latency_p95_ms_max,
            "latency_p99_ms": self.latency_p99_ms_max,
            "latency_p999_ms": self.latency_p999_ms_max,
        }
        return {figure: most_ms for figure, most_ms in limits_ms.items() if most_ms is not None}


@dataclass(frozen=True, kw_only=True)
class ProvePace:
    """Rates at which `prove` drives an environment, in writes a second."""

    load_per_s: float = 1000.0
    """Default rate of its load."""
    drill_per_s: float = 500.0


@dataclass(frozen=True, kw_only=True)
class SoakSlo:
    """Objectives of every component over a soak: memory and handles must not grow in the second half."""

    memory_mib_per_h_max: float = 32.0
    """Resident memory of a service, a gateway, a failover agent or an etcd member."""
    database_memory_mib_per_h_max: float = 256.0
    """Growth of a database's minimum memory between two dumps of its newest rows."""
    handles_per_h_max: float = 20.0
    """Open files and sockets."""
    samples_min: int = 60
    """Samples in that half, one every 10 s: a slope over less than ten minutes is only noise."""
    database_dump_samples: int = 72
    """A database dumps its newest rows at least once in this many samples (12 min at 300 writes a second)."""

    @property
    def database_samples_min(self) -> int:
        """Samples of a database in that half: they span two dumps, or its sawtooth looks like a slope."""
        return max(self.samples_min, 2 * self.database_dump_samples)


@dataclass(frozen=True, kw_only=True)
class DeploySlo:
    """Objectives of a deploy."""

    first_s_max: float = 150.0
    second_s_max: float = 25.0
    second_changes_max: int = 0
    memory_mib_max: int | None = None
    """Memory of all hosts together, under load; None: no objective."""
