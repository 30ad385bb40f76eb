"""The records of the machine's lab: its owner, its phase, and the settings to restore.

There are two records. The machine's record (in `/run`, so it is gone after a restart; there is only one,
whatever LOANSTACK_STATE is) names the one lab, and is the lock against a second lab. The lab's own record
lists what `down` must restore. Each record is written before the effects that it describes, so that an
interrupted command can be finished or undone.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TextIO

from lab.errors import LabError, RefusedError

MACHINE_RECORD = Path("/run/loanstack-lab.json")
MACHINE_LOCK = Path("/run/loanstack-lab.lock")


class Phase(StrEnum):
    """Phase of a lab."""

    RISING = "rising"
    UP = "up"
    FALLING = "falling"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Owner of the lab that this machine runs."""

    checkout: str
    """Root folder of the checkout that brought it up."""
    lab_dir: str
    """Its state folder."""


@dataclass(frozen=True, kw_only=True)
class LabState:
    """One lab."""

    phase: Phase
    image_key: str
    boot_id: str
    """Boot id of the machine when it was brought up; after a restart nothing of it runs any more."""
    since_s: float
    """Unix time of its `up`."""
    settings_before: dict[str, int] = field(default_factory=dict)
    """Kernel settings that `up` raised, with the values to restore."""

    def moved_to(self, phase: Phase) -> "LabState":
        """Return this state in `phase`."""
        return replace(self, phase=phase)


class Course(StrEnum):
    """How `up` must treat an existing lab."""

    FRESH = "fresh"
    """There is no lab: bring one up."""
    CLEAN_FIRST = "clean-first"
    """An interrupted run or a restart of the machine left remains: remove them, then bring a lab up."""
    CONTINUE = "continue"
    """A lab is up: start only what is missing."""


def course(state: LabState | None, *, boot_id: str, anything_left: bool) -> Course:
    """Decide what `up` does.

    + state: the lab's record; None: there is none
    + boot_id: boot id of the machine now
    + anything_left: whether a process, mount, interface or namespace of a lab exists
    """
    if state is None:
        return Course.CLEAN_FIRST if anything_left else Course.FRESH
    if state.boot_id != boot_id or state.phase is not Phase.UP:
        return Course.CLEAN_FIRST
    return Course.CONTINUE


def state_file(lab_dir: Path) -> Path:
    """Return the path of the lab's record."""
    return lab_dir / "state.json"


def load(lab_dir: Path) -> LabState | None:
    """Return the lab's record; None if there is none.

    Raises:
        LabError: the record is damaged.
    """
    path = state_file(lab_dir)
    try:
        fields = json.loads(path.read_text())
        return LabState(**{**fields, "phase": Phase(fields["phase"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise LabError(f"{path} is not a lab's record ({error}); run: loanstack lab down") from error


def of_running(lab_dir: Path) -> LabState | None:
    """Return the record of a lab that is up since this boot of the machine; None if there is none.

    Raises:
        LabError: the record is damaged.
    """
    found = load(lab_dir)
    if found is None or found.phase is not Phase.UP or found.boot_id != boot_id():
        return None
    return found


def save(lab_dir: Path, state: LabState) -> None:
    """Write the lab's record atomically."""
    # The hosts' disks are below this folder; this machine's users must not read their private files.
    lab_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(state_file(lab_dir), json.dumps(asdict(state), indent=2))


def owner() -> Owner | None:
    """Return the owner of the lab that this machine runs; None if it runs none."""
    try:
        return Owner(**json.loads(MACHINE_RECORD.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        # We write the file atomically, so a damaged file is not ours and counts as missing.
        return None


def claim(mine: Owner) -> None:
    """Record that this machine's lab is `mine`."""
    _write(MACHINE_RECORD, json.dumps(asdict(mine)))


def release() -> None:
    """Record that this machine runs no lab."""
    MACHINE_RECORD.unlink(missing_ok=True)


def refuse_another(mine: Owner, found: Owner | None, *, is_alive: bool) -> None:
    """Refuse to go on if this machine runs a lab that is not `mine`.

    Raises:
        RefusedError: names the other lab and the remedy.
    """
    if found is None or found == mine or not is_alive:
        return
    if found.checkout == mine.checkout:
        remedy = f"run: LOANSTACK_STATE={Path(found.lab_dir).parent} .venv/bin/loanstack lab down"
    elif Path(found.checkout).is_dir():
        remedy = f"run `.venv/bin/loanstack lab down` in {found.checkout}"
    else:
        remedy = "that checkout is gone: run `.venv/bin/loanstack lab down --any` here"
    raise RefusedError(
        f"this machine already runs a lab, brought up from {found.checkout} with its state in "
        f"{found.lab_dir}; one machine runs one lab, because its networks and addresses exist once. "
        f"To end that one, {remedy}"
    )


def boot_id() -> str:
    """Return the id of the machine's current boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@contextmanager
def machine_lock() -> Iterator[None]:
    """Hold the lock of the machine's lab, so that no other command changes it.

    Raises:
        RefusedError: another command is changing the lab; names its process.
    """
    with _opened(MACHINE_LOCK) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            other = file.read().strip() or "another lab command"
            raise RefusedError(
                f"another command is changing this machine's lab: {other}; wait for it to end, or end it"
            ) from error
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} of {Path.cwd()}")
        file.flush()
        yield


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a+")
    except PermissionError as error:
        raise RefusedError(
            f"the lab belongs to root, not to user {os.geteuid()}; run this with sudo"
        ) from error


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.rename(path)
