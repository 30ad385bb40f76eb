"""Secrets of one environment: generated once, kept in one file that only its owner can read."""

import json
import os
import secrets
import stat
from dataclasses import dataclass, fields
from pathlib import Path

_BYTES_OF_ENTROPY = 24


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Passwords of one environment. Never print this: `repr` hides the values."""

    database_root_password: str
    loan_owner_password: str
    loan_app_password: str
    probe_password: str
    report_password: str
    """Password of the user that reads rows for reports, and writes none."""
    store_root_password: str
    """Administrator of the consensus store."""
    store_agent_password: str
    """The failover agents' own user there."""
    agent_token: str
    """Key with which failover agents sign what they tell each other, and commands to them are signed."""
    agent_reading_key: str
    """Key with which they sign what they tell the loan services, which have no other."""
    data_source_password: str
    """Password of the database user of the applications on TongWeb."""
    tongweb_console_password: str
    """Secret from which the passwords of TongWeb's console are made."""
    tongweb_license_key: str
    """Public key of TongWeb's licence servers; used if the inventory names any."""
    alert_webhook_token: str
    """Bearer token that the receiver of alerts asks for."""
    fence_password: str
    """Password of the user of the fence devices, with which agents switch off hosts."""
    database_reserved_password: str
    """Password of seekdb's own `root@'%'`, which cannot be locked; no file on a host has it."""

    def __repr__(self) -> str:
        return "Secrets(<hidden>)"


_NAMES = tuple(f.name for f in fields(Secrets))


class SecretsError(ValueError):
    """A secrets file cannot be trusted or read; the message never contains a secret."""


def load(path: Path) -> Secrets:
    """Return the secrets in `path`.

    Raises:
        SecretsError: the file is missing, readable by others, or lacks a secret.
    """
    found = _read(path)
    wrong = [name for name in _NAMES if not isinstance(found.get(name), str) or not found[name]]
    if wrong:
        raise SecretsError(
            f"{path} lacks {', '.join(wrong)}; each must be a non-empty string; what an earlier version did "
            "not have is added by any loanstack command for the environment, such as: loanstack plan"
        )
    return Secrets(**{name: found[name] for name in _NAMES})


def ensure(path: Path) -> Secrets:
    """Return the secrets in `path`; generate the file (0600, atomically) if there is none.

    A file of an earlier version gets the secrets that it lacks; its existing secrets stay.

    Raises:
        SecretsError: the file exists, and cannot be trusted or read.
    """
    there = _read(path) if path.exists() else {}
    if not there.keys() >= set(_NAMES):
        generated = {name: secrets.token_urlsafe(_BYTES_OF_ENTROPY) for name in _NAMES}
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(generated | there, file, indent=2)
        unfinished.rename(path)
    return load(path)


def _read(path: Path) -> dict[str, str]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text()
    except FileNotFoundError as missing:
        raise SecretsError(f"{path} is missing; it is generated when the environment comes up") from missing
    if mode & 0o077:
        raise SecretsError(f"{path} has mode {mode:04o}; allowed: 0600; run: chmod 600 {path}")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as broken:
        raise SecretsError(f"{path} is not JSON (line {broken.lineno}); restore it from a backup") from None
    if not isinstance(found, dict):
        raise SecretsError(f"{path} is not a JSON object; restore it from a backup")
    return found
