"""MariaDB in OceanBase's place: what it is made of, in which order, and that it goes again."""

from dataclasses import replace
from hashlib import sha256

import pytest

from deploys.content import ConfigFile
from deploys.converge import DeployError
from deploys.derived import ingress_rules
from deploys.facts.files import PathState, PathStates
from deploys.facts.packages import InstalledPackages
from deploys.facts.services import NO_SERVICE, Service
from deploys.facts.users import User, UserEntry
from deploys.loan_services import deploy as loan_services
from deploys.loan_services.spec import ENVIRONMENT, OWNER_ENVIRONMENT, loan_services_spec
from deploys.mariadb import deploy as mariadb
from deploys.mariadb.facts import SCRIPT, LocalMariaDb, MariaDbState
from deploys.mariadb.spec import MariaDbSpec, mariadb_spec
from deploys.oceanbase.facts import LocalRole
from inventory.availability import Durability, Failover
from inventory.database_kind import DatabaseKind
from tests.plan.golden import assert_golden
from tests.plan.kit import HEALTHY_SERVICE, Facts, Site, fresh, shown, stdin_of, told

_SERVES = {"database": "mariadb"}
_ONLY = {"only": "mariadb"}


def _spec(site: Site, name: str) -> MariaDbSpec:
    return mariadb_spec(site.env, site.env.host(name), site.secrets)


def _file(site: Site, name: str, path: str) -> ConfigFile:
    return next(f for f in mariadb.files_of(_spec(site, name)) if f.path == path)


def _converged(site: Site, name: str) -> Facts:
    """Facts of a host on which MariaDB serves."""
    spec = _spec(site, name)
    known = {
        file.path: PathState(
            kind="regular file",
            mode=file.mode,
            user=file.user,
            group=file.group,
            sha256=sha256(file.content.encode()).hexdigest(),
        )
        for file in mariadb.files_of(spec)
    }
    known[spec.data_dir] = PathState(
        kind="directory", mode=0o750, user=spec.user, group=spec.user, sha256=None
    )
    known_user = UserEntry(home=spec.data_dir, login_shell="/usr/sbin/nologin", group=spec.user)
    state = MariaDbState(is_made=True, applied=mariadb.digest_of(spec), is_paired=True)
    return told(
        fresh(),
        {
            PathStates: lambda paths: {path: known[path] for path in paths if path in known},
            InstalledPackages: lambda names: dict.fromkeys(names, "1-1"),
            Service: lambda unit, paths=(), starts=(): HEALTHY_SERVICE if "mariadb" in unit else NO_SERVICE,
            LocalRole: lambda: "DOWN",
            LocalMariaDb: lambda: state,
            User: lambda user: known_user if user == spec.user else None,
        },
    )


def _changes(site: Site, name: str, facts: Facts, data: dict[str, str]) -> dict[str, list[str]]:
    planned = site.plan(name, facts, data=data)
    return {p.name: [str(c) for c in p.commands] for p in planned if p.commands}


@pytest.mark.parametrize("name", ["ob-a", "ob-b"])
def test_configuration_of_both_sides(lab_site: Site, name: str) -> None:
    assert_golden(f"mariadb-{name}.cnf", _file(lab_site, name, mariadb.CONFIG).content)


def test_unit(lab_site: Site) -> None:
    path = "/etc/systemd/system/loanstack-mariadb.service"
    assert_golden("loanstack-mariadb.service", _file(lab_site, "ob-a", path).content)


def test_what_is_acknowledged_is_on_disk_and_with_the_replica(lab_site: Site) -> None:
    """A comparison with a MariaDB that may lose what it acknowledged would be worth nothing."""
    for name in ("ob-a", "ob-b"):
        lines = _file(lab_site, name, mariadb.CONFIG).content.splitlines()
        assert {"innodb_flush_log_at_trx_commit = 1", "sync_binlog = 1"} <= set(lines)
    lines = _file(lab_site, "ob-a", mariadb.CONFIG).content.splitlines()
    assert {"rpl_semi_sync_master_enabled = ON", "rpl_semi_sync_master_wait_point = AFTER_SYNC"} <= set(lines)
    assert "rpl_semi_sync_slave_enabled = ON" in _file(lab_site, "ob-b", mariadb.CONFIG).content


def test_buffer_pool_follows_the_memory_of_oceanbase(lab_site: Site, qinghai_site: Site) -> None:
    assert _spec(lab_site, "ob-a").buffer_pool_mib == 1024
    assert _spec(qinghai_site, "ob-a1").buffer_pool_mib == 192 * 1024


