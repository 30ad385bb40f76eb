"""The settings file: JSON that only root can read, all mistakes reported together.

    {
      "environment": "lab", "me": "ob-a", "address": "198.18.1.13", "sql_port": 2881, "may_lead": true,
      "store": {"endpoints": ["https://198.18.1.13:2379", "https://198.18.2.23:2379"],
                "user": "failover", "password": "...", "ca_file": "/etc/loanstack/store/ca.crt"},
      "agent": {"port": 8008, "token": "...", "reading_key": "..."},
      "peers": [{"host": "ob-b", "address": "198.18.2.23", "may_lead": true,
                 "fence": {"kind": "lab", "address": "http://198.18.0.1:8481", "system": "ob-b",
                           "user": "agent", "reason": ""}}],
      "fence_password": "...",
      "database": {"tool": "/usr/local/sbin/loanstack-db", "unit": "loanstack-oceanbase.service"},
      "timing": {"lease_ttl_ms": 3000, "loop_interval_ms": 200, "calm_interval_ms": 500,
                 "store_timeout_ms": 400, "safety_margin_ms": 1000, "database_silent_ms": 2000,
                 "peer_silent_ms": 1200, "lag_limit_ms": 5000, "anti_flap_ms": 10000,
                 "rejoin_interval_ms": 10000},
      "durability": {"mode": "local", "timeout_ms": 2000, "degrade_after_ms": null}
    }

Endpoints of the store come nearest first; all of `timing` is whole milliseconds.
"""

import json
import stat
from pathlib import Path

from failover.reading import Reader
from failover.settings import (
    DURABILITIES,
    FENCE_KINDS,
    Durability,
    Fence,
    Peer,
    Settings,
    Store,
    Timing,
)
from failover.signature import Keys

SETTINGS_FILE = Path("/etc/loanstack/failover.json")
LOOPS_IN_A_LEASE = 5
"""A lease lasts at least this many loops, so that one slow loop costs no outage."""
_LEAST_TOKEN_LENGTH = 16


class SettingsError(ValueError):
    """A settings file cannot be used; `problems` holds one sentence for each mistake, and never a secret."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def load(path: Path = SETTINGS_FILE) -> Settings:
    """Return the settings in `path`.

    Raises:
        SettingsError: the file is missing, readable by others or not JSON, or any value in it is wrong.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text()
    except FileNotFoundError:
        raise SettingsError((f"{path} is missing; the deploy of the failover agent writes it",)) from None
    except PermissionError:
        raise SettingsError((f"{path} can be read by root only; run this as root",)) from None
    if mode & 0o077:
        raise SettingsError((f"{path} has mode {mode:04o}; allowed: 0600; run: chmod 600 {path}",))
    try:
        found = json.loads(text)
    except ValueError as broken:
        raise SettingsError((f"{path} is not JSON: {broken}",)) from None
    return parse(found)


def parse(found: object) -> Settings:
    """Return the settings in `found`, the JSON value of the file.

    Raises:
        SettingsError: fields are missing, unknown or out of range; names all of them, with the allowed
            values.
    """
    problems: list[str] = []
    top = Reader(found, "", problems)
    agent, database = top.nested("agent"), top.nested("database")
    settings = Settings(
        environment=top.text("environment"),
        me=top.text("me"),
        address=top.text("address"),
        sql_port=top.integer("sql_port", low=1, high=65_535),
        may_lead=top.boolean("may_lead"),
        store=_store(top.nested("store")),
        agent_port=agent.integer("port", low=1, high=65_535),
        agent_keys=Keys(
            token=agent.secret("token", least_length=_LEAST_TOKEN_LENGTH),
            reading=agent.secret("reading_key", least_length=_LEAST_TOKEN_LENGTH),
        ),
        peers=tuple(_peer(reader) for reader in top.each("peers")),
        fence_password=top.secret("fence_password"),
        tool=database.text("tool"),
        unit=database.text("unit"),
        timing=_timing(top.nested("timing")),
        durability=_durability(top.nested("durability")),
    )
    for reader in (agent, database, top):
        reader.finish()
    if not problems:
        problems.extend(_contradictions(settings))
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _store(reader: Reader) -> Store:
    store = Store(
        endpoints=reader.texts("endpoints", starting="https://"),
        user=reader.text("user"),
        password=reader.secret("password"),
        ca_file=reader.text("ca_file"),
    )
    reader.finish()
    return store


