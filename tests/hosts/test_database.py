"""One primary, one standby close behind, and users who may do no more than they need."""

import json
import re

import pytest

from deploys.failover.spec import DATABASE_TOOL
from deploys.oceanbase import schema
from deploys.oceanbase.spec import (
    ARTIFACT,
    MERGE_TIMER,
    SOCKET_SOURCE,
    WALLET,
    OceanBaseSpec,
    run_time_parameters,
)
from inventory.model import Environment, Role
from inventory.secrets import Secrets
from tests.hosts import facts
from tests.hosts.kit import Machine, eventually

_SOCKET = f"{OceanBaseSpec.base_dir}/run/sql.sock"
_TABLES = re.findall(r"CREATE TABLE IF NOT EXISTS (\S+)", dict(schema.scripts())["schema.sql"])


def _status(machine: Machine) -> dict[str, object]:
    found: dict[str, object] = json.loads(machine.run(f"{DATABASE_TOOL} status"))
    return found


def _databases(env: Environment, machines: dict[str, Machine]) -> list[Machine]:
    return [machines[h.name] for h in env.hosts_with(Role.OCEANBASE)]


def _primary(env: Environment, machines: dict[str, Machine]) -> Machine:
    return next(m for m in _databases(env, machines) if _status(m)["role"] == "PRIMARY")


def _as_user(user: str, password: str, sql: str) -> tuple[str, str]:
    """Return a command and its stdin: the option file comes on stdin, so no argv has the password."""
    command = (
        "options=$(mktemp) && cat > $options && "
        f"mariadb --defaults-file=$options --socket={_SOCKET} --batch --execute='{sql}'; "
        "code=$?; rm -f $options; exit $code"
    )
    return command, f"[client]\nuser={user}\npassword={password}\n"


def _over_tcp(address: str, port: int) -> str:
    """Return a command that says as whom it came in over TCP; the option file comes on stdin."""
    return (
        "options=$(mktemp) && cat > $options && "
        f"mariadb --defaults-file=$options --host={address} --port={port} --protocol=tcp "
        "--execute='SELECT CURRENT_USER()'; code=$?; rm -f $options; exit $code"
    )


@pytest.mark.roles(Role.OCEANBASE)
def test_it_shows_the_certificate_of_its_file_where_it_is_encrypted(
    machine: Machine, env: Environment
) -> None:
    """seekdb reads them at a start: one that was renewed since is used only after the next one."""
    asked_ports = [(env.database.sql_port, "-starttls mysql")] if env.database.sql_tls else []
    asked_ports += [(env.database.rpc_port, "")] if env.database.replication_tls else []
    if not asked_ports:
        pytest.skip("the databases of this environment use no TLS")
    serial = "openssl x509 -noout -serial"
    wanted = machine.run(f"{serial} -in {WALLET}/server-cert.pem")
    for port, options in asked_ports:
        asked = f"openssl s_client -connect {machine.spec.address}:{port} {options} </dev/null 2>/dev/null"
        assert machine.run(f"{asked} | {serial}") == wanted, f"port {port}; restart it: docs/failover.md"


def test_one_primary_and_the_rest_follow(env: Environment, machines: dict[str, Machine]) -> None:
    roles = sorted(str(_status(m)["role"]) for m in _databases(env, machines))
    assert roles == ["PRIMARY", *["STANDBY"] * (len(roles) - 1)]


@pytest.mark.roles(Role.OCEANBASE)
def test_standby_is_close_behind(machine: Machine, env: Environment) -> None:
    def close() -> bool:
        now = _status(machine)
        lag = now["lag_ms"]
        return now["role"] == "PRIMARY" or (isinstance(lag, int) and lag <= env.database.max_healthy_lag_ms)

    eventually(f"{machine.spec.name} to be at most {env.database.max_healthy_lag_ms} ms behind", close)


@pytest.mark.roles(Role.OCEANBASE)
def test_tables_are_readable_on_both_sides(machine: Machine) -> None:
    """A standby without its tables would follow the log to the end, and serve nothing once promoted."""
    assert "loan.journal" in _TABLES
    for table in _TABLES:
        statements = f"SET ob_query_timeout = 5000000; SELECT COUNT(*) FROM {table};\n"
        count = machine.run(f"{DATABASE_TOOL} sql", stdin=statements)
        assert count.strip().isdigit(), table


@pytest.mark.roles(Role.OCEANBASE)
def test_recorded_role_is_the_real_one(machine: Machine) -> None:
    now = _status(machine)
    assert now["recorded_role"] == now["role"]


@pytest.mark.roles(Role.OCEANBASE)
def test_run_time_parameters(env: Environment, machine: Machine) -> None:
    wanted = dict(run_time_parameters(env.database))
    rows = (
        machine.run(f"{DATABASE_TOOL} sql", stdin=f"SHOW PARAMETERS LIKE '{name}';\n").split("\t")
        for name in wanted
    )
    machine.expect("parameters", found={row[1]: row[3] for row in rows}, wanted=wanted)


