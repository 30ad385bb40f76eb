"""What loads and deploys of an environment are judged by."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LoadSlo:
    """What a load run is judged by."""

    tps_ratio_min: float = 1.0
    """Acknowledged transactions per second, over the rate that was asked for."""
    errors_max: int = 0
    error_ratio_max: float | None = None
    """Errors over all requests, in place of `errors_max`: 0.0001 is 99.99 %."""
    latency_p50_ms_max: float | None = None
    """Of this and the others: None: not promised."""
    latency_p95_ms_max: float | None = None
    latency_p99_ms_max: float = 250.0
    latency_p999_ms_max: float | None = 1500.0
    latency_reads_p99_ms_max: float | None = 250.0
    """Of queries, from when they were due; judged where they are the load (scenario read-mostly)."""
    worst_second_ratio_min: float | None = 0.6
    """Acknowledged over planned writes of the worst second: a stall must not be averaged away."""
    standby_lag_p99_ms_max: float = 500.0
    others_slowdown_p99_ratio_max: float | None = 2.0
    """Under one legal entity's storm (scenario multi-entity): the others' p99, over that of before."""
    cpu_ms_per_transaction_max: float | None = None
    """Processor time of all hosts for one acknowledged transaction."""
    cpu_ms_at_reference_speed_max: float | None = None
    """The same at the reference speed (`loanstack.measure.machine`): of a lab alone, whose hosts share the
    machine on which the speed is measured."""
    portal_cpu_ms_per_request_max: float | None = None
    """Processor time of TongWeb and the portal on it for one request, queries included."""
    generator_cpu_ms_per_request_max: float | None = None
    """0.35 is 35 % of a core for 1000 requests a second: a generator must have room to spare."""
    service_share_min: float | None = 0.3
    """The least that a loan host may get of its share by weight: one that is left out would go unnoticed.
    Low, because what belongs to one limit goes to one host."""
    cpu_judged_from_per_s: float = 1000.0
    """Below this rate what runs anyhow, such as health checks, outweighs the transactions."""
    capacity_tps_min: float | None = None
    """The rate at which all of this must still hold; None: not promised. Judged by `load --find-capacity`."""

    def errors_allowed(self, requests: int) -> float:
        """Return how many of so many requests may fail."""
        if self.error_ratio_max is None:
            return float(self.errors_max)
        # A ratio such as 0.0001 is a little above or below what was meant.
        return float(int(self.error_ratio_max * requests + 1e-6))

    @property
    def latency_limits_ms(self) -> dict[str, float]:
        """The latencies that are promised: figure -> the most it may be."""
        limits_ms = {
            "latency_p50_ms": self.latency_p50_ms_max,
            "latency_p95_ms": self.latency_p95_ms_max,
            "latency_p99_ms": self.latency_p99_ms_max,
            "latency_p999_ms": self.latency_p999_ms_max,
        }
        return {figure: most_ms for figure, most_ms in limits_ms.items() if most_ms is not None}


@dataclass(frozen=True, kw_only=True)
class ProvePace:
    """How hard `prove` drives an environment, in writes a second."""

    load_per_s: float = 1000.0
    """Unless it is asked for another rate."""
    drill_per_s: float = 500.0


@dataclass(frozen=True, kw_only=True)
class SoakSlo:
    """What every component is judged by over a soak: what it holds must not grow in the second half."""

    memory_mib_per_h_max: float = 32.0
    """Resident memory of a service, a gateway, a failover agent or a store's member."""
    database_memory_mib_per_h_max: float = 256.0
    """Of the least that a database holds between two dumps of its newest rows."""
    handles_per_h_max: float = 20.0
    """Open files and sockets."""
    samples_min: int = 60
    """In that half, one each 10 s: a slope over less than ten minutes is one of noise."""
    database_dump_samples: int = 72
    """A database dumps its newest rows at least once in so many samples (12 min at 300 writes a second)."""

    @property
    def database_samples_min(self) -> int:
        """The samples of a database in that half: two dumps apart, or its saw looks like a slope."""
        return max(self.samples_min, 2 * self.database_dump_samples)


@dataclass(frozen=True, kw_only=True)
class DeploySlo:
    """What a deploy is judged by."""

    first_s_max: float = 150.0
    second_s_max: float = 25.0
    second_changes_max: int = 0
    memory_mib_max: int | None = None
    """Of all hosts together, under load; None: not promised."""
