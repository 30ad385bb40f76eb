"""What the deploy writes for the tools of hosts is what the tools read."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from deploys import rotation
from deploys.content import TEMPLATES
from deploys.etcd import deploy as etcd
from deploys.host_tools import COMPONENT
from deploys.host_tools.spec import command
from deploys.loan_services import deploy as loan_services
from deploys.mariadb import deploy as mariadb
from deploys.oceanbase import deploy as oceanbase
from deploys.tongweb import deploy as tongweb
from failover.host.tool import LOCK_FILE
from hosttools.etcd.settings import load as load_etcd
from hosttools.mariadb.settings import load as load_mariadb
from hosttools.oceanbase.settings import load as load_oceanbase
from hosttools.rotation.settings import load as load_rotation
from hosttools.tongweb.settings import load as load_tongweb
from tests.plan.kit import Site


@pytest.fixture(params=["lab_site", "qinghai_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(
    ("part", "variable", "load"),
    [
        (etcd, "LOANSTACK_ETCD_SETTINGS", load_etcd),
        (mariadb, "LOANSTACK_MARIADB_SETTINGS", load_mariadb),
        (tongweb, "LOANSTACK_TONGWEB_SETTINGS", load_tongweb),
        (oceanbase, "LOANSTACK_DB_SETTINGS", load_oceanbase),
    ],
)
def test_a_tool_reads_the_settings_that_the_deploy_writes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: object, variable: str, load: object
) -> None:
    component = import_module(part.__name__.rpartition(".")[0]).COMPONENT
    hosts = [host for host in site.env.hosts if component.is_on(host)]
    assert hosts
    for host in hosts:
        spec = part.spec_of(site.context(host.name))
        (content,) = (file.content for file in part.files_of(spec) if file.path == part.SETTINGS)
        path = tmp_path / f"{host.name}.json"
        path.write_text(content)
        monkeypatch.setenv(variable, str(path))
        load()


def test_the_rotation_of_each_service_is_read_too(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANSTACK_ROTATION", str(tmp_path))
    found = set()
    for part in (tongweb, loan_services):
        component = import_module(part.__name__.rpartition(".")[0]).COMPONENT
        for host in (host for host in site.env.hosts if component.is_on(host)):
            for file in part.files_of(part.spec_of(site.context(host.name))):
                if file.path.startswith(f"{rotation.SETTINGS}/"):
                    name = Path(file.path).name
                    (tmp_path / name).write_text(file.content)
                    found.add(load_rotation(name.removesuffix(".json")).name)
    assert found == {"tongweb", "portal", "loan"}


def test_each_command_starts_a_tool_that_there_is(site: Site) -> None:
    tools = ((etcd, "etcd"), (mariadb, "mariadb"), (tongweb, "tongweb"), (oceanbase, "oceanbase"))
    for part, package in tools:
        component = import_module(part.__name__.rpartition(".")[0]).COMPONENT
        host = next(host for host in site.env.hosts if component.is_on(host))
        files = part.files_of(part.spec_of(site.context(host.name)))
        assert command(part.TOOL, package) in files
        import_module(f"hosttools.{package}.__main__")
        assert COMPONENT.is_on(host)


def test_the_database_s_own_user_reads_the_settings_and_they_have_no_password(site: Site) -> None:
    host = next(host for host in site.env.hosts if host.database_role is not None)
    spec = oceanbase.spec_of(site.context(host.name))
    (file,) = (file for file in oceanbase.files_of(spec) if file.path == oceanbase.SETTINGS)
    assert (file.mode, file.secret) == (0o644, False)
    assert spec.root_password not in file.content
    # The agent looks at the lock to see whether somebody else is at work.
    assert Path(json.loads(file.content)["run_dir"]) == LOCK_FILE.parent


def test_a_command_is_changed_by_nothing_where_it_is_called() -> None:
    written = command("/usr/local/sbin/loanstack-x", "x")
    assert (written.mode, written.user) == (0o755, "root")
    *_, last = written.content.splitlines()
    assert last == 'exec /opt/loanstack/host-tools/current/bin/python3 -I -m hosttools.x "$@"'
    assert (TEMPLATES / "host_tools" / "command.j2").read_text().count("exec") == 1
