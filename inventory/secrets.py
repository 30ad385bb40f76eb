"""Secrets of one environment: generated once, kept in one file that only its owner can read."""

import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from inventory.availability import Fence, FenceKind

_BYTES_OF_ENTROPY = 24
_FENCE_BYTES_OF_ENTROPY = 12
"""Makes 16 characters, which every management board takes."""
_NO_FENCES: Mapping[str, Fence] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """Values that a secret may have."""

    pattern: re.Pattern[str]
    allowed: str
    """The same for readers."""


# Deploys put secrets unescaped into SQL, option files, environment files and lists separated by blanks.
_PASSWORD = _Rule(
    pattern=re.compile(r"[A-Za-z0-9_-]{16,64}"), allowed="16 to 64 characters of letters, digits, - and _"
)
# What others issue: keys in base64, and tokens as the header `Authorization: Bearer` has them (RFC 6750).
_ISSUED = _Rule(
    pattern=re.compile(r"[A-Za-z0-9+/=._~-]{16,4096}"),
    allowed="16 to 4096 characters of letters, digits, +, /, =, ., _, ~ and -",
)
# These go only into JSON, a header in base64 and a variable: what a board asks for may be in them.
_FENCE_PASSWORD = _Rule(
    pattern=re.compile(r"[!-~]{8,64}"), allowed="8 to 64 characters of ASCII, without blanks"
)
_IPMI_PASSWORD = _Rule(
    pattern=re.compile(r"[!-~]{8,20}"),
    allowed="8 to 20 characters of ASCII, without blanks: IPMI 2.0 has room for no more",
)
_FENCE_AGENT_PASSWORD = _Rule(
    pattern=re.compile(r"[!#-~]{8,64}"),
    allowed='8 to 64 characters of ASCII, without blanks and ": fence agents take quotes off a value',
)
_FENCE_RULES: Mapping[str, _Rule] = {
    FenceKind.IPMI: _IPMI_PASSWORD,
    FenceKind.FENCE_AGENT: _FENCE_AGENT_PASSWORD,
}


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Passwords of one environment. Never print this: `repr` hides the values."""

    database_root_password: str
    loan_owner_password: str
    loan_app_password: str
    probe_password: str
    report_password: str
    """Password of the user that reads rows for reports, and writes none."""
    etcd_root_password: str
    """Administrator of etcd."""
    etcd_agent_password: str
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
    database_reserved_password: str
    """Password of seekdb's own `root@'%'`, which cannot be locked; no file on a host has it."""
    fence_passwords: Mapping[str, str]
    """Host -> password of the user of its fence device, with which the other hosts' agents switch it off."""

    @property
    def named(self) -> dict[str, str]:
        """Return every value by its name; that of the fence device of ob-a is `fence_passwords.ob-a`."""
        fences = {f"{_FENCES}.{host}": value for host, value in self.fence_passwords.items()}
        return {name: getattr(self, name) for name in _NAMES} | fences

    def __repr__(self) -> str:
        return "Secrets(<hidden>)"


_FENCES = "fence_passwords"
_EARLIER_NAMES = {"store_root_password": "etcd_root_password", "store_agent_password": "etcd_agent_password"}
_NAMES = tuple(f.name for f in fields(Secrets) if f.name != _FENCES)
_RULES = dict.fromkeys(_NAMES, _PASSWORD) | {
    "tongweb_license_key": _ISSUED,
    "alert_webhook_token": _ISSUED,
}


class SecretsError(ValueError):
    """A secrets file cannot be trusted or read; the message never contains a secret."""


def load(path: Path, *, fences: Mapping[str, Fence] = _NO_FENCES) -> Secrets:
    """Return the secrets in `path`.

    + fences: host -> fence device of the hosts whose passwords must be there (`Environment.fences`)

    Raises:
        SecretsError: the file is missing or readable by others, or secrets in it are missing or have
            characters or a length that are not allowed; names all of them.
    """
    found = _read(path)
    problems = tuple(_problems(found, fences))
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise SecretsError(f"{path}: secrets are missing or not allowed (values are not shown):\n{lines}")
    return Secrets(**{name: found[name] for name in _NAMES}, fence_passwords=dict(found.get(_FENCES, {})))


def ensure(path: Path, *, fences: Mapping[str, Fence] = _NO_FENCES) -> Secrets:
    """Return the secrets in `path`; generate the file (0600, atomically) if there is none.

    A file of an earlier version gets the secrets that it lacks; its existing secrets stay.

    + fences: host -> fence device of the hosts that get a password (`Environment.fences`)

    Raises:
        SecretsError: the file exists, and cannot be trusted or read.
    """
    written = _read(path) if path.exists() else {}
    there = _with_todays_names(written)
    whole = {name: secrets.token_urlsafe(_BYTES_OF_ENTROPY) for name in _NAMES} | there
    passwords = there.get(_FENCES, {})
    if isinstance(passwords, dict):
        # An earlier version had one password for all devices, and they still have it.
        whole[_FENCES] = {
            host: there.get("fence_password") or secrets.token_urlsafe(_FENCE_BYTES_OF_ENTROPY)
            for host in fences
        } | passwords
    if whole != written:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(whole, file, indent=2)
        unfinished.rename(path)
    return load(path, fences=fences)


def _with_todays_names(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the secrets of an earlier version's file under the names that they have now."""
    renamed = {new: found[old] for old, new in _EARLIER_NAMES.items() if old in found}
    return renamed | {name: value for name, value in found.items() if name not in _EARLIER_NAMES}


def _problems(found: Mapping[str, Any], fences: Mapping[str, Fence]) -> Iterator[str]:
    """Yield a sentence for each secret that is missing or has a value that is not allowed."""
    passwords = found.get(_FENCES, {})
    if not isinstance(passwords, dict):
        yield f"{_FENCES} must be an object of hosts and passwords"
        passwords = {}
    missing = [name for name in _NAMES if name not in found]
    missing += [f"{_FENCES}.{host}" for host in fences if host not in passwords]
    if missing:
        yield (
            f"it lacks {', '.join(missing)}; what an earlier version did not have is added by any loanstack "
            "command for the environment, such as: loanstack plan"
        )
    for name in _NAMES:
        if name in found:
            yield from _refused(name, found[name], _RULES[name])
    for host, password in passwords.items():
        kind = fences[host].kind if host in fences else ""
        yield from _refused(f"{_FENCES}.{host}", password, _FENCE_RULES.get(kind, _FENCE_PASSWORD))


def _refused(name: str, value: object, rule: _Rule) -> Iterator[str]:
    if not isinstance(value, str) or not rule.pattern.fullmatch(value):
        yield f"{name}; allowed: {rule.allowed}"


def _read(path: Path) -> dict[str, Any]:
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
