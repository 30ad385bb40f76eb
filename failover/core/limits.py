"""The limits of an agent's decisions. Values only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The limits, from the inventory (seconds there become milliseconds here)."""

    lease_ttl_ms: int = 3000
    loop_interval_ms: int = 200
    calm_interval_ms: int = 500
    """Between two observations of etcd and of other hosts while all is well (`pace`)."""
    etcd_timeout_ms: int = 400
    safety_margin_ms: int = 1000
    database_silent_ms: int = 2000
    peer_silent_ms: int = 1200
    max_failover_lag_ms: int = 5000
    failover_cooldown_ms: int = 10_000
    rejoin_interval_ms: int = 10_000
    handover_limit_ms: int = 3000
    """A handover that is not complete by then is cancelled, and the old primary leads on."""
    start_again_ms: int = 3000
    """Least time between two starts of a database."""
    statement_limit_ms: int = 5000
    """A change of roles that has not ended by then is ended with the database's process."""
    request_limit_ms: int = 5000
    """A request that no agent took by then is refused."""

    unprotected_after_ms: int | None = None
    """After no standby has followed for this long, services need not wait for one. A new primary, whose
    standby was the host that it replaced, is unprotected from the start. None: never, or services do not wait
    anyway."""
    unprotected_answer_ttl_ms: int = 3000
    """How long after their query services may act on the answer that a primary is unprotected.

    An upper limit: the services themselves use a shorter time."""

    @property
    def etcd_silent_ms(self) -> int:
        """After this time without an answer, etcd counts as silent: a calm pause and a time-out."""
        return self.calm_interval_ms + self.etcd_timeout_ms

    @property
    def may_write_ms(self) -> int:
        """Time after a renewal was sent in which the database may take writes."""
        return self.lease_ttl_ms - self.safety_margin_ms
