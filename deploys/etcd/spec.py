"""One member of etcd."""

from dataclasses import dataclass, field

from inventory.availability import Etcd
from inventory.model import Arch, Environment, Host, Role
from inventory.secrets import Secrets

UNIT = "etcd.service"
CERTIFICATE = "/etc/loanstack/etcd.pem"
LOOPBACK = "127.0.0.1"
CERTIFICATE = "/etc/loanstack/etcd.pem"
ROOT_PASSWORD = "/etc/loanstack/etcd-root.password"  # noqa: S105 - a path
AGENT_PASSWORD = "/etc/loanstack/etcd-agent.password"  # noqa: S105 - a path


@dataclass(frozen=True, kw_only=True)
class Access:
    """Users and rights of etcd; one of its members keeps them for all."""

    root_password: str = field(repr=False)
    agent_password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class EtcdSpec:
    """One host of role etcd."""

    name: str
    address: str
    members: tuple[tuple[str, str], ...]
    """(name, segment address) of every member, with this one: the cluster at its first start."""
    etcd: Etcd
    cluster: str
    """Token that keeps members of different environments apart."""
    agent_prefix: str
    """Prefix of the keys that failover agents may read and write; they cannot read other keys."""
    access: Access | None
    """Users and rights; None on all members except the first, so that the others need no password."""
    unsupported_arch: str | None
    """Go's name of an architecture on which etcd 3.4 starts only if it is given this name; None elsewhere."""
    certificate: str
    private_key: str = field(repr=False)

    data_dir: str = "/var/lib/etcd"
    user: str = "etcd"
    agent_user: str = "failover"
    unit: str = UNIT

    @property
    def other_addresses(self) -> tuple[str, ...]:
        """Return the segment addresses of the other members."""
        return tuple(address for name, address in self.members if name != self.name)


def agent_prefix(env: Environment) -> str:
    """Return the prefix of all keys that the failover agents of `env` use."""
    return f"/loanstack/{env.name}/"


def keeps_access(env: Environment, host: Host) -> bool:
    """Return whether the member on `host`, the first one, keeps users and rights for all."""
    return host.name == env.hosts_with(Role.ETCD)[0].name


def etcd_spec(
    env: Environment, host: Host, secrets: Secrets, *, certificate: str, private_key: str
) -> EtcdSpec:
    """Return etcd's member on `host`.

    + certificate: PEM chain of the member, leaf first
    + private_key: PEM key that belongs to it
    """
    members = env.hosts_with(Role.ETCD)
    access = Access(root_password=secrets.etcd_root_password, agent_password=secrets.etcd_agent_password)
    return EtcdSpec(
        name=host.name,
        address=host.address,
        members=tuple((h.name, h.address) for h in members),
        etcd=env.etcd,
        cluster=f"loanstack-{env.name}",
        agent_prefix=agent_prefix(env),
        access=access if keeps_access(env, host) else None,
        unsupported_arch="arm64" if host.arch == Arch.AARCH64 else None,
        certificate=certificate,
        private_key=private_key,
    )
