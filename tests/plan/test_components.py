"""What components say of themselves is what they do, and is what the inventory checks."""

import pkgutil
import re
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import PurePosixPath

import pytest

import deploys
from chaos.system import host_fault
from deploys import rotation
from deploys.alertmanager import spec as alertmanager
from deploys.baseline.facts import SessionOrigin
from deploys.baseline.spec import SSH_PORT
from deploys.components import COMPONENTS
from deploys.content import AUTHORITY
from deploys.derived import components_on, footprints, packages_for
from deploys.etcd import spec as etcd
from deploys.failover import spec as failover
from deploys.loan_services import spec as loan_services
from deploys.oceanbase import spec as oceanbase
from deploys.platform import STAND_IN
from deploys.tongweb import spec as tongweb
from inventory import places
from inventory.model import Host, Role
from inventory.validation import ARTIFACTS_OF_ROLE, listening_ports
from lab.rpm_repo import ROOTS
from tests.plan.kit import Site, fresh

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_USER = re.compile(r"^User=(\S+)$", re.MULTILINE)
_ENABLES = re.compile(r"systemctl enable --quiet (\S+)")


@pytest.fixture(params=["lab_site", "qinghai_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def _plan(site: Site, host: Host) -> str:
    origin = site.env.management_network.partition("/")[0]
    facts = fresh() | {SessionOrigin: lambda: origin}
    return "\n".join(str(command) for p in site.plan(host.name, facts) for command in p.commands)


def test_every_component_is_in_the_list() -> None:
    packages = (name for _, name, is_package in pkgutil.iter_modules(deploys.__path__) if is_package)
    modules = (import_module(f"deploys.{name}") for name in packages)
    described = {module.COMPONENT.package for module in modules if hasattr(module, "COMPONENT")}
    assert {component.package for component in COMPONENTS} == described
    assert len({component.name for component in COMPONENTS}) == len(COMPONENTS)


def test_what_describes_a_component_imports_no_pyinfra() -> None:
    """pyinfra patches the process that imports it; verify, drills and reports read descriptions and specs."""
    deploys_folder = places.PROJECT_ROOT / "deploys"
    files = [*deploys_folder.glob("*/__init__.py"), *deploys_folder.glob("*/spec.py")]
    names = [
        ".".join(file.relative_to(places.PROJECT_ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in files
    ]
    assert {
        f"deploys.{name}" for name in ("baseline.spec", "failover.spec", "oceanbase.spec", "tongweb")
    } <= {*names}
    program = "import sys\n" + "".join(
        f"import {name}\nassert not {{'pyinfra', 'gevent'}} & {{*sys.modules}}, {name!r}\n" for name in names
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=places.PROJECT_ROOT
    )
    assert done.returncode == 0, done.stderr


def test_each_file_has_one_writer(site: Site) -> None:
    """Two writers whose texts differ in a byte would write it twice at each deploy."""
    for host in site.env.hosts:
        count = Counter(file.path for file in site.written(host.name)[0])
        twice = {path for path, times in count.items() if times > 1}
        # Loan services and portals may be on one host; the tool is the same file of the project for both.
        assert twice <= {rotation.TOOL}, host.name
        assert count[AUTHORITY] == 1, host.name


def test_ports_are_those_that_the_inventory_checks_for_clashes(site: Site) -> None:
    for host in site.env.hosts:
        ports = {
            port.number
            for found in footprints(site.env, host)
            for port in found.ports
            if port.protocol == "tcp"
        }
        assert ports | {SSH_PORT} == {number for _, number in listening_ports(site.env, host)}, host.name


def test_what_prometheus_scrapes_is_open_to_monitors(site: Site) -> None:
    for host in site.env.hosts:
        for found in footprints(site.env, host):
            open_to_monitors = {port.number for port in found.ports if Role.MONITOR in port.opened_to}
            assert {scrape.port for scrape in found.scrapes} == open_to_monitors, host.name


def test_artifacts_are_those_that_the_inventory_asks_for(site: Site) -> None:
    found = {
        (role, artifact.name)
        for host in site.env.hosts
        for component in components_on(host)
        for role in component.roles
        for artifact in component.footprint(site.env, host).artifacts
    }
    assert found == {(role, name) for role, name in ARTIFACTS_OF_ROLE if site.env.hosts_with(role)}


def test_units_are_those_that_a_deploy_enables(site: Site) -> None:
    for host in site.env.hosts:
        units = {unit for found in footprints(site.env, host) for unit in found.units}
        assert set(_ENABLES.findall(_plan(site, host))) == units, host.name


def test_secret_files_are_those_with_a_secret(lab_site: Site) -> None:
    secrets = [value for value in lab_site.secrets.named.values() if value]
    for host in lab_site.env.hosts:
        files, _ = lab_site.written(host.name)
        secret = [file for file in files if any(value in file.content for value in secrets)]
        has = tuple(footprints(lab_site.env, host))
        declared = {(path, "root", 0o600) for each in has for path in each.secret_files}
        declared |= {(path, user, 0o400) for each in has for path, user in each.service_secret_files}
        assert {(file.path, file.user, file.mode) for file in secret} == declared, host.name


def test_certificate_files_are_those_with_a_certificate(lab_site: Site) -> None:
    for host in lab_site.env.hosts:
        files, _ = lab_site.written(host.name)
        found = {file.path for file in files if _CERTIFICATE in file.content} - {AUTHORITY}
        declared = {path for each in footprints(lab_site.env, host) for path in each.certificate_files}
        assert found == declared, host.name


def test_accounts_are_those_of_the_written_units(lab_site: Site) -> None:
    for host in lab_site.env.hosts:
        files, _ = lab_site.written(host.name)
        users = ((PurePosixPath(file.path).name, _USER.search(file.content)) for file in files)
        found = {(unit, user[1]) for unit, user in users if user is not None}
        declared = {pair for each in footprints(lab_site.env, host) for pair in each.accounts}
        # Their packages write these units, and a deploy only adds to them.
        packaged = {
            (etcd.UNIT, etcd.EtcdSpec.user),
            (STAND_IN.alertmanager_unit, alertmanager.USER),
        }
        assert found - declared == set(), host.name
        assert declared - found <= packaged, host.name


def test_the_lab_s_depot_has_the_packages_that_its_hosts_install(lab_site: Site) -> None:
    wanted = {name for host in lab_site.env.hosts for name in packages_for(lab_site.env, host)}
    assert wanted | {STAND_IN.mariadb_package} == set(ROOTS)


def test_drills_break_the_units_that_a_deploy_makes() -> None:
    assert host_fault.DATABASE_UNIT == failover.DATABASE_UNIT
    assert (host_fault.DATABASE_DIR, host_fault.DATABASE_USER) == (oceanbase.BASE_DIR, oceanbase.USER)
    assert host_fault.AGENT_UNIT == failover.AGENT_UNIT
    assert host_fault.ETCD_UNIT == etcd.UNIT
    assert host_fault.TONGWEB_UNIT == tongweb.UNIT
    assert host_fault.LOAN_UNIT == loan_services.UNIT
