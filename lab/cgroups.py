"""Control groups: one for each host, so that all its processes can be found, measured and ended together.

The kernel keeps the membership from the first instruction of a process on, so even processes of an
interrupted `up` are always found. Works with the unified hierarchy (a usual Debian 12) and with the hybrid
one (version 1 controllers beside it).

All threads of the lab get equal shares of the CPU, whatever host they belong to, because one group of the
`cpu` controller holds them all. Without this group, the kernel's autogroups give each service of each host
the same share, busy or not. Then a database that needs two thirds of a core gets less than a merge on
another host, although on machines of their own the two would not compete (measured at 1000 writes a second
during a MAJOR FREEZE: p99 843 ms without the group, 253 ms with it).
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

GROUP = "loanstack"
_V1_USED = ("memory", "name=systemd", "cpu")
_END_DEADLINE_S = 15.0
_FREEZE_DEADLINE_S = 5.0
_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Hierarchies:
    """Where the control group file systems are mounted."""

    unified: Path
    memory_v1: Path | None
    """None: memory is accounted for in the unified hierarchy."""
    systemd_v1: Path | None
    cpu_v1: Path | None
    """None: the processor is shared out in the unified hierarchy."""

    @property
    def all(self) -> tuple[Path, ...]:
        """Every hierarchy in which each host gets its own group."""
        return tuple(p for p in (self.unified, self.memory_v1, self.systemd_v1) if p is not None)


def parse_mounts(mounts: str) -> Hierarchies | None:
    """Return the hierarchies in the text of /proc/self/mounts; None if there is no unified hierarchy."""
    unified: Path | None = None
    v1: dict[str, Path] = {}
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 4:
            continue
        _, where, kind, options = fields[:4]
        if kind == "cgroup2" and unified is None:
            unified = Path(where)
        elif kind == "cgroup":
            for name in _V1_USED:
                if name in options.split(","):
                    v1.setdefault(name, Path(where))
    if unified is None:
        return None
    return Hierarchies(
        unified=unified, memory_v1=v1.get("memory"), systemd_v1=v1.get("name=systemd"), cpu_v1=v1.get("cpu")
    )


def hierarchies() -> Hierarchies:
    """Return this machine's hierarchies.

    Raises:
        LabError: there is no unified hierarchy.
    """
    found = parse_mounts(Path("/proc/self/mounts").read_text())
    if found is None:
        raise LabError("no cgroup2 file system is mounted; mount one: mount -t cgroup2 none /sys/fs/cgroup")
    return found


def make(name: str) -> tuple[Path, ...]:
    """Make the group `name` in every hierarchy; return the `cgroup.procs` files that a process must join."""
    found = hierarchies()
    _share_out(found.unified, "cpu", "memory")
    (found.unified / GROUP).mkdir(exist_ok=True)
    _share_out(found.unified / GROUP, "memory")
    groups = [hierarchy / GROUP / name for hierarchy in found.all]
    if found.cpu_v1 is not None:
        groups.append(found.cpu_v1 / GROUP)
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return tuple(group / "cgroup.procs" for group in groups)


def joining(groups: tuple[Path, ...]) -> list[str]:
    """Return a command prefix: the command after it runs in `groups`, in its own session, in the background.

    + groups: `cgroup.procs` files, as `make` returns them
    """
    # Joined before the fork, so that the process is already in its groups when the prefix returns.
    join = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec setsid --fork "$@"'
    return ["/bin/sh", "-c", join, "join", *map(str, groups), "--"]


def processes(name: str = "") -> frozenset[int]:
    """Return the pids in group `name` and below; without a name, those of the whole lab."""
    return frozenset(
        int(pid)
        for group in _existing(name)
        for folder in _tree(group)
        for pid in _read(folder / "cgroup.procs").split()
    )


def kill(name: str = "") -> None:
    """End every process of group `name` (without a name: of the whole lab) with SIGKILL, all at once.

    Raises:
        LabError: a process still exists after the deadline (it hangs in the kernel).
    """
    for group in _existing(name):
        if (group / "cgroup.kill").exists():
            (group / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + _END_DEADLINE_S
    while left := processes(name):
        if time.monotonic() > deadline:
            raise LabError(
                f"processes {sorted(left)} of {name or 'the lab'} did not end within {_END_DEADLINE_S:g} s "
                "of SIGKILL: they hang in the kernel (see /proc/PID/stack)"
            )
        time.sleep(0.02)


def freeze(name: str) -> None:
    """Freeze every process of group `name` and below; a group that is already frozen stays frozen.

    The kernel's network stack goes on: it accepts connections, but no process answers.

    Raises:
        LabError: the kernel has no freezer in the unified hierarchy, or a process did not freeze.
    """
    switch = freezer_of(name)
    if not switch.exists():
        raise LabError(
            f"{switch} is missing: {name} does not run, or this kernel cannot freeze control groups of the"
            " unified hierarchy (Linux 5.2 and later can)"
        )
    switch.write_text("1")
    deadline = time.monotonic() + _FREEZE_DEADLINE_S
    while not is_frozen(name):
        if time.monotonic() > deadline:
            switch.write_text("0")
            raise LabError(f"{name} did not freeze within {_FREEZE_DEADLINE_S:g} s and was let go")
        time.sleep(0.01)


def thaw(name: str) -> None:
    """Thaw the processes of group `name`; does nothing if they are not frozen, or if there are none."""
    switch = freezer_of(name)
    if switch.exists():
        switch.write_text("0")


def freezer_of(name: str) -> Path:
    """Return the file into which a 0 is written to thaw group `name`."""
    return hierarchies().unified / GROUP / name / "cgroup.freeze"


def is_frozen(name: str) -> bool:
    """Say whether all processes of group `name` are frozen."""
    return "frozen 1" in _read(freezer_of(name).with_name("cgroup.events")).splitlines()


def remove(name: str = "") -> None:
    """Remove the empty group `name` and those below it; missing groups are no error."""
    for group in _existing(name):
        for folder in sorted(_tree(group), key=lambda p: len(p.parts), reverse=True):
            _remove_folder(folder)


def leftovers() -> list[str]:
    """Return a description of each group of the lab that still exists."""
    return [f"control group {group}" for group in _existing("")]


def memory_mib(name: str) -> float | None:
    """Return the working set of group `name` in MiB: its memory without the file cache that can be dropped.

    None: the group does not exist, or its memory is not accounted for.
    """
    found = hierarchies()
    if found.memory_v1 is not None:
        group, used_file, cache_key = (
            found.memory_v1 / GROUP / name,
            "memory.usage_in_bytes",
            "total_inactive_file",
        )
    else:
        group, used_file, cache_key = found.unified / GROUP / name, "memory.current", "inactive_file"
    used = _read(group / used_file)
    if not used:
        return None
    statistics = dict(line.split() for line in _read(group / "memory.stat").splitlines())
    return max(0, int(used) - int(statistics.get(cache_key, 0))) / _MIB


def _share_out(parent: Path, *resources: str) -> None:
    """Enable these controllers for the groups below `parent`, if they belong to the unified hierarchy."""
    known = (parent / "cgroup.controllers").read_text().split()
    for resource in resources:
        if resource in known:
            (parent / "cgroup.subtree_control").write_text(f"+{resource}")


def _existing(name: str) -> list[Path]:
    found = hierarchies()
    groups = [hierarchy / GROUP / name for hierarchy in found.all]
    if found.cpu_v1 is not None and not name:
        groups.append(found.cpu_v1 / GROUP)
    return [group for group in groups if group.is_dir()]


def _tree(group: Path) -> Iterator[Path]:
    # os.walk skips groups that disappear meanwhile, as groups of a booting host do.
    return (Path(folder) for folder, _, _ in os.walk(group))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        # The group disappeared between listing and reading, so it counts as empty.
        return ""


def _remove_folder(folder: Path) -> None:
    # The kernel allows removing a group only some milliseconds after its last process has ended.
    deadline = time.monotonic() + 2.0
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
