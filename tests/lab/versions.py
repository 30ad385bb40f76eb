"""Other versions of what runs on the lab's hosts, in its depot: good ones, and such as do not work."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from inventory import places
from inventory.places import PROJECT_ROOT
from lab import build, bundle, tarballs
from lab.tongweb import distribution, portal

Change = Callable[[Path], None]


def replace_in(path: Path, old: str, new: str) -> None:
    """Change a source file; the old text must be there."""
    text = path.read_text()
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1))


def portal_version(folder: Path, change: Change) -> Path:
    """Return the archive of a portal whose sources were changed."""
    return portal.build(folder, _changed(portal.SOURCES, folder / "portal", change))


def tongweb_version(folder: Path, change: Change) -> Path:
    """Return the archive of a TongWeb stand-in whose sources were changed."""
    return distribution.build(folder, _changed(distribution.SOURCES, folder / "tongweb", change))


def loan_version(folder: Path, change: Change) -> Path:
    """Return the archive of loan services whose sources were changed."""
    root = folder / "checkout"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    shutil.copyfile(PROJECT_ROOT / "pyproject.toml", root / "pyproject.toml")
    left_out = shutil.ignore_patterns("__pycache__", "portal")
    shutil.copytree(PROJECT_ROOT / "app_stub", root / "app_stub", ignore=left_out)
    change(root / "app_stub")
    [sources] = bundle.checkout_sources(root, names=("loan-services",))
    with build.locked(places.cache_dir()):
        return bundle.build(places.cache_dir(), sources)


def _changed(sources: Path, copy: Path, change: Change) -> Path:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(sources, copy)
    change(copy)
    return copy


class Depot:
    """The lab's depot, in which one artifact may be another than the checkout's."""

    def __init__(self) -> None:
        self._folder = places.lab_dir() / "depot" / "artifacts"
        self._sums = self._folder / "SHA256SUMS"
        self._before = self._sums.read_text()

    def offer(self, archive: Path, name: str) -> None:
        """List `archive` as the only one of its name."""
        target = self._folder / archive.name
        if not target.exists():
            shutil.copyfile(archive, target)
        is_one = re.compile(rf"  {name}-\d")
        kept = [line for line in self._before.splitlines() if not is_one.search(line)]
        self._write("\n".join([*kept, f"{tarballs.sha256_of(target)}  {archive.name}"]) + "\n")

    def restore(self) -> None:
        """List what the checkout has."""
        self._write(self._before)

    def _write(self, text: str) -> None:
        unfinished = self._sums.with_name(".SHA256SUMS")
        unfinished.write_text(text)
        unfinished.rename(self._sums)
