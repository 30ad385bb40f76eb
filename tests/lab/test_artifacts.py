"""Every artifact that the lab makes starts on Kylin V10: glibc 2.28, and the architecture of its name.

They come from the cache, or are made; the lab itself need not be up. Packages of hosts are not looked at.
"""

import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from inventory import places
from inventory.artifacts import BUNDLE_PYTHON
from lab import architecture, build, bundle, seekdb
from lab.architecture import NATIVE, Architecture
from tests import elf

NOT_FOR_KYLIN = {"jdk": "GLIBC_2.34"}
"""Artifacts that do not start there, with the newest version that they need. The Java runtime is made from
Debian's OpenJDK for the lab's hosts; a bank brings the one that its TongWeb is certified with."""

NO_WHEELS = {("load-generator", "aarch64"): "hdrhistogram has no wheel for aarch64"}
BUNDLES = [
    (name, each)
    for each in architecture.ALL
    for name in bundle.PACKAGES
    if (name, each.arch) not in NO_WHEELS
]


def bundle_of(name: str, kind: Architecture) -> Path:
    [sources] = bundle.checkout_sources(names=(name,))
    with build.locked(places.cache_dir()):
        return bundle.build(places.cache_dir(), sources, kind)


@pytest.mark.parametrize(("name", "kind"), BUNDLES, ids=[f"{name}-{kind.arch}" for name, kind in BUNDLES])
def test_a_bundle_starts_on_kylin(name: str, kind: Architecture) -> None:
    elves = elf.elves_of(bundle_of(name, kind))
    assert any(each.path.endswith(f"/bin/python{BUNDLE_PYTHON}") for each in elves)
    assert elf.unfit(elves, arch=kind.arch) == []


OTHERS: dict[str, Callable[[Path], Path]] = {
    "seekdb": seekdb.build,
    **{each.NAME: each.build for each in build.TONGWEB_ARTIFACTS},
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_artifact_starts_on_kylin_or_is_known_not_to(name: str) -> None:
    with build.locked(places.cache_dir()):
        artifact = OTHERS[name](places.cache_dir())
    elves = elf.elves_of(artifact)
    if name in NOT_FOR_KYLIN:
        assert elf.newest(elves) == NOT_FOR_KYLIN[name]
    else:
        assert elf.unfit(elves, arch=NATIVE.arch) == []


IMPORT_ALL = """
import ast, importlib, pathlib, pkgutil, sys
assert sys.version.startswith(sys.argv[1]), sys.version
for package in sys.argv[2:]:
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, prefix=f"{package}."):
        if not module.name.endswith((".__main__", ".locustfile")):
            importlib.import_module(module.name)
    for path in pathlib.Path(found.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                system = node.value.id in ("fcntl", "os", "resource", "select", "signal", "socket", "time")
                if system and not hasattr(importlib.import_module(node.value.id), node.attr):
                    print(f"{path}:{node.lineno}: no {node.value.id}.{node.attr}")
"""


@pytest.mark.parametrize("name", bundle.PACKAGES)
def test_a_bundles_python_has_what_its_packages_use(name: str, tmp_path: Path) -> None:
    """It was built for old systems: it lacks `os.pidfd_open`, for one, which this machine's Python has."""
    with tarfile.open(bundle_of(name, NATIVE)) as tar:
        tar.extractall(tmp_path, filter="tar")
    [top] = tmp_path.iterdir()
    done = subprocess.run(
        [str(top / "bin/python3"), "-I", "-c", IMPORT_ALL, BUNDLE_PYTHON, *bundle.PACKAGES[name]],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
