"""The virtual addresses for clients, and the gateways that have them."""

from dataclasses import dataclass
from ipaddress import ip_network

from inventory.model import Environment, Host, Role

_FIRST_ROUTER_ID = 51
_OWN_PRIORITY = 150
_OTHERS_PRIORITY = 100
UNIT = "keepalived.service"
PROGRAM = "/usr/sbin/keepalived"


@dataclass(frozen=True, kw_only=True)
class VirtualAddress:
    """One address on one gateway."""

    number: int
    address: str
    router_id: int
    """VRRP router id: equal on all gateways, and unique for this address."""
    priority: int
    """Priority: the gateway with the highest has the address if all start at once."""


@dataclass(frozen=True, kw_only=True)
class VirtualAddressesSpec:
    """Keepalived on one gateway."""

    host_name: str
    interface: str
    own_address: str
    peers: tuple[str, ...]
    prefix_length: int
    addresses: tuple[VirtualAddress, ...]
    advert_s: float = 0.25
    """Interval of advertisements: a gateway that is silent for slightly more than three loses its addresses
    (RFC 5798)."""


def virtual_addresses_spec(env: Environment, host: Host) -> VirtualAddressesSpec:
    """Return keepalived's settings on `host`: the n-th address begins at the n-th gateway."""
    gateways = env.hosts_with(Role.GATEWAY)
    assert host.dmz_address is not None, "the inventory's validation asks for it"
    return VirtualAddressesSpec(
        host_name=host.name,
        interface=env.gateway.virtual_interface,
        own_address=host.dmz_address,
        peers=tuple(str(other.dmz_address) for other in gateways if other.name != host.name),
        prefix_length=ip_network(env.dmz_network).prefixlen,
        addresses=tuple(
            VirtualAddress(
                number=number + 1,
                address=address,
                router_id=_FIRST_ROUTER_ID + number,
                priority=_OWN_PRIORITY if gateways[number].name == host.name else _OTHERS_PRIORITY,
            )
            for number, address in enumerate(env.gateway.virtual_addresses)
        ),
    )
