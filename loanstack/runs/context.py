"""Environment, machine and versions of a run: written once into its folder, for the report."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inventory import artifacts
from inventory.model import Artifact, Environment, Role
from loanstack.measure.machine import loop_ms
from processes.group import Processes

_GIT_WITHIN_S = 10.0
_TOOLS = ("pyinfra", "pytest", "pytest-testinfra", "locust", "PyMySQL", "hdrhistogram")
"""Libraries whose version may change a figure."""


def context(env: Environment, *, parameters: Mapping[str, object], command: Sequence[str]) -> dict[str, Any]:
    """Return the context of a run that starts now.

    + parameters: parameters of the command, such as rate and duration
    + command: the command line that started it
    """
    return {
        "started": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "parameters": dict(parameters),
        "environment": of_environment(env),
        "machine": machine(),
        "project": project(),
    }


TONGWEB_STAND_IN = "TongWeb stand-in (Apache Tomcat 9)"
"""Name of the server that a stand-in host of role tongweb runs, as in its banner."""


def of_environment(env: Environment) -> dict[str, Any]:
    """Return the parts of an environment that a report shows; an environment contains no secrets."""
    return {
        "name": env.name,
        "title": env.title,
        "is_lab": env.is_lab,
        "durability": env.failover.durability,
        "client": " ".join(env.client_command),
        "centres": [asdict(centre) for centre in env.centres],
        "hosts": [
            {
                "name": host.name,
                "centre": host.centre,
                "roles": list(host.roles),
                "management_address": host.management_address,
                "address": host.address,
                "dmz_address": host.dmz_address,
                "database_role": host.database_role,
                "arch": host.arch,
                "memory_mib": host.memory_mib,
                "system": host.os.stand_in or f"Kylin {host.os.version_id} ({host.os.codename})",
                "runs": TONGWEB_STAND_IN if host.os.stand_in and host.has(Role.TONGWEB) else None,
                "stand_in": host.os.stand_in,
            }
            for host in env.hosts
        ],
        "entities": [asdict(entity) for entity in env.entities],
        "artifacts": [asdict(artifact) for artifact in _artifacts(env)],
        "depot": env.depot.url,
    }


def _artifacts(env: Environment) -> tuple[Artifact, ...]:
    """Return the artifacts as the depot lists them now; it may have been filled after our start."""
    if env.depot.sums_file is None:
        return env.artifacts
    return artifacts.listed_in(env.depot.sums_file, base_url=f"{env.depot.url}/artifacts")


def machine() -> dict[str, Any]:
    """Return the hardware of the control machine, and how busy it was; in the lab it runs all hosts."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "cpu_model": _cpu_model(),
        "memory_mib": memory_bytes // 2**20,
        "load_1m": round(os.getloadavg()[0], 2),
        "loop_ms": loop_ms(),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "arch": platform.machine(),
    }


def project() -> dict[str, Any]:
    """Return the versions of the project (its commit) and of the tools."""
    return {
        "version": version("loanstack"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_files": len((_git("status", "--porcelain", "--untracked-files=no") or "").splitlines()),
        "python": sys.version.split()[0],
        "tools": {name: version(name) for name in _TOOLS},
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str | None:
    """Return git's answer about the checkout, or None outside of one (an unpacked archive)."""
    with Processes() as processes:
        done = processes.start(["git", *arguments]).ended(within_s=_GIT_WITHIN_S)
    return done.stdout.strip() if done and done.returncode == 0 else None
