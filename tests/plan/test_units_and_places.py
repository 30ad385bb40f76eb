"""Names of units, and places on hosts, that stand in more than one place mean the same everywhere."""

import re
from pathlib import Path, PurePosixPath

import pytest

from deploys.derived import footprints
from deploys.oceanbase.spec import ROOT_OPTIONS
from failover.agent.parts import Places
from failover.host.tool import LOCK_FILE
from inventory.availability import Failover
from inventory.model import Role
from inventory.places import PROJECT_ROOT
from tests.plan.kit import Site
from tests.unit.failover.simulated.service import WATCHDOG_MS

_UNIT = re.compile(
    r"(?<![$\w{}@./-])(?:loanstack-|etcd|nginx|haproxy|keepalived|chronyd)[\w-]*\.(?:service|timer)\b"
)
"""A unit that a component makes, or takes from a package."""
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


@pytest.fixture
def units(lab_site: Site, qinghai_site: Site) -> set[str]:
    """Every unit that a deploy writes, or keeps running."""
    found: set[str] = set()
    for site in (lab_site, qinghai_site):
        for host in site.env.hosts:
            files, _ = site.written(host.name)
            paths = [PurePosixPath(file.path) for file in files]
            found |= {path.name for path in paths if path.parent == _UNIT_FOLDER}
            found |= {unit for each in footprints(site.env, host) for unit in each.units}
    return found


def _named_in(text: str) -> set[str]:
    return set(_UNIT.findall(text))


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_files_on_hosts_name_units_that_exist(
    request: pytest.FixtureRequest, site_name: str, units: set[str]
) -> None:
    site: Site = request.getfixturevalue(site_name)
    seen: set[str] = set()
    for host in site.env.hosts:
        files, _ = site.written(host.name)
        for file in files:
            named = _named_in(file.content)
            assert named <= units, (host.name, file.path)
            seen |= named
    assert {"loanstack-firewall.service", "nginx.service", "loanstack-failover.service"} <= seen


def test_our_programs_name_units_that_exist(units: set[str]) -> None:
    seen: set[str] = set()
    for package in _NAMES_UNITS:
        for module in (PROJECT_ROOT / package).rglob("*.py"):
            named = _named_in(module.read_text())
            assert named <= units, module
            seen |= named
    assert "loanstack-oceanbase.service" in seen


def _database_settings(site: Site, host_name: str) -> dict[str, str]:
    files, _ = site.written(host_name)
    text = next(file.content for file in files if file.path == "/etc/loanstack/oceanbase.conf")
    return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, flags=re.MULTILINE))


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_the_agent_looks_where_the_database_is(request: pytest.FixtureRequest, site_name: str) -> None:
    site: Site = request.getfixturevalue(site_name)
    places = Places()
    for host in site.env.hosts_with(Role.OCEANBASE):
        settings = _database_settings(site, host.name)
        assert Path(settings["BASE_DIR"]) == places.base_dir
        assert Path(settings["ROOT_OPTIONS"]) == places.root_options == Path(ROOT_OPTIONS)
        assert Path(settings["RUN_DIR"]) == LOCK_FILE.parent
        files, folders = site.written(host.name)
        assert ROOT_OPTIONS in {file.path for file in files}
        assert str(places.base_dir) in {folder.path for folder in folders}


def test_the_agent_s_own_folder_is_not_the_database_s() -> None:
    """Its unit may write both, and `loanstack-db` empties its own."""
    assert Places().run_dir != LOCK_FILE.parent


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_the_unit_has_the_watchdog_of_its_inventory(request: pytest.FixtureRequest, site_name: str) -> None:
    site: Site = request.getfixturevalue(site_name)
    for host in site.env.hosts_with(Role.OCEANBASE):
        files, _ = site.written(host.name)
        unit = next(file.content for file in files if file.path.endswith("/loanstack-failover.service"))
        assert f"\nWatchdogSec={site.env.failover.watchdog_s}\n" in unit


def test_agents_are_simulated_with_the_watchdog_that_they_have() -> None:
    assert Failover().watchdog_s * 1000 == WATCHDOG_MS
