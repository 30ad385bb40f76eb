"""Writes reproducible tar archives: equal files give equal bytes."""

import gzip
import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from inventory.model import Arch

_EPOCH_S = 0
_COMPRESSION = 3
"""Compression level of 9: the hosts are on this machine, so fast packing matters more than a small file."""
_KEPT = 4
"""Number of versions of an archive that the cache keeps, for each architecture."""


def write(archive: Path, content: Path, *, top: str) -> None:
    """Pack the folder `content` as `archive`, below the folder name `top`, atomically.

    + archive: the .tar.gz to write
    + top: first folder of every path in it
    """
    unfinished = archive.with_name(f".{archive.name}")
    with (
        unfinished.open("wb") as raw,
        gzip.GzipFile(
            filename="", mode="wb", fileobj=raw, compresslevel=_COMPRESSION, mtime=_EPOCH_S
        ) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (content, *sorted(content.rglob("*"))):
            name = top if path == content else f"{top}/{path.relative_to(content)}"
            tar.add(path, arcname=name, recursive=False, filter=_anonymous)
    unfinished.rename(archive)


def cached(
    folder: Path, name: str, version: str, fill: Callable[[Path], None], arch: str = Arch.X86_64
) -> Path:
    """Return the archive of one version of `name`; make it if it is missing, and delete the oldest versions.

    + folder: folder of archives; made if missing
    + fill: writes the content of the archive into an empty folder
    + arch: architecture of the hosts that it is for
    """
    archive = folder / f"{name}-{version}-{arch}.tar.gz"
    if archive.exists():
        archive.touch()
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="building-") as building:
        content = Path(building) / "content"
        content.mkdir()
        fill(content)
        write(archive, content, top=f"{name}-{version}")
    _forget_old(folder, name, arch)
    return archive


def digest_of(recipe: object, files: Iterable[tuple[str, Path]]) -> str:
    """Return 12 hex digits of a hash over `recipe` and over names and contents of `files`."""
    digest = hashlib.sha256(repr(recipe).encode())
    for name, path in files:
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums_of(files: list[Path]) -> str:
    """Return a listing of `files` as sha256sum writes it, names without folders."""
    return "".join(f"{sha256_of(path)}  {path.name}\n" for path in sorted(files, key=lambda p: p.name))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = _EPOCH_S
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def _forget_old(folder: Path, name: str, arch: str) -> None:
    archives = sorted(folder.glob(f"{name}-*-{arch}.tar.gz"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in archives[_KEPT:]:
        old.unlink()