def _peer(reader: Reader) -> Peer:
    fence = reader.nested_or_none("fence")
    peer = Peer(
        host=reader.text("host"),
        address=reader.text("address"),
        may_lead=reader.boolean("may_lead"),
        fence=_fence(fence) if fence else None,
    )
    reader.finish()
    return peer


def _fence(reader: Reader) -> Fence:
    kind = reader.choice("kind", FENCE_KINDS)
    by_redfish, has_device = kind in ("lab", "redfish"), kind != "none"
    fence = Fence(
        kind=kind,
        address=reader.text("address", may_be_empty=not has_device),
        system=reader.text("system", may_be_empty=not by_redfish),
        user=reader.text("user", may_be_empty=not has_device),
        reason=reader.text("reason", may_be_empty=has_device),
        ca_file=reader.text("ca_file", may_be_empty=True, default=""),
    )
    reader.finish()
    return fence


def _timing(reader: Reader) -> Timing:
    timing = Timing(
        lease_ttl_ms=reader.integer("lease_ttl_ms", low=1000, high=600_000),
        loop_interval_ms=reader.integer("loop_interval_ms", low=20, high=10_000),
        calm_interval_ms=reader.integer("calm_interval_ms", low=20, high=10_000),
        store_timeout_ms=reader.integer("store_timeout_ms", low=20, high=60_000),
        safety_margin_ms=reader.integer("safety_margin_ms", low=100, high=60_000),
        database_silent_ms=reader.integer("database_silent_ms", low=100, high=600_000),
        peer_silent_ms=reader.integer("peer_silent_ms", low=100, high=600_000),
        lag_limit_ms=reader.integer("lag_limit_ms", low=1, high=86_400_000),
        anti_flap_ms=reader.integer("anti_flap_ms", low=0, high=86_400_000),
        rejoin_interval_ms=reader.integer("rejoin_interval_ms", low=0, high=86_400_000),
    )
    reader.finish()
    return timing


def _durability(reader: Reader) -> Durability:
    durability = Durability(
        mode=reader.choice("mode", DURABILITIES),
        timeout_ms=reader.integer("timeout_ms", low=1, high=600_000),
        degrade_after_ms=reader.integer_or_none("degrade_after_ms", low=1, high=86_400_000),
    )
    reader.finish()
    return durability


def _contradictions(settings: Settings) -> list[str]:
    """Return problems of values that do not fit together, although each value alone is allowed."""
    problems = []
    timing = settings.timing
    least_ms = timing.safety_margin_ms + max(
        LOOPS_IN_A_LEASE * timing.loop_interval_ms, timing.calm_interval_ms + 2 * timing.store_timeout_ms
    )
    if timing.lease_ttl_ms < least_ms:
        problems.append(
            f"timing.lease_ttl_ms={timing.lease_ttl_ms}; allowed: at least {least_ms} (safety_margin_ms +"
            f" {LOOPS_IN_A_LEASE} x loop_interval_ms, and calm_interval_ms with room for two calls of"
            " store_timeout_ms): a shorter lease ends before the loop can renew it"
        )
    if timing.calm_interval_ms < timing.loop_interval_ms:
        problems.append(
            f"timing.calm_interval_ms={timing.calm_interval_ms}; allowed: at least"
            f" {timing.loop_interval_ms} (loop_interval_ms): a calm agent looks no more often than a busy one"
        )
    least_ms = timing.calm_interval_ms + 3 * timing.loop_interval_ms
    if timing.peer_silent_ms < least_ms:
        problems.append(
            f"timing.peer_silent_ms={timing.peer_silent_ms}; allowed: at least {least_ms}"
            " (calm_interval_ms + 3 x loop_interval_ms): one slow look is no death"
        )
    hosts = [settings.me, *(p.host for p in settings.peers)]
    twice = sorted({h for h in hosts if hosts.count(h) > 1})
    if twice:
        problems.append(f"peers: {', '.join(twice)} is named twice; allowed: each host once, without `me`")
    return problems
