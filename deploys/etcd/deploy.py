"""etcd: one member on each host of role etcd.

A member is up only when a majority is. So all members are started before any is waited for. Later changes
restart members one after the other, so that the majority is never lost.
"""

from pyinfra.api.deploy import deploy

from deploys import certificates
from deploys.component import HostContext
from deploys.content import AUTHORITY, ConfigFile, Folder, json_text, render
from deploys.etcd import operations
from deploys.etcd.facts import TOOL
from deploys.etcd.spec import AGENT_PASSWORD, CERTIFICATE, LOOPBACK, ROOT_PASSWORD, EtcdSpec, etcd_spec
from deploys.host_tools.spec import command
from deploys.operations import files, services

CONFIG = "/etc/loanstack/etcd.yml"
SETTINGS = "/etc/loanstack/etcd.json"
PRIVATE_KEY = "/etc/loanstack/etcd.key"
READY_DEADLINE_S = 60


_OF_EARLIER_VERSIONS = (
    "/usr/local/sbin/loanstack-store",
    *(f"/etc/loanstack/store{end}" for end in (".yml", ".json", ".pem", ".key")),
    "/etc/loanstack/store-root.password",
    "/etc/loanstack/store-agent.password",
)


def spec_of(context: HostContext) -> EtcdSpec:
    """Return the member of the host of `context`, with a certificate that fits."""
    env, host = context.env, context.host
    member = certificates.Subject(
        file_name=f"{host.name}-etcd",
        names=certificates.addresses((host.address, LOOPBACK)),
        is_client=True,  # of the other members
    )
    issued = certificates.certificate(env.ca_dir, member, now=certificates.utc_now())
    return etcd_spec(
        env,
        host,
        context.secrets,
        certificate=issued.certificate,
        private_key=issued.private_key,
    )


def override(spec: EtcdSpec) -> str:
    """Return the path of the drop-in file for the packaged unit."""
    return f"/etc/systemd/system/{spec.unit}.d/loanstack.conf"


def files_of(spec: EtcdSpec) -> tuple[ConfigFile, ...]:
    """Return settings, unit, certificate and tool; on the member that keeps users, also passwords."""
    found = [
        ConfigFile(path=CERTIFICATE, content=spec.certificate),
        ConfigFile(
            path=PRIVATE_KEY,
            content=spec.private_key,
            mode=0o400,
            user=spec.user,
            group=spec.user,
            secret=True,
        ),
        ConfigFile(
            path=CONFIG,
            content=render(
                "etcd/etcd.yml.j2",
                name=spec.name,
                address=spec.address,
                loopback=LOOPBACK,
                members=spec.members,
                etcd=spec.etcd,
                cluster=spec.cluster,
                data_dir=spec.data_dir,
                certificate=CERTIFICATE,
                private_key=PRIVATE_KEY,
                authority=AUTHORITY,
            ),
        ),
        ConfigFile(
            path=override(spec),
            content=render(
                "etcd/etcd-override.conf.j2",
                config=CONFIG,
                data_dir=spec.data_dir,
                unsupported_arch=spec.unsupported_arch,
            ),
        ),
        ConfigFile(path=SETTINGS, content=json_text(tool_settings(spec))),
        command(TOOL, "etcd"),
    ]
    if spec.access is not None:
        found += [
            _password(ROOT_PASSWORD, spec.access.root_password),
            _password(AGENT_PASSWORD, spec.access.agent_password),
        ]
    return tuple(found)


def tool_settings(spec: EtcdSpec) -> dict[str, object]:
    """Return the settings of the tool, without secrets; its reader refuses unknown fields."""
    return {
        "client_port": spec.etcd.client_port,
        "peer_port": spec.etcd.peer_port,
        "others": spec.other_addresses,
        "authority": AUTHORITY,
        "certificate": CERTIFICATE,
        "private_key": PRIVATE_KEY,
        "root_password_file": ROOT_PASSWORD,
        "agent_password_file": AGENT_PASSWORD,
        "agent_user": spec.agent_user,
        "agent_prefix": spec.agent_prefix,
    }


def _password(path: str, password: str) -> ConfigFile:
    return ConfigFile(path=path, content=f"{password}\n", mode=0o600, secret=True)


def _passwords_elsewhere(spec: EtcdSpec) -> tuple[str, ...]:
    return () if spec.access is not None else (ROOT_PASSWORD, AGENT_PASSWORD)


@deploy("etcd")
def etcd(spec: EtcdSpec) -> None:
    """Converge the member of one host, and on the first member users and rights.

    + spec: etcd's member on this host
    """
    written = files.converge(
        name="Write the member's settings, certificate and tool",
        folders=(Folder(path=spec.data_dir, mode=0o700, user=spec.user, group=spec.user),),
        files=files_of(spec),
        absent=_passwords_elsewhere(spec),
    )
    services.service_started_no_block(name="Have the member start", unit=spec.unit)
    operations.answers(name="Wait for a majority of etcd", deadline_s=READY_DEADLINE_S)
    # Its own certificate and key are not in this list, because etcd reads them at each handshake.
    services.service_running(
        name="Run the member with its current settings, one host after the other",
        unit=spec.unit,
        restart_after=(AUTHORITY, CONFIG, override(spec)),
        check=f"{TOOL} may-restart",
        written=(written,),
        _serial=True,
    )
    # Only now: a member that still runs with its former settings reads its certificate at each handshake.
    files.converge(name="Remove the files of earlier versions", absent=_OF_EARLIER_VERSIONS)
    if spec.access is not None:
        operations.access_kept(name="Keep etcd's users and rights")
