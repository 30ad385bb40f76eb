"""Limits of single values: what services and agents refuse at their start is refused in the inventory.

`tests/plan/test_settings_accepted.py` compares the table with the services' own readers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from inventory.model import Environment
from inventory.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Least and largest value of one field."""

    field: str
    """Path in `Environment`."""
    low: int
    high: int
    is_whole: bool = True
    """Whether it must be a whole number; seconds need not."""
    may_be_none: bool = False

    def allows(self, value: object) -> bool:
        """Return whether the field may have `value`."""
        if value is None:
            return self.may_be_none
        if isinstance(value, bool) or not isinstance(value, int if self.is_whole else int | float):
            return False
        return self.low <= value <= self.high

    @property
    def allowed(self) -> str:
        """Return the allowed values for readers."""
        number = "a whole number" if self.is_whole else "a number"
        none = "None, or " if self.may_be_none else ""
        return f"{none}{number} from {self.low} to {self.high}"


LIMITS = (
    Limit(field="loan.pool_size", low=1, high=256),
    Limit(field="loan.connect_timeout_ms", low=50, high=500),
    Limit(field="loan.statement_timeout_ms", low=100, high=60_000),
    Limit(field="loan.shutdown_grace_s", low=1, high=300),
    Limit(field="failover.lease_ttl_s", low=1, high=600, is_whole=False),
    Limit(field="failover.loop_interval_ms", low=20, high=10_000),
    Limit(field="failover.calm_interval_ms", low=20, high=10_000),
    Limit(field="failover.etcd_timeout_ms", low=20, high=60_000),
    Limit(field="failover.safety_margin_ms", low=100, high=60_000),
    Limit(field="failover.database_silent_ms", low=100, high=600_000),
    Limit(field="failover.peer_silent_ms", low=100, high=600_000),
    Limit(field="failover.max_failover_lag_ms", low=1, high=86_400_000),
    Limit(field="failover.failover_cooldown_s", low=0, high=86_400, is_whole=False),
    Limit(field="failover.rejoin_interval_s", low=0, high=86_400, is_whole=False),
    Limit(field="failover.durability_timeout_ms", low=100, high=60_000),
    Limit(field="failover.degrade_after_s", low=1, high=86_400, is_whole=False, may_be_none=True),
)

_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,63}")


def limit_problems(env: Environment) -> Iterator[Problem]:
    """Yield every value of `env` that is outside its limits, and every name that hosts could not use."""
    for limit in LIMITS:
        value = attrgetter(limit.field)(env)
        if not limit.allows(value):
            yield Problem(where=env.name, field=limit.field, value=value, allowed=limit.allowed)
    for host in env.hosts:
        if not _HOST_NAME.fullmatch(host.name):
            allowed = (
                "1 to 63 small letters, digits and hyphens, no hyphen at an end: it is in names of files"
            )
            yield Problem(where=host.name, field="name", value=host.name, allowed=allowed)
    if not _SCHEMA.fullmatch(env.database.schema):
        allowed = "1 to 64 small letters, digits and _, a letter first: it is in SQL and in settings"
        yield Problem(where=env.name, field="database.schema", value=env.database.schema, allowed=allowed)
