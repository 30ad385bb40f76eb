"""What the host tests look at: the running hosts of an environment, and the control machine."""

import subprocess
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from testinfra.backend.base import CommandResult
from testinfra.host import Host as Probe

from inventory.model import Host

_CONTROL_DEADLINE_S = 60


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One running host, and what the inventory says about it."""

    spec: Host
    probe: Probe
    """testinfra's view of it: `probe.file(...)`, `probe.service(...)`, and so on."""

    def run(self, command: str, *arguments: str, stdin: str = "") -> str:
        """Return stdout of a shell command that must succeed.

        + arguments: quoted, each in the place of a `%s` of `command`
        + stdin: for what must not be in an argument list, such as a password
        """
        __tracebackhide__ = True
        done: CommandResult = self.probe.run(command, *arguments, stdin=stdin)
        assert done.succeeded, (
            f"{self.spec.name}: {command}: expected success, found status {done.rc}: {done.stderr[-500:]}"
        )
        return done.stdout

    def fails(self, command: str, *arguments: str, stdin: str = "") -> str:
        """Return stderr and stdout of a shell command that must be refused; arguments as for `run`."""
        __tracebackhide__ = True
        done: CommandResult = self.probe.run(command, *arguments, stdin=stdin)
        assert done.failed, (
            f"{self.spec.name}: {command}: expected a refusal, found success: {done.stdout[-500:]}"
        )
        return done.stderr + done.stdout

    def expect(self, what: str, *, found: object, wanted: object) -> None:
        """Check that `found` equals `wanted`; a failure tells host, subject, and what differs.

        + what: subject of the check, such as "units that run"
        """
        __tracebackhide__ = True
        assert found == wanted, f"{self.spec.name}: {what}: {difference(found, wanted)}"


def difference(found: Any, wanted: Any) -> str:
    """Return in one line how `found` differs from `wanted`; of mappings and sets, only what differs."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        keys = [
            key
            for key in {**wanted, **found}
            if (key in found, found.get(key)) != (key in wanted, wanted.get(key))
        ]
        return "; ".join(f"{key}: expected {_entry(wanted, key)}, found {_entry(found, key)}" for key in keys)
    if isinstance(found, Set) and isinstance(wanted, Set):
        lacks, has = sorted(map(str, wanted - found)), sorted(map(str, found - wanted))
        told = (("expected and not found", lacks), ("found and not expected", has))
        return "; ".join(f"{why}: {', '.join(entries)}" for why, entries in told if entries)
    return f"expected {wanted!r}, found {found!r}"


def _entry(entries: Mapping[Any, Any], key: object) -> str:
    return repr(entries[key]) if key in entries else "nothing"


@dataclass(frozen=True, kw_only=True)
class Control:
    """Commands on the control machine, behind a prefix."""

    prefix: tuple[str, ...]

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Return the finished process, whatever its exit code."""
        return subprocess.run(
            [*self.prefix, *argv], capture_output=True, text=True, check=False, timeout=_CONTROL_DEADLINE_S
        )


def eventually(what: str, check: Callable[[], object], *, deadline_s: float = 20) -> None:
    """Wait until `check` returns something true; say what was waited for, and what was there instead."""
    end = time.monotonic() + deadline_s
    while not (seen := check()):
        assert time.monotonic() < end, f"waited {deadline_s:g} s for {what}; last seen: {seen!r}"
        time.sleep(0.5)
