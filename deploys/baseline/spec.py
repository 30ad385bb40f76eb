"""The baseline of every host: kernel settings, limits, time, SSH, firewall."""

from dataclasses import dataclass

from deploys import platform
from inventory.model import Environment, Host, Role
from inventory.ssh import LOAD_PORTS

SSH_PORT = 22
NTP_PORT = 123
FIREWALL_UNIT = "loanstack-firewall.service"
OTHER_FIREWALL_UNIT = "firewalld.service"
"""The distribution's own. To start it would end ours (`Conflicts=`), and with it every rule of this host."""

DATABASE_KERNEL = (
    ("fs.aio-max-nr", "1048576"),
    ("fs.file-max", "6573688"),
    ("vm.max_map_count", "655360"),
    ("vm.overcommit_memory", "0"),
    ("vm.swappiness", "0"),
)
"""Settings that OceanBase's own deployer checks before it installs."""

NETWORK_KERNEL = (
    ("net.core.somaxconn", "4096"),
    ("net.ipv4.ip_local_port_range", "10240 60999"),
    ("net.ipv4.tcp_max_syn_backlog", "4096"),
    ("net.ipv4.tcp_syncookies", "1"),
)
"""Room for thousands of short connections on gateways and loan hosts."""

_LARGE_HOST_MIB = 256 * 1024
_LARGE_HOST_KERNEL = (("vm.min_free_kbytes", "2097152"),)


@dataclass(frozen=True, kw_only=True)
class IngressRule:
    """One permission: these sources may reach this port."""

    why: str
    """Purpose; becomes the comment of the rule."""
    protocol: str
    """`tcp`, `udp` or `vrrp`."""
    port: int | None
    """Port; None for a protocol without ports."""
    sources: tuple[str, ...]
    """Addresses or networks."""


@dataclass(frozen=True, kw_only=True)
class BaselineSpec:
    """The baseline of one host."""

    host_name: str
    stand_in: str | None
    """The real system of the host, if it is not Kylin itself."""
    platform: platform.Platform
    kernel: tuple[tuple[str, str], ...]
    is_database: bool
    ingress_rules: tuple[IngressRule, ...]
    authority: str
    """PEM text of the authority that signed all others: what components on the host trust."""
    time_sources: tuple[str, ...]
    """Addresses of time servers; empty on the host that is the time server."""
    time_clients: tuple[str, ...]
    """Networks that may ask this host for the time."""
    ssh_listen_ports: tuple[int, ...] = ()
    """Loopback ports that an SSH session may open here, and lead to where it came from."""

    @property
    def ssh_sources(self) -> tuple[str, ...]:
        """Return the addresses and networks from which the firewall accepts SSH."""
        ssh = (rule for rule in self.ingress_rules if (rule.protocol, rule.port) == ("tcp", SSH_PORT))
        return tuple(source for rule in ssh for source in rule.sources)

    @property
    def kernel_is_shared(self) -> str | None:
        """Reason not to change the kernel of a stand-in; None on a real host."""
        return f"{self.stand_in} shares the kernel of the machine it runs on" if self.stand_in else None


def kernel_settings(host: Host) -> tuple[tuple[str, str], ...]:
    """Return (name, value) of the kernel settings of `host`, sorted."""
    found = [*NETWORK_KERNEL]
    if host.has(Role.OCEANBASE):
        found += DATABASE_KERNEL
        if host.memory_mib >= _LARGE_HOST_MIB:
            found += _LARGE_HOST_KERNEL
    return tuple(sorted(found))


def baseline_spec(
    env: Environment, host: Host, *, ingress_rules: tuple[IngressRule, ...], authority: str
) -> BaselineSpec:
    """Return the baseline of `host`.

    + ingress_rules: of the components of the host
    + authority: PEM text of the authority
    """
    gives_time = host.has(Role.MONITOR)
    monitors = env.hosts_with(Role.MONITOR)
    return BaselineSpec(
        host_name=host.name,
        stand_in=host.os.stand_in,
        platform=platform.of(host),
        kernel=kernel_settings(host),
        is_database=host.has(Role.OCEANBASE),
        ingress_rules=ingress_rules,
        authority=authority,
        time_sources=() if gives_time else tuple(h.address for h in monitors),
        time_clients=tuple(c.segment for c in env.centres) if gives_time else (),
        ssh_listen_ports=tuple(LOAD_PORTS) if host.has(Role.LOADGEN) else (),
    )
