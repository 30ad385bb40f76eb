"""Bundles for hosts: each is one tarball with a package of ours, its locked libraries and a Python.

A bank's hosts have an old Python or none, so the bundles bring their own (`lab.runtime`). Runtime and
libraries are cached separately, so that a change of our package needs only a new packing.
"""

import hashlib
import shutil
import sys
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from inventory.artifacts import BUNDLE_LIBRARIES, BUNDLE_PYTHON
from inventory.places import PROJECT_ROOT
from lab import runtime, tarballs
from lab.architecture import NATIVE, Architecture
from lab.commands import run
from lab.errors import RefusedError

PACKAGES = {
    "loan-services": ("app_stub",),
    "failover-agent": ("failover",),
    "host-tools": ("hosttools",),
    "load-generator": ("loadtests", "proof", "processes", "inventory"),
}
"""Our packages in each bundle, by the bundle's name; the first one has the list of the libraries."""

_RECIPE_VERSION = 2
"""Raise this number if a change of this module changes the content of bundles."""
_LEFT_OUT = frozenset({"__pycache__", "portal"})
"""Folders of our packages that bundles leave out; the portal is Java, and has its own artifact."""
_PLATFORMS = ("_2_28", "_2_27", "_2_17", "2014", "_2_5", "1")
"""The manylinux platforms of wheels that load on hosts with glibc 2.28."""
_DEADLINE_S = 600


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files of this checkout that a bundle is made from."""

    name: str
    lock_file: Path
    package: Path
    base_version: str
    others: tuple[Path, ...] = ()
    """Packages that it imports."""

    def package_files(self) -> list[Path]:
        """Return the files of the packages that go to hosts."""
        return sorted(
            path
            for package in (self.package, *self.others)
            for path in package.rglob("*")
            if path.is_file() and _LEFT_OUT.isdisjoint(path.relative_to(package).parts)
        )


def checkout_sources(
    root: Path = PROJECT_ROOT, names: Collection[str] = tuple(PACKAGES)
) -> tuple[Sources, ...]:
    """Return what this checkout has, for each bundle.

    + names: names of the wanted bundles

    Raises:
        RefusedError: the lock file of a bundle's libraries is missing.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    found = []
    for name, (package, *others) in PACKAGES.items():
        if name not in names:
            continue
        lock_file = root / package / "requirements.lock"
        if not lock_file.exists():
            raise RefusedError(f"{lock_file} is missing: {name}'s libraries are unknown; run: make lock")
        found.append(
            Sources(
                name=name,
                lock_file=lock_file,
                package=root / package,
                base_version=version,
                others=tuple(root / each for each in others),
            )
        )
    return tuple(found)


def version_of(sources: Sources) -> str:
    """Return the version: the project's, and 12 hex digits of a hash of the bundle's sources."""
    digest = tarballs.digest_of((_RECIPE_VERSION, runtime.version()), _named(sources))
    return f"{sources.base_version}+{digest}"


def build(cache: Path, sources: Sources, architecture: Architecture = NATIVE) -> Path:
    """Return the bundle for `sources`; build the parts that the cache lacks.

    + architecture: architecture of the hosts that the bundle is for

    Raises:
        LabError: a download failed or has another hash than the lock file says.
    """
    arch = architecture.arch

    def fill(content: Path) -> None:
        shutil.copytree(runtime.ensure(cache, architecture), content, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(_libraries(cache, sources, arch), content / BUNDLE_LIBRARIES, dirs_exist_ok=True)
        for path in sources.package_files():
            target = content / BUNDLE_LIBRARIES / path.relative_to(sources.package.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        for package in (sources.package, *sources.others):
            runtime.compile_in(content / BUNDLE_LIBRARIES / package.name, runtime.ensure(cache))

    return tarballs.cached(cache / "artifacts", sources.name, version_of(sources), fill, arch)


def needs_registries(cache: Path, sources: Sources, architecture: Architecture = NATIVE) -> bool:
    """Say whether the runtime or the libraries have to be downloaded."""
    parts = (
        runtime.folder_of(cache, architecture),
        runtime.folder_of(cache),
        _libraries_folder(cache, sources.lock_file, architecture.arch),
    )
    return not all(part.exists() for part in parts)


def _named(sources: Sources) -> Iterable[tuple[str, Path]]:
    yield "requirements.lock", sources.lock_file
    for path in sources.package_files():
        yield str(path.relative_to(sources.package.parent)), path


def _libraries_folder(cache: Path, lock_file: Path, arch: str) -> Path:
    recipe = repr((_RECIPE_VERSION, runtime.version(), str(arch))).encode()
    key = hashlib.sha256(recipe + lock_file.read_bytes()).hexdigest()[:16]
    return cache / "libraries" / key


def _libraries(cache: Path, sources: Sources, arch: str) -> Path:
    folder = _libraries_folder(cache, sources.lock_file, arch)
    if folder.exists():
        return folder
    building = folder.with_name(f"building-{folder.name}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--no-compile",
    ]
    platforms = [f"--platform=manylinux{name}_{arch}" for name in _PLATFORMS]
    target = [
        "--only-binary=:all:",
        *platforms,
        f"--python-version={BUNDLE_PYTHON}",
        f"--abi=cp{BUNDLE_PYTHON.replace('.', '')}",
        "--abi=abi3",
        "--abi=none",
    ]
    run(
        [*command, *target, "--target", str(building), "-r", str(sources.lock_file)],
        doing=f"download the libraries of {sources.name} ({arch})",
        deadline_s=_DEADLINE_S,
    )
    # Console scripts point at the interpreter that ran pip.
    shutil.rmtree(building / "bin", ignore_errors=True)
    runtime.compile_in(building, runtime.ensure(cache))
    building.rename(folder)
    return folder
