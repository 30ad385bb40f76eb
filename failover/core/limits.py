"""The limits an agent decides by. Values only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The limits, from the inventory (seconds there become milliseconds here)."""

    lease_ttl_ms: int = 3000
    loop_interval_ms: int = 200
    calm_interval_ms: int = 500
    """Between two looks at the store and at other hosts while nothing calls for more (`pace`)."""
    store_timeout_ms: int = 400
    safety_margin_ms: int = 1000
    database_silent_ms: int = 2000
    peer_silent_ms: int = 1200
    lag_limit_ms: int = 5000
    anti_flap_ms: int = 10_000
    rejoin_interval_ms: int = 10_000
    handover_limit_ms: int = 3000
    """A handover that is not through by then is called off, and the old primary leads on."""
    start_again_ms: int = 3000
    """Two starts of a database are at least this far apart."""
    statement_limit_ms: int = 5000
    """A change of roles that has not ended by then is ended with the database's process."""
    request_limit_ms: int = 5000
    """A request that nobody took up by then is refused."""

    alone_after_ms: int | None = None
    """Once no standby has followed for so long, services need not wait for one; a new primary, whose standby
    was the one that it replaced, is alone from the start. None: never, or services do not wait anyway."""
    alone_word_ms: int = 3000
    """For so long after they asked, services may act on the word that a primary is alone; they take less."""

    @property
    def store_silent_ms(self) -> int:
        """A store that has not answered for longer than this does not: a calm pause and its time-out."""
        return self.calm_interval_ms + self.store_timeout_ms

    @property
    def may_write_ms(self) -> int:
        """For how long after a renewal was sent the database may take writes."""
        return self.lease_ttl_ms - self.safety_margin_ms
