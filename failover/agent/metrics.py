"""Prometheus metrics of the agent."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from failover.core.observed import Observed, Phase, Role, UnprotectedMode
from failover.core.observed import Settings as Limits
from failover.core.safety import lease_is_valid

_LOOP_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Metrics:
    """All metrics of one agent."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.loop = Histogram(
            "loanstack_failover_loop_seconds",
            "Time that one turn of the loop took.",
            buckets=_LOOP_BUCKETS_S,
            registry=registry,
        )
        self.fences = Counter(
            "loanstack_failover_fences", "Fences, by whose they were and what came of them.",
            ("whose", "result"), registry=registry,
        )  # fmt: skip
        self.etcd_errors = Counter(
            "loanstack_failover_store_errors", "Members of etcd that gave no answer.", ("endpoint",),
            registry=registry,
        )  # fmt: skip
        self._role = Gauge(
            "loanstack_failover_database_role", "1 for what the database here last said it is.", ("role",),
            registry=registry,
        )  # fmt: skip
        self._is_leader = Gauge(
            "loanstack_failover_is_leader", "1 while this host serves under a valid lease.", registry=registry
        )
        self._epoch = Gauge("loanstack_failover_epoch", "Epoch of the present leader.", registry=registry)
        self._lease_age = Gauge(
            "loanstack_failover_lease_age_seconds", "Since the own lease was last renewed; -1: none is held.",
            registry=registry,
        )  # fmt: skip
        self._etcd_age = Gauge(
            "loanstack_failover_store_age_seconds", "Since etcd last answered; -1: never.",
            registry=registry,
        )  # fmt: skip
        self._lag = Gauge(
            "loanstack_failover_standby_lag_seconds", "How far this standby is behind; -1: none, or unknown.",
            registry=registry,
        )  # fmt: skip
        self._dumps = Gauge(
            "loanstack_failover_database_dumps",
            "Dumps of one table that wait for the daily merge, at most; -1: not known.",
            registry=registry,
        )
        self._unprotected = Gauge(
            "loanstack_failover_alone",
            "1 on the leader's host while acknowledged writes may be there only: nobody else is promoted.",
            registry=registry,
        )
        self._paused = Gauge(
            "loanstack_failover_paused", "1 during maintenance: nothing happens by itself.", registry=registry
        )

    def page(self, seen: Observed, limits: Limits, lag_ms: int | None) -> bytes:
        """Return the text that Prometheus scrapes."""
        etcd, lease = seen.etcd, seen.lease
        leadership = etcd.leadership if etcd else None
        for role in Role:
            self._role.labels(role.value).set(seen.database.role is role)
        leads = (
            leadership is not None
            and leadership.host == seen.me
            and leadership.phase is Phase.SERVING
            and lease_is_valid(seen, limits)
        )
        self._is_leader.set(leads)
        self._unprotected.set(
            leads and leadership is not None and leadership.unprotected is not UnprotectedMode.NO
        )
        self._epoch.set(leadership.epoch if leadership else 0)
        self._lease_age.set(-1 if lease is None else (seen.now_ms - lease.renewed_at_ms) / 1000)
        self._etcd_age.set(-1 if etcd is None else etcd.answered_ago_ms / 1000)
        self._lag.set(-1 if lag_ms is None else lag_ms / 1000)
        self._dumps.set(-1 if seen.database.dumps is None else seen.database.dumps)
        self._paused.set(etcd is not None and etcd.paused)
        return generate_latest(self.registry)
