"""The lab's network as data: namespaces, bridges, cables, addresses and routes.

This module does not touch the machine; `lab.network_setup` makes the network. Drills use these names.

Management (bridge `ls-mgmt` in the machine's own namespace), one segment per centre (bridges `seg-a` ...
in the namespace `ls-router`, which forwards between them) and the DMZ (bridge `dmz` in `ls-dmz`, a switch
without an address). Clients stand in `ls-client`, whose only interface is in the DMZ.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address, ip_interface, ip_network

from inventory.model import Environment, Host

LAB_RANGE = "198.18.0.0/15"
"""RFC 2544, section C.2.2: addresses for benchmarks, never routed on the internet."""
ROUTER = "ls-router"
CLIENT = "ls-client"
DMZ_SWITCH = "ls-dmz"
MANAGEMENT_BRIDGE = "ls-mgmt"
DMZ_BRIDGE = "dmz"
CLIENT_NUMBER = 100
"""Last byte of the clients' address in the DMZ."""
DEPOT_PORT = 8480
POWER_SWITCH_PORT = 8481
ALERT_RECEIVER_PORT = 8482
"""Ports of this machine on the management network; hosts can reach no other port of it."""


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """A switch, with or without an address."""

    name: str
    namespace: str | None
    """Network namespace; None: that of the machine."""
    address: str | None = None
    """With its prefix length, as in ``198.18.1.1/24``."""


@dataclass(frozen=True, kw_only=True)
class Cable:
    """A veth pair from a host's interface to a port of a bridge."""

    namespace: str
    interface: str
    address: str
    """With its prefix length."""
    port: str
    bridge: str
    bridge_namespace: str | None

    @property
    def mac(self) -> str:
        """A fixed MAC address, so that neighbours find a host at once when it comes back."""
        return ":".join(f"{byte:02x}" for byte in (0x02, 0, *ip_interface(self.address).ip.packed))


@dataclass(frozen=True, kw_only=True)
class HostNetwork:
    """A host's namespace, its cables, and its gateway to the rest of the lab."""

    host: str
    namespace: str
    cables: tuple[Cable, ...]
    gateway: str | None
    """Router for `LAB_RANGE`; None: the host reaches only directly connected networks."""


@dataclass(frozen=True, kw_only=True)
class NetworkPlan:
    """Everything that `up` makes and `down` removes."""

    bridges: tuple[Bridge, ...]
    hosts: tuple[HostNetwork, ...]
    client: HostNetwork
    depot_address: str

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Names of all network namespaces."""
        own = (ROUTER, DMZ_SWITCH, self.client.namespace)
        return own + tuple(h.namespace for h in self.hosts)

    @property
    def machine_interfaces(self) -> tuple[str, ...]:
        """Names of all interfaces in the machine's own namespace."""
        bridges = tuple(b.name for b in self.bridges if b.namespace is None)
        cables = [c for h in self.hosts for c in h.cables]
        return bridges + tuple(c.port for c in cables if c.bridge_namespace is None)

    def host(self, name: str) -> HostNetwork:
        """Return the part of host `name`; raises KeyError with the known hosts."""
        for part in self.hosts:
            if part.host == name:
                return part
        raise KeyError(f"no host {name!r} in the lab; known: {', '.join(h.host for h in self.hosts)}")


def namespace_of(host: str) -> str:
    """Return the network namespace of `host`."""
    return f"ls-{host}"


def plan_of(environment: Environment) -> NetworkPlan:
    """Return the network of `environment`.

    Raises:
        ValueError: an address is outside its network or outside the benchmarking range.
    """
    management = _network(environment.management_network, "management_network")
    dmz = _network(environment.dmz_network, "dmz_network")
    segments = {c.name: _network(c.segment, f"centre {c.name}: segment") for c in environment.centres}
    first = f"{next(management.hosts())}"
    bridges = [Bridge(name=MANAGEMENT_BRIDGE, namespace=None, address=f"{first}/{management.prefixlen}")]
    for centre in environment.centres:
        address = _within(centre.router, segments[centre.name], f"centre {centre.name}: router")
        bridges.append(Bridge(name=f"seg-{centre.name}", namespace=ROUTER, address=address))
    bridges.append(Bridge(name=DMZ_BRIDGE, namespace=DMZ_SWITCH))
    client_cable = Cable(
        namespace=CLIENT,
        interface="dmz0",
        address=f"{dmz.network_address + CLIENT_NUMBER}/{dmz.prefixlen}",
        port="d-client",
        bridge=DMZ_BRIDGE,
        bridge_namespace=DMZ_SWITCH,
    )
    return NetworkPlan(
        bridges=tuple(bridges),
        hosts=tuple(
            _host_network(
                host,
                management=management,
                segment=segments[host.centre],
                dmz=dmz,
                router=environment.centre(host.centre).router,
            )
            for host in environment.hosts
        ),
        client=HostNetwork(host="client", namespace=CLIENT, cables=(client_cable,), gateway=None),
        depot_address=first,
    )


def _host_network(
    host: Host, *, management: IPv4Network, segment: IPv4Network, dmz: IPv4Network, router: str
) -> HostNetwork:
    namespace = namespace_of(host.name)

    def cable(interface: str, address: str, network: IPv4Network, bridge: str, where: str | None) -> Cable:
        return Cable(
            namespace=namespace,
            interface=interface,
            address=_within(address, network, f"host {host.name}: {interface}"),
            port=f"{interface[0]}-{host.name}",
            bridge=bridge,
            bridge_namespace=where,
        )

    cables = [
        cable("mgmt0", host.management_address, management, MANAGEMENT_BRIDGE, None),
        cable("seg0", host.address, segment, f"seg-{host.centre}", ROUTER),
    ]
    if host.dmz_address is not None:
        cables.append(cable("dmz0", host.dmz_address, dmz, DMZ_BRIDGE, DMZ_SWITCH))
    return HostNetwork(host=host.name, namespace=namespace, cables=tuple(cables), gateway=router)


def _network(cidr: str, field: str) -> IPv4Network:
    network = ip_network(cidr)
    if not isinstance(network, IPv4Network) or not network.subnet_of(IPv4Network(LAB_RANGE)):
        raise ValueError(f"lab inventory: {field} = {cidr!r} must lie within {LAB_RANGE}")
    return network


def _within(address: str, network: IPv4Network, field: str) -> str:
    if ip_address(address) not in network:
        raise ValueError(f"lab inventory: {field} = {address!r} must lie within {network}")
    return f"{address}/{network.prefixlen}"
