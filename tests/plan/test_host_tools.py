"""What the deploy writes for the tools of hosts is what the tools read."""

from importlib import import_module
from pathlib import Path

import pytest

from deploys.content import TEMPLATES
from deploys.etcd import deploy as store
from deploys.host_tools import COMPONENT
from deploys.host_tools.spec import command
from deploys.mariadb import deploy as mariadb
from hosttools.etcd.settings import load as load_store
from hosttools.mariadb.settings import load as load_mariadb
from tests.plan.kit import Site


@pytest.fixture(params=["lab_site", "qinghai_site"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(
    ("part", "variable", "load"),
    [
        (store, "LOANSTACK_STORE_SETTINGS", load_store),
        (mariadb, "LOANSTACK_MARIADB_SETTINGS", load_mariadb),
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


def test_each_command_starts_a_tool_that_there_is(site: Site) -> None:
    for part, package in ((store, "etcd"), (mariadb, "mariadb")):
        component = import_module(part.__name__.rpartition(".")[0]).COMPONENT
        host = next(host for host in site.env.hosts if component.is_on(host))
        files = part.files_of(part.spec_of(site.context(host.name)))
        assert command(part.TOOL, package) in files
        import_module(f"hosttools.{package}.__main__")
        assert COMPONENT.is_on(host)


def test_a_command_is_changed_by_nothing_where_it_is_called() -> None:
    written = command("/usr/local/sbin/loanstack-x", "x")
    assert (written.mode, written.user) == (0o755, "root")
    *_, last = written.content.splitlines()
    assert last == 'exec /opt/loanstack/host-tools/current/bin/python3.11 -I -m hosttools.x "$@"'
    assert (TEMPLATES / "host_tools" / "command.j2").read_text().count("exec") == 1
