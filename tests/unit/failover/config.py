"""A settings file as the deploy writes it, and the settings in it."""

import copy
from typing import Any

from failover.settings import Settings
from failover.settings_file import parse
from failover.signature import Keys

TOKEN = "token-of-the-agents-0123456789"
READING_KEY = "key-of-their-readers-0123456789"
KEYS = Keys(token=TOKEN, reading=READING_KEY)

_FILE: dict[str, Any] = {
    "environment": "lab",
    "me": "ob-a",
    "address": "127.0.0.1",
    "sql_port": 2881,
    "candidate": True,
    "store": {
        "endpoints": ["https://198.18.1.13:2379", "https://198.18.2.23:2379", "https://198.18.3.31:2379"],
        "user": "failover",
        "password": "secret-of-the-store",
        "ca_file": "/etc/loanstack/store/ca.crt",
    },
    "agent": {"port": 8008, "token": TOKEN, "reading_key": READING_KEY},
    "peers": [
        {
            "host": "ob-b",
            "address": "127.0.0.1",
            "candidate": True,
            "fence": {
                "kind": "lab",
                "address": "http://198.18.0.1:8481",
                "system": "ob-b",
                "user": "agent",
                "password": "secret-of-the-fence",
                "reason": "",
                "ca_file": "",
            },
        }
    ],
    "database": {"tool": "/usr/local/sbin/loanstack-db", "unit": "loanstack-oceanbase.service"},
    "timing": {
        "lease_ttl_ms": 3000,
        "loop_interval_ms": 200,
        "calm_interval_ms": 500,
        "store_timeout_ms": 400,
        "safety_margin_ms": 1000,
        "database_silent_ms": 2000,
        "peer_silent_ms": 1200,
        "max_failover_lag_ms": 5000,
        "failover_cooldown_ms": 10000,
        "rejoin_interval_ms": 10000,
    },
    "durability": {"mode": "cross_centre", "timeout_ms": 2000, "degrade_after_ms": 8000},
}


def settings_file() -> dict[str, Any]:
    """Return a good file's content, to be spoilt at will."""
    return copy.deepcopy(_FILE)


def settings() -> Settings:
    return parse(settings_file())