def test_it_comes_in_oceanbases_place_on_a_fresh_host(lab_site: Site) -> None:
    names = [p.name for p in lab_site.plan("ob-a", fresh(), data={**_SERVES, **_ONLY})]
    ours = [name for name in names if name.startswith("MariaDB")]
    assert ours == [
        "MariaDB | Keep OceanBase and its agent stopped where it is a standby",
        "MariaDB | Keep OceanBase and its agent stopped where it is the primary",
        "MariaDB | Install MariaDB from the depot",
        "MariaDB | Know MariaDB's user",
        "MariaDB | Write MariaDB's configuration, unit and tool",
        "MariaDB | Make the database where there is none",
        "MariaDB | Keep MariaDB running",
        "MariaDB | Keep users and tables, or whom to follow",
        "MariaDB | Wait for a replica that acknowledges",
    ]


def test_nothing_of_oceanbase_is_converged_while_mariadb_serves(lab_site: Site) -> None:
    names = [p.name for p in lab_site.plan("ob-b", fresh(), data=_SERVES)]
    assert not [name for name in names if name.startswith(("OceanBase", "Failover"))]
    assert "MariaDB | Wait for a replica that acknowledges" in names


@pytest.mark.parametrize(("name", "role"), [("ob-a", "PRIMARY"), ("ob-b", "STANDBY")])
def test_the_standby_s_agent_is_stopped_before_the_primary_s(lab_site: Site, name: str, role: str) -> None:
    facts = told(
        fresh(), {Service: lambda unit, paths=(), starts=(): HEALTHY_SERVICE, LocalRole: lambda: role}
    )
    planned = lab_site.plan(name, facts, data={**_SERVES, **_ONLY})
    stops = [p for p in planned if "agent stopped" in p.name]
    assert all(p.is_serial for p in stops)
    commands = [[str(c) for c in p.commands] for p in stops]
    stop = ["systemctl disable --quiet --now loanstack-failover.service"]
    assert commands == ([[], stop] if role == "PRIMARY" else [stop, []])


@pytest.mark.parametrize("name", ["ob-a", "ob-b"])
def test_a_converged_pair_gets_no_command(lab_site: Site, name: str) -> None:
    assert _changes(lab_site, name, _converged(lab_site, name), {**_SERVES, **_ONLY}) == {}


def test_new_schema_is_applied(lab_site: Site) -> None:
    stale = MariaDbState(is_made=True, applied="0" * 64, is_paired=True)
    facts = told(_converged(lab_site, "ob-a"), {LocalMariaDb: lambda: stale})
    changes = _changes(lab_site, "ob-a", facts, {**_SERVES, **_ONLY})
    assert changes == {
        "MariaDB | Keep users and tables, or whom to follow": ["/usr/local/sbin/loanstack-mariadb apply"]
    }


def test_it_is_stopped_once_oceanbase_serves_again(lab_site: Site) -> None:
    changes = _changes(lab_site, "ob-a", _converged(lab_site, "ob-a"), _ONLY)
    stop = ["systemctl disable --quiet --now loanstack-mariadb.service"]
    assert changes == {"MariaDB stopped | Keep MariaDB stopped while OceanBase serves": stop}


def test_services_find_mariadb_and_no_agent(lab_site: Site) -> None:
    env = replace(lab_site.env, failover=Failover(durability=Durability.CROSS_CENTRE))
    spec = loan_services_spec(env, env.host("app-b"), lab_site.secrets, database_kind=DatabaseKind.MARIADB)
    text = next(f.content for f in loan_services.files_of(spec) if f.path == ENVIRONMENT)
    for line in (
        "LOAN_DATABASE_KIND=mariadb",
        "LOAN_DATABASE_ENDPOINTS=198.18.2.23:3306,198.18.1.13:3306",
        "LOAN_AGENTS=",
        "LOAN_DURABILITY=local",
    ):
        assert line in text.splitlines()
    owner = next(f.content for f in loan_services.files_of(spec) if f.path == OWNER_ENVIRONMENT)
    assert owner.splitlines()[:2] == text.splitlines()[2:4]


def test_the_port_is_open_only_while_it_serves(lab_site: Site) -> None:
    env, host = lab_site.env, lab_site.env.host("ob-a")
    assert 3306 not in {o.port for o in ingress_rules(env, host)}
    (opened,) = [o for o in ingress_rules(env, host, database_kind=DatabaseKind.MARIADB) if o.port == 3306]
    assert opened.sources == ("198.18.1.12", "198.18.2.22", "198.18.2.23")


@pytest.mark.parametrize("name", ["ob-a", "ob-b"])
def test_passwords_travel_on_stdin_only(lab_site: Site, name: str) -> None:
    planned = lab_site.plan(name, fresh(), data=_SERVES, diff=True)
    password = lab_site.secrets.database_root_password
    assert password in stdin_of(planned)
    assert password not in shown(planned)
    assert lab_site.secrets.loan_app_password not in shown(planned)
    script = _file(lab_site, name, SCRIPT)
    assert (script.mode, script.secret) == (0o600, True)


def test_an_unknown_database_is_refused(lab_site: Site) -> None:
    with pytest.raises(DeployError, match="database='oracle': no such database; allowed: oceanbase, mariadb"):
        lab_site.plan("ob-a", fresh(), data={"database": "oracle"})
