"""Prometheus metrics of one service process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCY_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """All metrics; label look-ups of the hot path are kept, because each costs as much as parsing does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._latency = Histogram(
            "loan_request_seconds",
            "Time from a request's last byte to its answer.",
            ("route", "method", "status"),
            buckets=_LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._latency_of: dict[tuple[str, str, int], Histogram] = {}
        self.replays = Counter(
            "loan_replays", "Writes answered with the stored first answer.", registry=registry
        )
        self.indeterminate = Counter(
            "loan_indeterminate", "Writes of unknown outcome at their deadline.", registry=registry
        )
        self.resolved = Counter(
            "loan_resolved", "Writes of uncertain outcome that were resolved by their key.", registry=registry
        )
        self.retries = Counter(
            "loan_write_retries", "Idempotent writes sent again, by reason.", ("reason",), registry=registry
        )
        self.groups = Histogram(
            "loan_group_moves",
            "Movements of money that were committed together.",
            buckets=(1, 2, 3, 4, 6, 8, 12, 16),
            registry=registry,
        )
        self.groups_looked_at = Counter(
            "loan_groups_looked_at",
            "Groups that locked their limits first, to send only what has room.",
            registry=registry,
        )
        self.groups_refused = Counter(
            "loan_groups_refused",
            "Groups that were not committed, by reason.",
            ("reason",),
            registry=registry,
        )
        self.durability_wait = Histogram(
            "loan_durability_wait_seconds",
            "Time from a commit to the standby having it, of acknowledged writes.",
            buckets=(0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0),
            registry=registry,
        )
        self.durability_degraded = Gauge(
            "loan_durability_degraded",
            "1 while writes are acknowledged without the standby, because it is gone.",
            registry=registry,
        )
        self.acknowledged_alone = Counter(
            "loan_acknowledged_alone",
            "Writes acknowledged without the standby, though it should have been waited for.",
            registry=registry,
        )
        self.in_flight = Gauge("loan_requests_in_flight", "Requests being answered.", registry=registry)
        self.pool_size = Gauge("loan_pool_size", "Connections the pool may hold.", registry=registry)
        self.pool_idle = Gauge("loan_pool_idle", "Idle connections.", registry=registry)
        self.pool_in_use = Gauge("loan_pool_in_use", "Connections in use.", registry=registry)
        self.pool_waiting = Gauge(
            "loan_pool_waiting", "Requests waiting for a connection.", registry=registry
        )
        self.connect_failures = Counter(
            "loan_database_connect_failures", "Connections that could not be opened.", registry=registry
        )
        self.statement_timeouts = Counter(
            "loan_statement_timeouts", "Connections cut because a statement was overdue.", registry=registry
        )
        self.primary_changes = Counter(
            "loan_primary_changes", "Times the primary changed.", registry=registry
        )
        self.agent_answers_refused = Counter(
            "loan_agent_answers_refused",
            "Answers in an agent's name that were not believed: a wrong signature, an unknown database.",
            ("agent", "reason"),
            registry=registry,
        )
        self.primary_lost = Counter("loan_primary_lost", "Times no primary was left.", registry=registry)
        self.epoch = Gauge("loan_primary_epoch", "Epoch that writes are sent under.", registry=registry)
        self.primary_known_from = Gauge(
            "loan_primary_known_from",
            "1 for who named the primary that is written to: a failover agent, or the databases' roles.",
            ("source",),
            registry=registry,
        )
        self.role_seen = Gauge(
            "loan_database_role",
            "1 for the role an endpoint last said it has.",
            ("endpoint", "role"),
            registry=registry,
        )
        self.two_primaries = Gauge(
            "loan_two_primaries", "1 while more than one endpoint says it is the primary.", registry=registry
        )

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Record one answered request."""
        key = (route, method, status)
        histogram = self._latency_of.get(key)
        if histogram is None:
            histogram = self._latency_of[key] = self._latency.labels(route, method, str(status))
        histogram.observe(seconds)

    def page(self) -> bytes:
        """Return the text that Prometheus scrapes."""
        return generate_latest(self.registry)
