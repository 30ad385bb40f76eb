"""What the validation tests run commands with."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from testinfra.host import Host as Probe

from inventory.model import Host

_DEADLINE_S = 60


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One running host, and what the inventory says about it."""

    spec: Host
    probe: Probe
    ssh: tuple[str, ...]

    def run(self, command: str, *, stdin: str = "") -> str:
        """Return stdout of a shell command that must succeed; `stdin` never shows in an argv."""
        done = subprocess.run(
            [*self.ssh, command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE_S,
        )
        assert done.returncode == 0, f"{self.spec.name}: {command}: {done.returncode}: {done.stderr[-500:]}"
        return done.stdout

    def fails(self, command: str, *, stdin: str = "") -> str:
        """Return stderr and stdout of a shell command that must be refused."""
        done = subprocess.run(
            [*self.ssh, command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_DEADLINE_S,
        )
        assert done.returncode != 0, f"{self.spec.name}: {command}: succeeded, and should have been refused"
        return done.stderr + done.stdout


@dataclass(frozen=True, kw_only=True)
class Control:
    """Commands on the control machine, behind a prefix."""

    prefix: tuple[str, ...]

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Return the finished process, whatever its exit code."""
        return subprocess.run(
            [*self.prefix, *argv], capture_output=True, text=True, check=False, timeout=_DEADLINE_S
        )


def eventually(what: str, check: Callable[[], object], *, deadline_s: float = 20) -> None:
    """Wait until `check` returns something true; say what was waited for, and what was there instead."""
    end = time.monotonic() + deadline_s
    while not (seen := check()):
        assert time.monotonic() < end, f"waited {deadline_s:g} s for {what}; last seen: {seen!r}"
        time.sleep(0.5)
