"""A systemd unit, and whether its files are newer than its start."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from deploys import write_times

_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "ExecMainStartTimestampMonotonic",
    "StateChangeTimestampMonotonic",
)


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """State of a unit."""

    is_loaded: bool
    is_active: bool
    is_enabled: bool
    needs_daemon_reload: bool
    """Whether its own file, or that of a unit that it starts, changed since systemd read it."""
    started_ago_s: float
    """Time since its main process started; 0 if it never started."""
    settled_ago_s: float
    """Time since its last change of state: start or reload."""
    file_ages_s: Mapping[str, float]
    """{path: seconds since a deploy wrote it} of the asked files that were written since the boot."""


NO_SERVICE = ServiceState(
    is_loaded=False,
    is_active=False,
    is_enabled=False,
    needs_daemon_reload=False,
    started_ago_s=0,
    settled_ago_s=0,
    file_ages_s={},
)


class Service(FactBase[ServiceState]):
    """Return the state of one systemd unit and the ages of its configuration files."""

    @staticmethod
    def default() -> ServiceState:
        """Return the value if systemd printed nothing: there is no such unit."""
        return NO_SERVICE

    def requires_command(self, unit: str, paths: tuple[str, ...] = (), starts: tuple[str, ...] = ()) -> str:
        """Return the tool that must exist.

        + unit: full unit name
        + paths: configuration files
        + starts: units that it starts
        """
        return "systemctl"

    def command(self, unit: str, paths: tuple[str, ...] = (), starts: tuple[str, ...] = ()) -> str:
        """Return the shell command.

        + unit: full unit name
        + paths: configuration files
        + starts: units that it starts
        """
        others = f"systemctl show --property=NeedDaemonReload {shlex.join(starts)};" if starts else ""
        return (
            f"systemctl show --property={','.join(_PROPERTIES)} {shlex.quote(unit)}; {others}"
            f"{write_times.asked(paths)} true"
        )

    def process(self, output: list[str]) -> ServiceState:
        """Return the state from `key=value` lines."""
        values = {key: value for key, _, value in (line.partition("=") for line in output)}
        uptime_s = float(values.get("uptime", 0))

        def ago_s(name: str) -> float:
            since_boot_us = int(values.get(name) or 0)
            return uptime_s - since_boot_us / 1e6 if since_boot_us else 0.0

        return ServiceState(
            is_loaded=values.get("LoadState") == "loaded",
            is_active=values.get("ActiveState") == "active",
            is_enabled=values.get("UnitFileState") in ("enabled", "alias", "static"),
            needs_daemon_reload="NeedDaemonReload=yes" in output,
            started_ago_s=ago_s("ExecMainStartTimestampMonotonic"),
            settled_ago_s=ago_s("StateChangeTimestampMonotonic"),
            file_ages_s=write_times.ages_s(output, uptime_s),
        )
