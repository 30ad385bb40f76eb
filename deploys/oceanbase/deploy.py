"""OceanBase in two stages: first the primary; the standby after the rest of the site.

A primary younger than about 15 s refuses a standby (-4023, after half a minute). The time between the two
stages is used for the other components, instead of waiting.
"""

from pathlib import PurePosixPath

from pyinfra.api.deploy import deploy

from deploys import certificates
from deploys.component import HostContext
from deploys.content import ConfigFile, Folder, json_text, render
from deploys.failover.spec import DATABASE_TOOL as TOOL
from deploys.host_tools.spec import command
from deploys.oceanbase import operations, schema
from deploys.oceanbase.spec import PROBE_OPTIONS, ROOT_OPTIONS, WALLET, OceanBaseSpec, Wallet, oceanbase_spec
from deploys.operations import artifacts, files, services, users
from inventory.model import DatabaseRole

SETTINGS = "/etc/loanstack/oceanbase.json"
HEALTH_DEADLINE_S = 90
_BOOTSTRAP_DEADLINE_S = 180
_PEER_DEADLINE_S = 20


def spec_of(context: HostContext) -> OceanBaseSpec:
    """Return the database of the host of `context`, with a certificate that fits if it uses TLS."""
    return oceanbase_spec(context.env, context.host, context.secrets, wallet=_wallet_of(context))


def _wallet_of(context: HostContext) -> Wallet | None:
    if not context.env.database.has_certificate:
        return None
    now = certificates.utc_now()
    database = certificates.Subject(
        file_name=f"{context.host.name}-database",
        # Loopback: the SQL proxy of a TongWeb host is reached there.
        names=certificates.addresses((context.host.address, "127.0.0.1")),
        is_client=True,  # of its primary: a standby opens connections, and the two change roles
    )
    issued = certificates.certificate(context.env.ca_dir, database, now=now)
    authority = certificates.authority_certificate(context.env.ca_dir, now=now)
    return Wallet(authority=authority, certificate=issued.certificate, private_key=issued.private_key)


def merge_timer(spec: OceanBaseSpec) -> str:
    """Return the path of the timer of the daily merge."""
    return f"/etc/systemd/system/{spec.merge_timer}"


def files_of(spec: OceanBaseSpec) -> tuple[ConfigFile, ...]:
    """Return the database's files: settings, unit, administrator's tool, option files with passwords."""
    probe_password = dict(spec.passwords)["probe"]
    return (
        ConfigFile(path=SETTINGS, content=json_text(tool_settings(spec))),
        command(TOOL, "oceanbase"),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.unit}",
            content=render(
                "oceanbase/loanstack-oceanbase.service.j2",
                user=spec.user,
                folder=spec.folder,
                base_dir=spec.base_dir,
                wallet=WALLET if spec.wallet else None,
                agent=spec.agent_unit,
            ),
        ),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.merge_unit}", content=render("oceanbase/merge.service.j2")
        ),
        ConfigFile(
            path=merge_timer(spec),
            content=render("oceanbase/merge.timer.j2", merge_at=spec.merge_at),
        ),
        _options(ROOT_OPTIONS, "root", spec.root_password),
        _options(PROBE_OPTIONS, "probe", probe_password),
        *_wallet_files(spec),
    )


def _wallet_files(spec: OceanBaseSpec) -> tuple[ConfigFile, ...]:
    """Return certificate and key under the names that seekdb 1.4 reads: for SQL, and for replication."""
    if spec.wallet is None:
        return ()

    def owned(name: str, content: str, *, secret: bool = False) -> ConfigFile:
        path, mode = f"{WALLET}/{name}", 0o600 if secret else 0o644
        return ConfigFile(
            path=path, content=content, mode=mode, user=spec.user, group=spec.user, secret=secret
        )

    wallet = spec.wallet
    return (
        owned("ca.pem", wallet.authority),
        *(owned(name, wallet.certificate) for name in ("server-cert.pem", "cert.pem")),
        *(owned(name, wallet.private_key, secret=True) for name in ("server-key.pem", "key.pem")),
    )


