"""The limits of the core's decisions, from the settings of this host. Pure."""

from failover.core.observed import Settings as Limits
from failover.settings import Settings


def limits_of(settings: Settings) -> Limits:
    """Return the limits for the core; those that no inventory sets have their defaults."""
    timing = settings.timing
    return Limits(
        lease_ttl_ms=timing.lease_ttl_ms,
        loop_interval_ms=timing.loop_interval_ms,
        calm_interval_ms=timing.calm_interval_ms,
        etcd_timeout_ms=timing.store_timeout_ms,
        safety_margin_ms=timing.safety_margin_ms,
        database_silent_ms=timing.database_silent_ms,
        peer_silent_ms=timing.peer_silent_ms,
        max_failover_lag_ms=timing.max_failover_lag_ms,
        failover_cooldown_ms=timing.failover_cooldown_ms,
        rejoin_interval_ms=timing.rejoin_interval_ms,
        unprotected_after_ms=settings.durability.unprotected_after_ms,
    )
