"""Names of units, and places on hosts, that stand in more than one place mean the same everywhere."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import msgspec
import pytest

from chaos.catalogue.channel_faults import TONGWEB_ADDRESS
from deploys.derived import footprints
from deploys.mariadb import deploy as mariadb
from deploys.mariadb.spec import mariadb_spec
from deploys.oceanbase.spec import ROOT_OPTIONS
from deploys.tongweb.deploy import SETTINGS
from failover.agent.dependencies import HostPaths
from failover.host.tool import LOCK_FILE
from hosttools.oceanbase.settings import Settings as DatabaseSettings
from inventory.availability import Failover
from inventory.model import Role
from inventory.places import PROJECT_ROOT
from tests.plan.kit import Site
from tests.unit.failover.simulated.service import WATCHDOG_MS

_UNIT = re.compile(
    r"(?<![$\w{}@./-])(?:loanstack-|etcd|nginx|haproxy|keepalived|chronyd)[\w-]*\.(?:service|timer)\b"
)
"""A unit that a component makes, or takes from a package."""
_SETTINGS = re.compile(r"/etc/loanstack/[a-z_/-]+\.(?:json|conf)\b")
_UNIT_FOLDER = PurePosixPath("/etc/systemd/system")
_NAMES_UNITS = (
    "app_stub",
    "chaos",
    "failover",
    "hosttools",
    "lab",
    "loadtests",
    "loanstack",
    "processes",
    "proof",
)
"""Packages of ours that know nothing of `deploys`, or may choose not to ask it."""


@pytest.fixture(params=["lab_site", "qinghai_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def _units(site: Site) -> set[str]:
    """Return every unit that a deploy writes, or keeps running."""
    found: set[str] = set()
    for host in site.env.hosts:
        files, _ = site.written(host.name)
        paths = [PurePosixPath(file.path) for file in files]
        found |= {path.name for path in paths if path.parent == _UNIT_FOLDER}
        found |= {unit for each in footprints(site.env, host) for unit in each.units}
    return found


def _named_in(text: str) -> set[str]:
    return set(_UNIT.findall(text))


def test_files_on_hosts_name_units_that_exist(site: Site) -> None:
    units, seen = _units(site), set[str]()
    for host in site.env.hosts:
        files, _ = site.written(host.name)
        for file in files:
            named = _named_in(file.content)
            assert named <= units, (host.name, file.path)
            seen |= named
    assert {"loanstack-firewall.service", "nginx.service", "loanstack-failover.service"} <= seen


def test_our_programs_name_units_that_exist(lab_site: Site) -> None:
    units, seen = _units(lab_site), set[str]()
    for package in _NAMES_UNITS:
        for module in (PROJECT_ROOT / package).rglob("*.py"):
            named = _named_in(module.read_text())
            assert named <= units, module
            seen |= named
    assert {"loanstack-oceanbase.service", "etcd.service"} <= seen


def test_our_programs_name_settings_that_the_deploy_writes(lab_site: Site) -> None:
    files = [file for host in lab_site.env.hosts for file in lab_site.written(host.name)[0]]
    # A database that a deploy takes in the place of the usual one, when it is told so.
    files += mariadb.files_of(mariadb_spec(lab_site.env, lab_site.env.host("ob-a"), lab_site.secrets))
    written = {file.path for file in files}
    seen: set[str] = set()
    for package in _NAMES_UNITS:
        for module in (PROJECT_ROOT / package).rglob("*.py"):
            named = set(_SETTINGS.findall(module.read_text()))
            assert named <= written, module
            seen |= named
    assert "/etc/loanstack/tongweb.json" in seen


def test_a_hung_tongweb_is_called_where_gateways_call_it(site: Site, tmp_path: Path) -> None:
    for host in site.env.hosts_with(Role.TONGWEB):
        files, _ = site.written(host.name)
        settings = tmp_path / "tongweb.json"
        settings.write_text(next(file.content for file in files if file.path == SETTINGS))
        command = f"{TONGWEB_ADDRESS}\necho $address".replace(SETTINGS, str(settings))
        found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
        assert found.stdout == f"{host.address}\n"


def _database_settings(site: Site, host_name: str) -> DatabaseSettings:
    files, _ = site.written(host_name)
    text = next(file.content for file in files if file.path == "/etc/loanstack/oceanbase.json")
    return msgspec.json.decode(text, type=DatabaseSettings)


def test_the_agent_looks_where_the_database_is(site: Site) -> None:
    paths = HostPaths()
    for host in site.env.hosts_with(Role.OCEANBASE):
        settings = _database_settings(site, host.name)
        assert settings.data == paths.base_dir
        assert Path(settings.root_options) == paths.root_options == Path(ROOT_OPTIONS)
        assert Path(settings.run_dir) == LOCK_FILE.parent
        files, folders = site.written(host.name)
        assert ROOT_OPTIONS in {file.path for file in files}
        assert str(paths.base_dir) in {folder.path for folder in folders}


def test_the_unit_has_the_watchdog_of_its_inventory(site: Site) -> None:
    for host in site.env.hosts_with(Role.OCEANBASE):
        files, _ = site.written(host.name)
        unit = next(file.content for file in files if file.path.endswith("/loanstack-failover.service"))
        assert f"\nWatchdogSec={site.env.failover.watchdog_s}\n" in unit


def test_agents_are_simulated_with_the_watchdog_that_they_have() -> None:
    assert Failover().watchdog_s * 1000 == WATCHDOG_MS