@pytest.mark.roles(Role.OCEANBASE)
def test_the_daily_merge_is_due(env: Environment, machine: Machine) -> None:
    timer = machine.probe.service(MERGE_TIMER)
    assert timer.is_running
    assert f"OnCalendar=*-*-* {env.database.merge_at}:00 " in timer.systemd_properties["TimersCalendar"]


@pytest.mark.roles(Role.OCEANBASE)
def test_root_needs_its_password(machine: Machine) -> None:
    command, options = _as_user("root", "", "SELECT 1")
    assert "Access denied" in machine.fails(command, stdin=options)


def test_root_is_let_in_from_database_hosts_alone(
    env: Environment, machines: dict[str, Machine], secrets: Secrets
) -> None:
    """`root@'%'` cannot be locked; no host has its password, and root's own is worth nothing elsewhere."""
    primary = _primary(env, machines)
    rows = primary.run(
        f"{DATABASE_TOOL} sql", stdin="SELECT host FROM mysql.user WHERE user = 'root';\n"
    ).split()
    addresses = {h.address for h in env.hosts_with(Role.OCEANBASE)}
    assert set(rows) == {"%", SOCKET_SOURCE, *addresses}
    command, options = _as_user("root", secrets.database_reserved_password, "SELECT CURRENT_USER()")
    assert "root@%" in primary.run(command, stdin=options)
    command, options = _as_user("root", secrets.database_root_password, "SELECT CURRENT_USER()")
    assert f"root@{SOCKET_SOURCE}" in primary.run(command, stdin=options)
    elsewhere = _over_tcp("127.0.0.1", env.database.sql_port)
    assert "Access denied" in primary.fails(elsewhere, stdin=options), (
        "loopback is no database host's address"
    )
    own = primary.spec.address
    for address in addresses:
        found = primary.run(_over_tcp(address, env.database.sql_port), stdin=options).split()
        assert found[-1] == f"root@{own}"


def test_services_may_write_rows_and_no_more(
    env: Environment, machines: dict[str, Machine], secrets: Secrets
) -> None:
    primary = _primary(env, machines)
    password = secrets.loan_app_password
    command, options = _as_user("loan_app", password, "SELECT COUNT(*) FROM loan.product")
    assert primary.run(command, stdin=options).startswith("COUNT")
    for forbidden in (
        'DELETE FROM loan.journal WHERE entity_code = "none"',
        "UPDATE loan.journal SET epoch = 0",
        "UPDATE loan.leadership SET epoch = 99",
        "INSERT INTO loan.leadership(one, epoch) VALUES (2, 99)",
        "DROP TABLE loan.journal",
        "CREATE TABLE loan.other (a INT)",
        "SELECT user FROM mysql.user",
        "ALTER SYSTEM MAJOR FREEZE",
    ):
        command, options = _as_user("loan_app", password, forbidden)
        assert "denied" in primary.fails(command, stdin=options).lower(), forbidden


def test_probe_sees_the_role_and_no_row(
    env: Environment, machines: dict[str, Machine], secrets: Secrets
) -> None:
    for machine in _databases(env, machines):
        role = "SELECT role FROM oceanbase.__all_virtual_server_stat"
        command, options = _as_user("probe", secrets.probe_password, role)
        assert machine.run(command, stdin=options).split()[-1] in ("PRIMARY", "STANDBY")
        command, options = _as_user("probe", secrets.probe_password, "SELECT * FROM loan.customer LIMIT 1")
        assert "denied" in machine.fails(command, stdin=options).lower()


def test_reports_read_rows_on_either_side_and_write_none(
    env: Environment, machines: dict[str, Machine], secrets: Secrets
) -> None:
    for machine in _databases(env, machines):
        command, options = _as_user("report", secrets.report_password, "SELECT COUNT(*) FROM loan.journal")
        assert machine.run(command, stdin=options).startswith("COUNT")
    for forbidden in (
        "UPDATE loan.credit_limit SET used_fen = 0",
        "INSERT INTO loan.leadership(one, epoch) VALUES (2, 99)",
        "DROP TABLE loan.journal",
        "SELECT user FROM mysql.user",
        "ALTER SYSTEM MAJOR FREEZE",
    ):
        command, options = _as_user("report", secrets.report_password, forbidden)
        assert "denied" in _primary(env, machines).fails(command, stdin=options).lower(), forbidden


def test_standby_refuses_writes(env: Environment, machines: dict[str, Machine]) -> None:
    for machine in _databases(env, machines):
        if _status(machine)["role"] == "STANDBY":
            said = machine.fails(f"{DATABASE_TOOL} sql", stdin="CREATE DATABASE not_here;\n")
            assert "4688" in said


@pytest.mark.roles(Role.OCEANBASE)
def test_second_bootstrap_is_refused(machine: Machine) -> None:
    assert "already holds" in machine.fails(f"{DATABASE_TOOL} bootstrap primary")


@pytest.mark.roles(Role.OCEANBASE)
def test_telemetry_is_off(machine: Machine) -> None:
    pid = facts.oldest_process(machine.probe, ARTIFACT)
    settings = machine.probe.file(f"/proc/{pid}/environ").content_string.split("\0")
    assert "TELEMETRY_MODE=0" in settings
