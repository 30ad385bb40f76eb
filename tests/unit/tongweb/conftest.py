"""An installation that is unpacked once, and copied for each test that changes it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.tongweb import portal as war
from tests.unit.tongweb.installation import Installation, unpack_package
from tests.unit.tongweb.portal_channel import BODY_BYTES_MAX, DEADLINE_MS, Channel
from tests.unit.tongweb.services import Service


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


@pytest.fixture(scope="module")
def running(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    folder = tmp_path_factory.mktemp("portal")
    shutil.copytree(package, folder / "tongweb")
    installation = Installation(folder / "tongweb")
    services = (Service(), Service())
    for each in services:
        each.start()
    out = folder / "out-of-rotation"
    out.mkdir()
    listed = ",".join(f"127.0.0.1:{each.port}" for each in services)
    installation.configure(**{"GBK": "UTF-8", "TRACE,OPTIONS,HEAD,CONNECT,DELETE": "TRACE,CONNECT"})
    options = installation.home / "bin/external.vmoptions"
    options.write_text(
        f"{options.read_text()}-Dportal.services={listed}\n-Dportal.out-of-rotation={out}\n"
        f"-Dportal.deadline.ms={DEADLINE_MS}\n-Dportal.body.bytes={BODY_BYTES_MAX}\n"
        "-Dportal.connect.ms=60000\n-Dportal.look.ms=60000\n"
    )
    war.write_war(installation.home / "autodeploy" / war.WAR)
    installation.start()
    yield Channel(installation, services, out)
    installation.stop()
    for each in services:
        each.stop()
