"""MariaDB: it runs in place of OceanBase, never together with it, so each has the whole machine."""

from hashlib import sha256
from typing import Any

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.content import ConfigFile, Folder, json_text, render
from deploys.failover import operations as agent
from deploys.failover.spec import AGENT_UNIT
from deploys.host_tools.spec import command
from deploys.mariadb import operations
from deploys.mariadb.facts import SCRIPT, TOOL
from deploys.mariadb.spec import MariaDbSpec, mariadb_spec
from deploys.operations import files, packages, services, users
from inventory import places

CONFIG = "/etc/loanstack/mariadb.cnf"
SETTINGS = "/etc/loanstack/mariadb.json"
PAIR_DEADLINE_S = 60
_SCRIPTS = ("schema.sql", "grants.sql")
"""Files of app_stub/, the same as for OceanBase, except `oceanbase.sql`, which is for OceanBase only."""


def spec_of(context: HostContext) -> MariaDbSpec:
    """Return the database of the host of `context`."""
    return mariadb_spec(context.env, context.host, context.secrets)


def script(spec: MariaDbSpec) -> str:
    """Return the SQL that sets this database up; it may run twice.

    On the primary it makes users, schema and rights, which reach the replica with the log. On the replica it
    sets the primary to follow.
    """
    if not spec.is_primary:
        return render(
            "mariadb/replica.sql.j2",
            primary=spec.primary,
            port=spec.mariadb.sql_port,
            password=spec.replica_password,
        )
    users = render("mariadb/users.sql.j2", users=spec.passwords, replica_password=spec.replica_password)
    return "\n".join([users, *((places.PROJECT_ROOT / "app_stub" / name).read_text() for name in _SCRIPTS)])


def digest_of(spec: MariaDbSpec) -> str:
    """Return the SHA-256 of the script; its text has passwords, so it is in no operation's arguments."""
    return sha256(script(spec).encode()).hexdigest()


def files_of(spec: MariaDbSpec) -> tuple[ConfigFile, ...]:
    """Return the database's files: configuration, unit, administrator's tool and its settings, script."""
    return (
        ConfigFile(path=CONFIG, content=render("mariadb/mariadb.cnf.j2", spec=spec)),
        ConfigFile(path=SETTINGS, content=json_text(tool_settings(spec))),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.unit}",
            content=render("mariadb/loanstack-mariadb.service.j2", user=spec.user, tool=TOOL),
        ),
        command(TOOL, "mariadb"),
        ConfigFile(path=SCRIPT, content=script(spec), mode=0o600, secret=True),
    )


def tool_settings(spec: MariaDbSpec) -> dict[str, object]:
    """Return the settings of the tool, without secrets; its reader refuses unknown fields."""
    return {
        "config": CONFIG,
        "script": SCRIPT,
        "data_dir": spec.data_dir,
        "service_user": spec.user,
        "is_primary": spec.is_primary,
    }


@deploy("MariaDB")
def in_place_of_oceanbase(spec: MariaDbSpec) -> None:
    """Stop OceanBase, and bring MariaDB up in its place.

    + spec: the database of this host
    """
    for while_primary, where in ((False, "a standby"), (True, "the primary")):
        # The agent ends with its database. The standby's agent is stopped first; otherwise it would promote.
        agent.agent_stopped(
            name=f"Keep OceanBase and its agent stopped where it is {where}",
            unit=AGENT_UNIT,
            while_primary=while_primary,
            _serial=True,
        )
    written = _install(spec)
    operations.data_made(name="Make the database where there is none")
    services.service_running(
        name="Keep MariaDB running",
        unit=spec.unit,
        restart_after=(CONFIG, f"/etc/systemd/system/{spec.unit}"),
        written=(written,),
        _serial=True,
    )
    # A replica that starts before its primary has a user for it tries again every second.
    operations.script_applied(name="Keep users and tables, or whom to follow", sha256=digest_of(spec))
    operations.paired(name="Wait for a replica that acknowledges", deadline_s=PAIR_DEADLINE_S)


@deploy("MariaDB stopped")
def stopped(spec: MariaDbSpec) -> None:
    """Keep MariaDB stopped, if it is installed.

    + spec: the database of this host
    """
    services.service_stopped(name="Keep MariaDB stopped while OceanBase serves", unit=spec.unit)


def _install(spec: MariaDbSpec) -> Any:  # noqa: ANN401 - what an operation returns
    """Converge everything but the running database; returns the operation that writes its files."""
    packages.installed(
        name="Install MariaDB from the depot", names=(spec.package,), repository=spec.repository
    )
    users.without_login(name="Know MariaDB's user", user=spec.user, home=spec.data_dir)
    return files.converge(
        name="Write MariaDB's configuration, unit and tool",
        folders=(Folder(path=spec.data_dir, mode=0o750, user=spec.user, group=spec.user),),
        files=files_of(spec),
    )
