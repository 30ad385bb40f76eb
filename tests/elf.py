"""What programs and libraries in artifacts ask of a host: its architecture, and how new its glibc must be."""

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

KYLIN_V10_GLIBC = (2, 28)
_MAGIC = b"\x7fELF"
_ARCHIVES = (".jar", ".war", ".whl", ".zip")
_MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}
_NUMBERED = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")


@dataclass(frozen=True, kw_only=True)
class Elf:
    """One program or library."""

    path: str
    """In its artifact; what is in an archive there has a `!` before its own path."""
    machine: str
    """As `uname -m` calls it; ELF's own name if it is another."""
    glibc: frozenset[str]
    """Versions of glibc's symbols that it needs, such as `GLIBC_2.17`."""


def read(path: str, content: bytes) -> Elf:
    """Return what the ELF file `content` asks of a host.

    Raises:
        ValueError: it has no section headers; it would start without them, on a glibc that nobody read here.
    """
    file = ELFFile(io.BytesIO(content))
    if not file.num_sections() and file.num_segments():
        raise ValueError(f"{path} has no section headers, so the glibc that it needs is unknown")
    needed = (section for section in file.iter_sections() if isinstance(section, GNUVerNeedSection))
    names = (
        version.name for section in needed for _, versions in section.iter_versions() for version in versions
    )
    machine = file["e_machine"]
    return Elf(
        path=path,
        machine=_MACHINES.get(machine, machine),
        glibc=frozenset(name for name in names if name.startswith("GLIBC_")),
    )


def newest(elves: list[Elf]) -> str | None:
    """Return the newest numbered version of glibc's symbols that `elves` need; None: they need none."""
    numbered = {name for elf in elves for name in elf.glibc if _NUMBERED.fullmatch(name)}
    return max(numbered, key=_number, default=None)


def unfit(elves: list[Elf], *, arch: str, glibc: tuple[int, ...] = KYLIN_V10_GLIBC) -> list[str]:
    """Return one line for each of `elves` that does not start on a host.

    Symbol versions without a number are unfit: they stand for a feature of newer loaders
    (`GLIBC_ABI_DT_RELR`), or for functions that only glibc itself may call (`GLIBC_PRIVATE`).

    + arch: architecture of the host
    + glibc: version of the host's glibc
    """
    found = []
    for elf in elves:
        if elf.machine != arch:
            found.append(f"{elf.path} is for {elf.machine}, not {arch}")
        found += [
            f"{elf.path} needs {name}"
            for name in sorted(elf.glibc)
            if not _NUMBERED.fullmatch(name) or _number(name) > glibc
        ]
    return found


def elves_of(artifact: Path) -> list[Elf]:
    """Return all programs and libraries in a tarball or a zip file, and in archives inside it."""
    if not artifact.name.endswith(".tar.gz"):
        return list(_elves_in(artifact.name, artifact.read_bytes()))
    found: list[Elf] = []
    with tarfile.open(artifact) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                found += _elves_in(member.name, file.read())
    return found


def _elves_in(path: str, content: bytes) -> Iterator[Elf]:
    if content.startswith(_MAGIC):
        yield read(path, content)
    elif path.endswith(_ARCHIVES):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield from _elves_in(f"{path}!{name}", packed.read(name))


def _number(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.removeprefix("GLIBC_").split("."))
