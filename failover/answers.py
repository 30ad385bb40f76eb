"""What the agent answers to `GET /primary`, `/standby` and `/status`. Pure: from what is seen to JSON."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from failover.observed import Leadership, Observed, Phase, Process, Role
from failover.observed import Settings as Limits
from failover.safety import lease_is_valid
from failover.settings import Settings

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PrimaryAnswer:
    """Who leads, as services are told."""

    status: int
    body: Json

    @property
    def tag(self) -> str:
        """Changes whenever the answer does, and is the same for the same answer of every agent."""
        return str(self.body["tag"])


def primary_answer(seen: Observed, settings: Settings, limits: Limits) -> PrimaryAnswer:
    """Return 200 with the primary when one serves; else 503 with what is known."""
    leadership = seen.store.leadership if seen.store else None
    serves = leadership is not None and _serves(seen, leadership, limits)
    address = settings.address_of(leadership.host) if leadership else None
    found: Json = {
        "epoch": leadership.epoch if leadership else 0,
        "phase": leadership.phase if leadership else "none",
    }
    if serves and leadership is not None and address is not None:
        found |= {"host": leadership.host, "address": address, "port": settings.sql_port}
        found["durability"] = settings.durability.mode
        return PrimaryAnswer(status=200, body=_tagged(found))
    return PrimaryAnswer(status=503, body=_tagged(found))


def standby_answer(seen: Observed, lag_ms: int | None, limit_ms: int) -> tuple[int, Json]:
    """Return 200 if this host's database is a standby at most `limit_ms` behind; else 503."""
    database = seen.database
    found: Json = {"host": seen.me, "role": database.role, "lag_ms": lag_ms, "limit_ms": limit_ms}
    answers = database.process is Process.RUNNING and database.role is Role.STANDBY
    is_close = answers and lag_ms is not None and lag_ms <= limit_ms
    return (200 if is_close else 503), found


def status_answer(
    seen: Observed, settings: Settings, limits: Limits, *, lag_ms: int | None, more: Json
) -> Json:
    """Return everything that is known here; `more` is put in beside it."""
    store, lease, database = seen.store, seen.lease, seen.database
    return {
        "environment": settings.environment,
        "host": seen.me,
        "may_lead": seen.may_lead,
        "role": database.role,
        "process": database.process,
        "scn": database.scn,
        "lag_ms": lag_ms,
        "fenced_epoch": seen.fenced_epoch,
        "database": asdict(database),
        "lease": None
        if lease is None
        else {
            "epoch": lease.epoch,
            "renewed_ago_ms": seen.now_ms - lease.renewed_at_ms,
            "is_valid": lease_is_valid(seen, limits),
        },
        "leadership": asdict(store.leadership) if store and store.leadership else None,
        "lease_alive": store.lease_alive if store else None,
        "paused": store.paused if store else None,
        "request": asdict(store.request) if store and store.request else None,
        "members": [asdict(m) for m in store.members] if store else [],
        "peers": [asdict(p) for p in seen.peers],
        "fence_device": [asdict(r) for r in seen.fence_device],
        "task": asdict(seen.task) if seen.task else None,
        "store_answered_ago_ms": store.answered_ago_ms if store else None,
        "primary": primary_answer(seen, settings, limits).body,
        "durability": asdict(settings.durability),
        **more,
    }


def _serves(seen: Observed, leadership: Leadership, limits: Limits) -> bool:
    if leadership.phase is not Phase.SERVING or seen.store is None:
        return False
    if seen.store.answered_ago_ms >= limits.lease_ttl_ms:
        # Somebody else may have claimed since.
        return False
    # About itself a leader knows best: it may have fenced itself, and the store not have heard.
    return leadership.host != seen.me or (
        seen.lease is not None and seen.lease.epoch == leadership.epoch and lease_is_valid(seen, limits)
    )


def _tagged(found: Json) -> Json:
    digest = hashlib.sha256(msgspec.json.encode(found, order="sorted")).hexdigest()[:12]
    return {**found, "tag": f"{found['epoch']}-{digest}"}
