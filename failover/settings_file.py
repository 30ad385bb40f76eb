"""The settings file: JSON that only root can read, all mistakes reported together.

    {
      "environment": "lab", "me": "ob-a", "address": "198.18.1.13", "sql_port": 2881, "candidate": true,
      "etcd": {"endpoints": ["https://198.18.1.13:2379", "https://198.18.2.23:2379"],
                "user": "failover", "password": "...", "ca_file": "/etc/loanstack/ca.pem"},
      "agent": {"port": 8008, "token": "...", "reading_key": "..."},
      "peers": [{"host": "ob-b", "address": "198.18.2.23", "candidate": true,
                 "fence": {"kind": "lab", "address": "http://198.18.0.1:8481", "system": "ob-b",
                           "user": "agent", "password": "...", "reason": "", "ca_file": ""}}],
      "database": {"tool": "/usr/local/sbin/loanstack-db", "unit": "loanstack-oceanbase.service"},
      "timing": {"lease_ttl_ms": 3000, "loop_interval_ms": 200, "calm_interval_ms": 500,
                 "etcd_timeout_ms": 400, "safety_margin_ms": 1000, "database_silent_ms": 2000,
                 "peer_silent_ms": 1200, "max_failover_lag_ms": 5000, "failover_cooldown_ms": 10000,
                 "rejoin_interval_ms": 10000},
      "durability": {"mode": "local", "timeout_ms": 2000, "degrade_after_ms": null}
    }

Endpoints of etcd come nearest first; all of `timing` is whole milliseconds.
"""

import json
import stat
from pathlib import Path

from failover.json_reader import read
from failover.settings import Settings

SETTINGS_FILE = Path("/etc/loanstack/failover.json")


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
        content = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError((f"{path} is missing; the deploy of the failover agent writes it",)) from None
    except PermissionError:
        raise SettingsError((f"{path} can be read by root only; run this as root",)) from None
    if mode & 0o077:
        raise SettingsError((f"{path} has mode {mode:04o}; allowed: 0600; run: chmod 600 {path}",))
    try:
        found = json.loads(content)
    except ValueError as broken:  # also bytes that are no text
        raise SettingsError((f"{path} is not JSON: {broken}",)) from None
    return parse(found)


def parse(found: object) -> Settings:
    """Return the settings in `found`, the JSON value of the file.

    Raises:
        SettingsError: fields are missing, unknown or out of range; names all of them, with the allowed
            values.
    """
    problems: list[str] = []
    settings = read(Settings, found, problems)
    if settings is None:
        raise SettingsError(tuple(problems))
    return settings
