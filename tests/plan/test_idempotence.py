"""A host that is as it should be gets no command at all; each difference gets its own."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from pyinfra.facts.server import Groups, Users

from deploys.baseline.facts import KernelSettings, SessionOrigin, TransparentHugePages
from deploys.baseline.spec import kernel_settings
from deploys.content import ConfigFile
from deploys.etcd.facts import EtcdMembers, LocalEtcd
from deploys.facts.artifacts import InstalledArtifact
from deploys.facts.files import PathState, PathStates
from deploys.facts.health import HttpStatus
from deploys.facts.packages import InstalledPackages
from deploys.facts.services import NO_SERVICE, Service, ServiceState
from deploys.facts.users import User, UserEntry
from deploys.gateway import deploy as gateway
from deploys.loan_services import deploy as loan_services
from deploys.oceanbase import schema
from deploys.oceanbase.facts import LocalAnswer, LocalDatabase, LocalRole
from deploys.oceanbase.operations import _native_hash
from deploys.oceanbase.spec import oceanbase_spec, run_time_parameters
from deploys.tongweb import deploy as tongweb
from deploys.tongweb.facts import ServedPortal, StaleConfiguration
from tests.plan.kit import (
    HEALTHY_SERVICE,
    Facts,
    Planned,
    Site,
    answer,
    fresh,
    majority,
    primary,
    standby,
    told,
)

_HOSTS = ("gw-a", "app-a", "ob-a", "ob-b", "mon-c")


def _state_of(file: ConfigFile) -> PathState:
    return PathState(
        kind="regular file",
        mode=file.mode,
        user=file.user,
        group=file.group,
        sha256=sha256(file.content.encode()).hexdigest(),
    )


def _written(site: Site, name: str) -> dict[str, PathState]:
    """States of the files and folders that an earlier deploy wrote."""
    files, folders = site.written(name)
    states = {file.path: _state_of(file) for file in files}
    for folder in folders:
        states[folder.path] = PathState(
            kind="directory", mode=folder.mode, user=folder.user, group=folder.group, sha256=None
        )
    return states


def _converged(site: Site, name: str) -> Facts:
    """Facts of a host that an earlier deploy finished."""
    env, host = site.env, site.env.host(name)
    paths = _written(site, name)
    for path, digit in (
        ("/opt/loanstack/tongweb/7.0.4.9/license.dat", "b"),
        ("/opt/loanstack/tongweb/7.0.4.9/lib/jdbc-driver.jar", "6"),
        ("/opt/loanstack/channel-portal/current/portal.war", "e"),
        ("/opt/loanstack/tongweb/current/autodeploy/portal.war", "e"),
    ):
        paths[path] = PathState(
            kind="regular file", mode=0o640, user="tongweb", group="tongweb", sha256=digit * 64
        )
    hashes = {
        "/opt/loanstack/seekdb": "5" * 64,
        "/opt/loanstack/loan": "1" * 64,
        "/opt/loanstack/failover": "f" * 64,
        "/opt/loanstack/load-generator": "d" * 64,
        "/opt/loanstack/host-tools": "8" * 64,
        "/opt/loanstack/tongweb": "7" * 64,
        "/opt/loanstack/jdk": "a" * 64,
        "/opt/loanstack/channel-portal": "c" * 64,
    }
    is_primary = host.database_role == "PRIMARY"

    def answers(query: str, of_primary: bool = True) -> object:
        role = "PRIMARY" if is_primary else "STANDBY"
        if "PARAMETERS" in query:
            wanted = run_time_parameters(env.database)
            return answer(role, *(("observer", name, "INT", value) for name, value in wanted))
        if "user = 'root'" in query:
            spec = oceanbase_spec(env, host, site.secrets)
            known = [(source, _native_hash(spec.root_password)) for source in spec.root_sources]
            return answer(role, ("%", _native_hash(spec.reserved_password)), *known)
        if "mysql.user" in query:
            passwords = oceanbase_spec(env, host, site.secrets).passwords
            return answer(role, ("root", "*X"), *((user, _native_hash(word)) for user, word in passwords))
        applied = ((name, sha256(text.encode()).hexdigest()) for name, text in schema.scripts())
        return answer(role, *applied)

    homes = {
        "oceanbase": "/data/oceanbase",
        "loan": "/opt/loanstack/loan",
        "tongweb": "/opt/loanstack/tongweb",
        "loadgen": "/var/lib/loanstack-load",
    }

    return told(
        fresh(),
        {
            PathStates: lambda paths_: {},
            InstalledPackages: lambda names: dict.fromkeys(names, "1-1"),
            # MariaDB is stopped while OceanBase serves.
            Service: lambda unit, paths=(), starts=(): NO_SERVICE if "mariadb" in unit else HEALTHY_SERVICE,
            KernelSettings: lambda keys: dict(kernel_settings(host)),
            TransparentHugePages: lambda: "never",
            InstalledArtifact: lambda folder, version="current": hashes[folder],
            ServedPortal: lambda url: "0.1.0",
            StaleConfiguration: lambda: False,
            LocalDatabase: lambda: primary() if is_primary else standby(),
            LocalRole: lambda: "PRIMARY" if is_primary else "STANDBY",
            LocalAnswer: answers,
            LocalEtcd: majority,
            EtcdMembers: majority,
            HttpStatus: lambda url, options=(): 200,
            User: lambda user: UserEntry(home=homes[user], login_shell="/usr/sbin/nologin", group=user),
        },
    ) | {PathStates: _known(paths)}


def _known(states: dict[str, PathState]) -> Callable[..., Any]:
    return lambda paths: {path: states[path] for path in paths if path in states}


def _changes(planned: list[Planned]) -> dict[str, list[str]]:
    return {p.name: [str(c) for c in p.commands] for p in planned if p.commands}


@pytest.mark.parametrize("name", _HOSTS)
def test_a_converged_host_gets_no_command(lab_site: Site, name: str) -> None:
    assert _changes(lab_site.plan(name, _converged(lab_site, name))) == {}


def test_a_converged_host_that_makes_load_gets_no_command(qinghai_site: Site) -> None:
    facts = told(_converged(qinghai_site, "load-a1"), {SessionOrigin: lambda: "10.63.0.9"})
    assert _changes(qinghai_site.plan("load-a1", facts)) == {}


def test_a_file_changed_by_hand_is_put_right_and_nothing_else(lab_site: Site) -> None:
    facts = _converged(lab_site, "gw-a")
    states = _written(lab_site, "gw-a")
    states[gateway.CONFIG] = replace(states[gateway.CONFIG], sha256="0" * 64)
    planned = lab_site.plan("gw-a", told(facts, {PathStates: _known(states)}))
    changes = _changes(planned)
    assert list(changes) == [
        "Gateway | Write configuration and certificate",
        "Gateway | Keep the gateway running",  # foreseen by a dry run, though nothing is written yet
    ]
    assert changes["Gateway | Keep the gateway running"][:2] == [
        "nginx -t -q",
        "systemctl restart nginx.service",
    ]


def test_tongweb_s_configuration_is_put_together_anew_where_a_part_or_the_whole_is_another(
    lab_site: Site,
) -> None:
    together = "TongWeb and the channel portal | Put the configuration together"
    keeps = "TongWeb and the channel portal | Keep TongWeb running"
    facts = _converged(lab_site, "app-a")
    by_hand = _changes(lab_site.plan("app-a", told(facts, {StaleConfiguration: lambda: True})))
    (command,) = by_hand[together]
    assert "{ /usr/local/sbin/loanstack-tongweb configure; }" in command
    assert list(by_hand) == [together, keeps], "and TongWeb restarts, which a dry run foresees"
    states = {f.path: _state_of(f) for f in lab_site.written("app-a")[0]} | {
        "/opt/loanstack/tongweb/7.0.4.9/lib/jdbc-driver.jar": PathState(
            kind="regular file", mode=0o640, user="tongweb", group="tongweb", sha256="6" * 64
        )
    }
    states[tongweb.DATA_SOURCE] = replace(states[tongweb.DATA_SOURCE], sha256="0" * 64)
    other_password = _changes(lab_site.plan("app-a", told(facts, {PathStates: _known(states)})))
    assert together in other_password
    assert "systemctl restart loanstack-tongweb.service" in other_password[keeps][0]


def test_a_secret_with_a_loose_mode_is_written_again(lab_site: Site) -> None:
    facts = _converged(lab_site, "app-a")
    states = {f.path: _state_of(f) for f in lab_site.written("app-a")[0]}
    states[loan_services.ENVIRONMENT] = replace(states[loan_services.ENVIRONMENT], mode=0o644)
    changes = _changes(lab_site.plan("app-a", told(facts, {PathStates: _known(states)})))
    written = changes["Loan services | Write unit and environment"]
    assert len(written) == 1
    assert 'chmod 0600 "$new"' in written[0]
    assert 'mv -fT "$new" /etc/loanstack/loan.env' in written[0]


def test_a_run_cut_off_before_the_restart_is_completed_by_the_next(lab_site: Site) -> None:
    """The file is on disk already; only its age tells that the service has not read it."""
    stale = replace(HEALTHY_SERVICE, file_ages_s={loan_services.ENVIRONMENT: 5.0})

    def state(unit: str, paths: tuple[str, ...], starts: tuple[str, ...]) -> ServiceState:
        return stale if loan_services.ENVIRONMENT in paths else HEALTHY_SERVICE

    changes = _changes(lab_site.plan("app-a", told(_converged(lab_site, "app-a"), {Service: state})))
    assert list(changes) == ["Loan services | Keep the loan services running"]
    assert (
        changes["Loan services | Keep the loan services running"][0]
        == "systemctl restart loanstack-loan.service"
    )


def test_swapped_roles_are_respected(lab_site: Site) -> None:
    """After a failover the old standby is the primary: nothing is made anew, on either side."""
    for name, role in (("ob-a", "STANDBY"), ("ob-b", "PRIMARY")):
        facts = _converged(lab_site, name)
        told_before = facts[LocalAnswer]
        swapped = told(
            facts,
            {
                LocalDatabase: (lambda: primary()) if role == "PRIMARY" else (lambda: standby()),
                LocalRole: lambda role=role: role,
                LocalAnswer: lambda query, before=told_before, role=role, of_primary=True: answer(
                    role, *before(query=query).rows
                ),
            },
        )
        assert _changes(lab_site.plan(name, swapped)) == {}


def test_new_schema_is_applied_on_whoever_is_primary(lab_site: Site) -> None:
    for name, role, applies in (("ob-a", "STANDBY", False), ("ob-b", "PRIMARY", True)):
        facts = _converged(lab_site, name)
        told_before = facts[LocalAnswer]

        def answers(
            query: str, before: Any = told_before, role: str = role, of_primary: bool = True
        ) -> object:
            return answer(role) if "applied_script" in query else answer(role, *before(query=query).rows)

        state = primary() if role == "PRIMARY" else standby()
        swapped = told(facts, {LocalDatabase: lambda state=state: state, LocalAnswer: answers})
        changes = _changes(lab_site.plan(name, swapped))
        assert ("OceanBase | Keep schema and rights" in changes) == applies


def test_a_database_that_is_down_is_its_agent_s_to_start(lab_site: Site) -> None:
    down = replace(primary(), role="DOWN", scn=None)
    facts = told(
        _converged(lab_site, "ob-a"),
        {LocalDatabase: lambda: down, LocalAnswer: lambda query, of_primary=True: None},
    )
    changes = _changes(lab_site.plan("ob-a", facts))
    assert changes["OceanBase | Keep the database running (primary at first)"] == [
        "/usr/local/sbin/loanstack-db wait-healthy 500 90"
    ]


def test_a_half_made_database_is_bootstrapped_again(lab_site: Site) -> None:
    half = replace(standby(), recorded_role="NONE")
    changes = _changes(
        lab_site.plan("ob-b", told(_converged(lab_site, "ob-b"), {LocalDatabase: lambda: half}))
    )
    assert changes["OceanBase standby | Keep the database running (standby at first)"] == [
        "/usr/local/sbin/loanstack-db bootstrap auto"
    ]


@pytest.mark.parametrize("lag_ms", [501, 90_000, None])
def test_a_lagging_standby_is_waited_for(lab_site: Site, lag_ms: int | None) -> None:
    facts = told(_converged(lab_site, "ob-b"), {LocalDatabase: lambda: standby(lag_ms)})
    changes = _changes(lab_site.plan("ob-b", facts))
    assert changes == {
        "OceanBase standby | Wait for one primary and a standby close behind": [
            "/usr/local/sbin/loanstack-db wait-healthy 500 90"
        ]
    }


def test_a_wrong_password_in_the_database_is_set_without_showing_it(lab_site: Site) -> None:
    facts = _converged(lab_site, "ob-a")
    told_before = facts[LocalAnswer]

    def answers(query: str, of_primary: bool = True) -> object:
        if "FROM mysql.user" in query and "root" not in query:
            return answer("PRIMARY", ("loan_app", "*0"), ("loan_owner", "*0"))
        return told_before(query=query)

    planned = lab_site.plan("ob-a", told(facts, {LocalAnswer: answers}))
    (command,) = next(p.commands for p in planned if p.name == "OceanBase | Keep the database's users")
    sql = str(command.connector_arguments["_stdin"])
    assert f"ALTER USER 'loan_app' IDENTIFIED BY '{lab_site.secrets.loan_app_password}';" in sql
    digest = _native_hash(lab_site.secrets.probe_password)
    assert f"CREATE USER IF NOT EXISTS 'probe' IDENTIFIED BY PASSWORD '{digest}';" in sql
    assert lab_site.secrets.loan_app_password not in command.get_raw_value()


ROOT = "OceanBase | Let root in from the database hosts alone"


def _sql_for_root(site: Site, *accounts: tuple[str, str]) -> list[str]:
    """Return the statements for a primary that knows these accounts of root: (host, password)."""
    facts = _converged(site, "ob-a")
    told_before = facts[LocalAnswer]
    rows = [(source, _native_hash(password)) for source, password in accounts]

    def answers(query: str, of_primary: bool = True) -> object:
        return answer("PRIMARY", *rows) if "user = 'root'" in query else told_before(query=query)

    planned = site.plan("ob-a", told(facts, {LocalAnswer: answers}))
    commands = next(p.commands for p in planned if p.name == ROOT)
    for command in commands:
        assert site.secrets.database_root_password not in command.get_raw_value()
    return [line for c in commands for line in str(c.connector_arguments["_stdin"]).splitlines()]


def test_root_of_a_new_database_is_let_in_from_database_hosts_alone(lab_site: Site) -> None:
    root, reserved = lab_site.secrets.database_root_password, lab_site.secrets.database_reserved_password
    statements = _sql_for_root(lab_site, ("%", root))
    accounts = [f"'root'@'{source}'" for source in ("unix_", "198.18.1.13", "198.18.2.23")]
    made = f"IDENTIFIED BY PASSWORD '{_native_hash(root)}';"
    assert statements[:-1] == [
        line
        for account in accounts
        for line in (
            f"CREATE USER IF NOT EXISTS {account} {made}",
            f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;",
        )
    ]
    assert statements[-1] == f"ALTER USER root IDENTIFIED BY '{reserved}';", "with it the others were made"
    assert root != reserved, "of two accounts with one password seekdb takes the one from anywhere"


def test_root_is_no_longer_let_in_from_a_host_that_left_and_gets_a_new_password(lab_site: Site) -> None:
    root, reserved = lab_site.secrets.database_root_password, lab_site.secrets.database_reserved_password
    known = (("unix_", root), ("198.18.1.13", "old"), ("198.18.2.23", root), ("198.18.9.9", root))
    assert _sql_for_root(lab_site, ("%", reserved), *known) == [
        f"ALTER USER 'root'@'198.18.1.13' IDENTIFIED BY '{root}';",
        "DROP USER 'root'@'198.18.9.9';",
    ]


def test_a_session_from_outside_is_refused_before_the_firewall_is_touched(lab_site: Site) -> None:
    facts = told(fresh(), {SessionOrigin: lambda: "203.0.113.9"})
    planned = lab_site.plan("gw-a", facts)
    names = [p.name for p in planned]
    check = "Firewall and time | Make sure that the firewall does not lock out SSH"
    (command,) = next(p.commands for p in planned if p.name == check)
    assert "203.0.113.9" in str(command)
    assert str(command).endswith("exit 1")
    assert names.index(check) < names.index("Firewall and time | Keep the firewall up")


_HOME = "/opt/loanstack/loan"


@pytest.mark.parametrize(
    ("entry", "changed"),
    [
        (UserEntry(home=_HOME, login_shell="/usr/sbin/nologin", group="loan"), []),
        (
            UserEntry(home=_HOME, login_shell="/bin/bash", group="loan"),
            ["usermod -s /usr/sbin/nologin loan"],
        ),
        (
            UserEntry(home="/home/loan", login_shell="/usr/sbin/nologin", group="loan"),
            [f"usermod -d {_HOME} loan"],
        ),
        (
            UserEntry(home=_HOME, login_shell="/usr/sbin/nologin", group="users"),
            ["usermod -g loan loan"],
        ),
    ],
)
def test_a_user_is_changed_only_where_its_entry_differs(
    entry: UserEntry, changed: list[str], lab_site: Site
) -> None:
    asked = {"home": entry.home, "shell": entry.login_shell, "group": entry.group, "groups": []}
    facts = told(
        _converged(lab_site, "app-a"),
        {User: lambda user: entry, Users: lambda: {"loan": asked}, Groups: lambda: ["loan"]},
    )
    planned = lab_site.plan("app-a", facts, data={"only": "loan_services"})
    (known,) = [p for p in planned if "Know the services' user" in p.name]
    assert [str(command) for command in known.commands] == changed
