"""An installation that is unpacked once, and copied for each test that changes it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tongweb.installation import Installation, unpack_package


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product, unpacked and never started."""
    home = tmp_path_factory.mktemp("tongweb") / "package"
    unpack_package(home)
    return home


@pytest.fixture
def installation(package: Path, tmp_path: Path) -> Iterator[Installation]:
    """A copy of its own, configured and not started."""
    shutil.copytree(package, tmp_path / "tongweb")
    made = Installation(tmp_path / "tongweb")
    made.configure()
    yield made
    made.stop()
