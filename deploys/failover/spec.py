"""The failover agent of one database host."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploys.artifact import artifact_for
from inventory.availability import Failover
from inventory.model import Artifact, Environment, Host, Role
from inventory.secrets import Secrets

ARTIFACT = "failover-agent"
FOLDER = "/opt/loanstack/failover"
CONFIG = "/etc/loanstack/failover.json"
AGENT_UNIT = "loanstack-failover.service"
DATABASE_UNIT = "loanstack-oceanbase.service"
DATABASE_TOOL = "/usr/local/sbin/loanstack-db"


@dataclass(frozen=True, kw_only=True)
class FailoverSpec:
    """One database host."""

    artifact: Artifact
    environment: str
    host: Host
    peers: tuple[Host, ...]
    """The other database hosts, with the devices that switch them off."""
    sql_port: int
    max_healthy_lag_ms: int
    """The deploy waits until a standby lags at most this much; the agents have their own limit."""
    etcd_endpoints: tuple[str, ...]
    """Nearest first."""
    failover: Failover
    etcd_password: str = field(repr=False)
    agent_token: str = field(repr=False)
    agent_reading_key: str = field(repr=False)
    fence_passwords: Mapping[str, str] = field(repr=False)
    """Peer -> password of its fence device; this host's own is not sent to it."""
    fence_authorities: Mapping[str, str]
    """Peer -> PEM certificate of the authority that signed its fence device's, for those with one."""

    etcd_user: str = "failover"
    folder: str = FOLDER
    unit: str = AGENT_UNIT
    database_unit: str = DATABASE_UNIT
    database_tool: str = DATABASE_TOOL


def other_databases(env: Environment, host: Host) -> tuple[Host, ...]:
    """Return the hosts that the agent of `host` may have to switch off."""
    return tuple(h for h in env.hosts_with(Role.OCEANBASE) if h.name != host.name)


def fence_authority(host_name: str) -> str:
    """Return the path, on other hosts, of the authority of the fence device of `host_name`."""
    return f"/etc/loanstack/fence-{host_name}-ca.pem"


def failover_spec(
    env: Environment, host: Host, secrets: Secrets, *, fence_authorities: Mapping[str, str]
) -> FailoverSpec:
    """Return the failover agent of `host`.

    + fence_authorities: peer -> PEM certificate of the authority of its fence device
    """
    peers = other_databases(env, host)
    # First this host's own member, then one of the same centre, because a nearer member answers sooner.
    members = sorted(env.hosts_with(Role.ETCD), key=lambda h: (h.name != host.name, h.centre != host.centre))
    return FailoverSpec(
        artifact=artifact_for(env, host, ARTIFACT),
        environment=env.name,
        host=host,
        peers=peers,
        sql_port=env.database.sql_port,
        max_healthy_lag_ms=env.database.max_healthy_lag_ms,
        etcd_endpoints=tuple(f"https://{h.address}:{env.etcd.client_port}" for h in members),
        failover=env.failover,
        etcd_password=secrets.etcd_agent_password,
        agent_token=secrets.agent_token,
        agent_reading_key=secrets.agent_reading_key,
        fence_passwords={
            peer.name: secrets.fence_passwords[peer.name] for peer in peers if peer.name in env.fences
        },
        fence_authorities=fence_authorities,
    )


def leaders_near(env: Environment, host: Host) -> tuple[Host, ...]:
    """Return the databases that may lead, first that in the centre of `host`, which is nearer."""
    databases = sorted(env.hosts_with(Role.OCEANBASE), key=lambda h: h.centre != host.centre)
    return tuple(h for h in databases if h.candidate)
