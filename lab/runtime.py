"""The Python of the bundles: one that starts on Kylin V10, whose glibc is 2.28.

Debian's Python needs a newer glibc. This one is CPython as python-build-standalone builds it: the program
contains its libraries, and no symbol that it needs is newer than GLIBC_2.17. No package registry has these
builds themselves, but a Go module has them, which was made to embed a Python in programs; Go's ordinary
client downloads it. The runtime of each architecture is cached by its recipe.
"""

import fnmatch
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from inventory.artifacts import BUNDLE_PYTHON
from lab.architecture import NATIVE, Architecture
from lab.commands import run
from lab.errors import LabError

MODULE = "github.com/kluctl/go-embed-python@v0.0.0-3.14.6-20260610-1"
"""Its version names those of CPython and of python-build-standalone."""
_MODULE_HASH = "h1:oGUS7++Wm3LgxUfD6AmJgKbKQD2wdQFO9PzyJv6T+E4="
"""What `go mod download -json` must call its `Sum`: a hash over names and contents of all files."""
_RECIPE_VERSION = 1
"""Raise this number if a change of this module changes the content of runtimes."""
_NAME = f"python{BUNDLE_PYTHON}"
_PROGRAMS = ("bin/python3", f"bin/{_NAME}")
_STANDARD_LIBRARY = PurePosixPath("lib", _NAME)
_LEFT_OUT = (
    "_ctypes_test*",
    "_test*",
    "_tkinter*",
    "config-*",
    "ensurepip",
    "idlelib",
    "pydoc_data",
    "site-packages",
    "tkinter",
    "turtle*",
)
"""Parts of the standard library that no service needs: tests, windows, pip, and what builds extensions."""
_DOWNLOAD_DEADLINE_S = 600
_COMPILE_DEADLINE_S = 120


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the module's list of files."""

    name: PurePosixPath
    is_folder: bool
    is_program: bool
    is_compressed: bool
    link_to: str | None


def version() -> str:
    """Return what the content of runtimes depends on, for the versions of bundles."""
    recipe = repr((_RECIPE_VERSION, MODULE, _MODULE_HASH, _PROGRAMS, _LEFT_OUT))
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def folder_of(cache: Path, architecture: Architecture = NATIVE) -> Path:
    """Return where the runtime is, or will be."""
    return cache / "runtimes" / f"{version()}-{architecture.arch}"


def ensure(cache: Path, architecture: Architecture = NATIVE) -> Path:
    """Return the folder of the runtime, with `bin` and `lib`; make it if the cache lacks it.

    Raises:
        LabError: Go is not installed, its proxy does not answer, or the module has another hash than ours.
    """
    folder = folder_of(cache, architecture)
    if folder.exists():
        return folder
    # This machine's own runtime compiles the others: compiled code is the same for every architecture.
    compiler = None if architecture is NATIVE else ensure(cache)
    building = folder.with_name(f"building-{folder.name}")
    shutil.rmtree(building, ignore_errors=True)
    unpacked = building / "unpacked"
    unpacked.mkdir(parents=True)
    unpack(_download(building) / f"python/internal/data/linux-{architecture.debian}", unpacked)
    compile_in(unpacked / _STANDARD_LIBRARY, compiler or unpacked)
    unpacked.rename(folder)
    shutil.rmtree(building)
    return folder


def compile_in(folder: Path, runtime: Path) -> None:
    """Compile all modules in `folder`, so that programs, which may not write there, need not at each start.

    Compiled files are never checked against their sources, because the content is fixed.

    + runtime: a runtime for this machine

    Raises:
        LabError: a module cannot be compiled; names it.
    """
    compiling = ["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    run(
        [str(runtime / "bin/python3"), *compiling],
        doing=f"compile {folder.name}",
        deadline_s=_COMPILE_DEADLINE_S,
    )


def entries_of(listing: str) -> Iterator[Entry]:
    """Read the module's `files.json`, and return the entries that bundles need.

    + listing: text of the file
    """
    for each in json.loads(listing)["files"]:
        entry = _entry(each)
        if _is_needed(entry.name):
            yield entry


def unpack(source: Path, target: Path) -> None:
    """Write the files that bundles need as the module lists them.

    + source: the module's folder of one architecture
    + target: empty folder

    Raises:
        LabError: the list leads out of the folder, or has no Python of our version.
    """
    for entry in entries_of((source / "files.json").read_text()):
        if ".." in entry.name.parts or entry.name.is_absolute():
            raise LabError(f"{MODULE} lists {entry.name}, which is outside of the runtime; do not use it")
        path = target / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.link_to is not None:
            path.symlink_to(entry.link_to)
        elif entry.is_folder:
            path.mkdir(exist_ok=True)
        else:
            _write(source / entry.name, path, is_compressed=entry.is_compressed)
            path.chmod(0o755 if entry.is_program else 0o644)
    if not (target / "bin" / _NAME).exists():
        raise LabError(f"{MODULE} has no bin/{_NAME}; make MODULE and BUNDLE_PYTHON agree")


def _entry(listed: dict[str, Any]) -> Entry:
    # Go's os.FileMode: its highest bit says folder, its lowest nine are the permissions.
    mode = listed["perm"]
    return Entry(
        name=PurePosixPath(listed["name"]),
        is_folder=bool(mode >> 31),
        is_program=bool(mode & 0o100),
        is_compressed=listed.get("compressed", False),
        link_to=listed.get("symlink"),
    )


def _is_needed(name: PurePosixPath) -> bool:
    if not name.is_relative_to(_STANDARD_LIBRARY):
        return str(name) in _PROGRAMS
    inside = name.relative_to(_STANDARD_LIBRARY).parts
    return not any(fnmatch.fnmatch(part, pattern) for part in inside for pattern in _LEFT_OUT)


def _write(source: Path, target: Path, *, is_compressed: bool) -> None:
    if not is_compressed:
        shutil.copyfile(source, target)
        return
    with gzip.open(f"{source}.gz") as reading, target.open("wb") as writing:
        shutil.copyfileobj(reading, writing)


def _download(building: Path) -> Path:
    """Download the module into a module cache of its own, and return its folder.

    A shared module cache would return what it holds without looking at the files again.
    """
    said = run(
        ["go", "mod", "download", "-json", MODULE],
        doing=f"download {MODULE}",
        deadline_s=_DOWNLOAD_DEADLINE_S,
        environment={**os.environ, "GOMODCACHE": str(building / "modules"), "GOFLAGS": "-modcacherw"},
        # In a folder with a go.mod, Go would write into it.
        folder=building,
    )
    found = json.loads(said)
    if found["Sum"] != _MODULE_HASH:
        raise LabError(
            f"{MODULE} has the hash {found['Sum']}, not {_MODULE_HASH}: somebody changed its content; "
            "do not use it, and look which proxy it came from: go env GOPROXY"
        )
    return Path(found["Dir"])