def tool_settings(spec: OceanBaseSpec) -> dict[str, object]:
    """Return the settings of the tool, without secrets; its reader refuses unknown fields."""
    return {
        "base_dir": spec.base_dir,
        "program_dir": f"{spec.folder}/current",
        "run_dir": "/run/loanstack-oceanbase",
        "root_options": ROOT_OPTIONS,
        "service_user": spec.user,
        "unit": spec.unit,
        "log_level": "ERROR",
        "sql_port": spec.sql_port,
        "rpc_port": spec.rpc_port,
        "peers": list(spec.peers),
        "inventory_role": spec.first_role,
        "bootstrap_deadline_s": _BOOTSTRAP_DEADLINE_S,
        "peer_deadline_s": _PEER_DEADLINE_S,
        "parameters": dict((*spec.sizes, *spec.run_time_parameters)),
    }


def _options(path: str, user: str, password: str) -> ConfigFile:
    content = render("oceanbase/client.cnf.j2", user=user, password=password)
    return ConfigFile(path=path, content=content, mode=0o600, secret=True)


@deploy("OceanBase")
def oceanbase(spec: OceanBaseSpec) -> None:
    """Install on every database host, and bring the primary up with its users and tables.

    + spec: the database of this host
    """
    _install(spec)
    _bring_up(spec, as_first_role=DatabaseRole.PRIMARY)
    operations.users_kept(name="Keep the database's users", users=spec.passwords)
    operations.administrator_kept(
        name="Let root in from the database hosts alone",
        sources=spec.root_sources,
        password=spec.root_password,
        reserved_password=spec.reserved_password,
    )
    operations.scripts_applied(name="Keep schema and rights", scripts=schema.scripts())


@deploy("OceanBase standby")
def oceanbase_standby(spec: OceanBaseSpec) -> None:
    """Bring the standby up, and wait until the pair is healthy.

    + spec: the database of this host
    """
    _bring_up(spec, as_first_role=DatabaseRole.STANDBY)
    operations.parameters_set(
        name="Set the database's run-time parameters", settings=spec.run_time_parameters
    )
    services.service_running(
        name="Have both databases merged each day",
        unit=spec.merge_timer,
        restart_after=(merge_timer(spec),),
        starts=(spec.merge_unit,),
    )
    if spec.peers:
        operations.database_healthy(
            name="Wait for one primary and a standby close behind",
            max_healthy_lag_ms=spec.max_healthy_lag_ms,
            deadline_s=HEALTH_DEADLINE_S,
        )


def _install(spec: OceanBaseSpec) -> None:
    assert spec.artifact.sha256 is not None
    users.without_login(name="Know the database's user", user=spec.user, home=spec.base_dir)
    artifacts.archive_installed(
        name="Install seekdb",
        url=spec.artifact.url,
        sha256=spec.artifact.sha256,
        folder=spec.folder,
        version=spec.artifact.version,
        arch=spec.artifact.arch,
        smoke_command="bin/seekdb --version",
    )
    files.converge(
        name="Write the database's settings, unit and tool",
        folders=(
            Folder(path=str(PurePosixPath(spec.base_dir).parent)),
            Folder(path=spec.base_dir, mode=0o750, user=spec.user, group=spec.user),
            *((Folder(path=WALLET),) if spec.wallet else ()),
        ),
        files=files_of(spec),
        # Of earlier versions: an enabled unit would start at boot by itself; the settings were shell.
        absent=(
            f"/etc/systemd/system/multi-user.target.wants/{spec.unit}",
            "/etc/loanstack/oceanbase.conf",
        ),
    )


def _bring_up(spec: OceanBaseSpec, *, as_first_role: str) -> None:
    """Bring the database up, if this is the role that it was first deployed with."""
    if spec.first_role == as_first_role:
        operations.database_running(
            name=f"Keep the database running ({as_first_role.lower()} at first)",
            unit=spec.unit,
            max_healthy_lag_ms=spec.max_healthy_lag_ms,
            deadline_s=HEALTH_DEADLINE_S,
        )
