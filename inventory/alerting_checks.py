"""Checks of what brings alerts to people."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from inventory.model import Environment, Role
from inventory.problem import Problem

_SECONDS_MAX = 86_400


def alerting_problems(env: Environment) -> Iterator[Problem]:
    """Yield the problems of Alertmanagers, their receiver and their times."""
    centres = {host.centre for host in env.hosts_with(Role.ALERTMANAGER)}
    if len(centres) < 2:
        yield Problem(
            where=env.name,
            field="hosts with role alertmanager",
            value=", ".join(host.name for host in env.hosts_with(Role.ALERTMANAGER)) or "none",
            allowed="at least two, in different centres: alerts must outlive the loss of one",
        )
    alerting = env.alerting
    if alerting.webhook_url is not None and not _is_web_address(alerting.webhook_url):
        allowed = "None, or an http or https address without user, spaces and fragment"
        yield Problem(
            where=env.name, field="alerting.webhook_url", value=alerting.webhook_url, allowed=allowed
        )
    for field in ("warning_wait_s", "group_interval_s", "repeat_interval_s"):
        value = getattr(alerting, field)
        if not 1 <= value <= _SECONDS_MAX:
            allowed = f"1 to {_SECONDS_MAX} (seconds)"
            yield Problem(where=env.name, field=f"alerting.{field}", value=value, allowed=allowed)


def _is_web_address(text: str) -> bool:
    try:
        found = urlsplit(text)
        port_is_right = found.port is None or found.port > 0
    except ValueError:
        return False
    return (
        text.isascii()
        and text.isprintable()
        and " " not in text
        and found.scheme in ("http", "https")
        and bool(found.hostname)
        and found.username is None
        and not found.fragment
        and port_is_right
    )
