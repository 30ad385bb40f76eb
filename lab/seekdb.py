"""The database's tarball: OceanBase's single-node server and its one library."""

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from inventory.artifacts import SEEKDB_VERSION
from lab import tarballs
from lab.commands import run

_WHEEL_SHA256 = "7c1c1e13148189af1332f69b896a818b674db3a4615c7caf1c9db05055738ad6"
"""Of the pylibseekdb wheel for CPython 3.11, x86_64, glibc >= 2.28, version `SEEKDB_VERSION`."""
_DOWNLOAD_DEADLINE_S = 600
_FILES = (
    ("pylibseekdb/seekdb", "bin/seekdb", 0o755),
    ("pylibseekdb/libaio.so.1", "lib/libaio.so.1", 0o644),
)


def archive_at(cache: Path) -> Path:
    """Return where the tarball is, or will be."""
    return cache / "artifacts" / f"seekdb-{SEEKDB_VERSION}-x86_64.tar.gz"


def build(cache: Path) -> Path:
    """Return the tarball; make it from the pinned wheel if the cache lacks it.

    Raises:
        LabError: the package index does not answer, or its file has another hash.
    """
    archive = archive_at(cache)
    if archive.exists():
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix="building-") as name:
        folder = Path(name)
        wheel = _download(folder)
        content = folder / "content"
        with zipfile.ZipFile(wheel) as packed:
            for source, target, mode in _FILES:
                path = content / target
                path.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(source) as reading, path.open("wb") as writing:
                    shutil.copyfileobj(reading, writing)
                path.chmod(mode)
        # The server searches its library in its own folder.
        (content / "bin/libaio.so.1").symlink_to("../lib/libaio.so.1")
        tarballs.write(archive, content, top=f"seekdb-{SEEKDB_VERSION}")
    return archive


def _download(folder: Path) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"pylibseekdb=={SEEKDB_VERSION} --hash=sha256:{_WHEEL_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"]
    platform = ["--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11"]
    run(
        [*command, *platform, "--abi=cp311", "--dest", str(folder), "-r", str(wanted)],
        doing=f"download seekdb {SEEKDB_VERSION}",
        deadline_s=_DOWNLOAD_DEADLINE_S,
    )
    return next(folder.glob("*.whl"))
