"""The gateway of one host."""

from dataclasses import dataclass, field

from deploys.specs import platform
from inventory.model import Environment, Gateway, Host, Role


@dataclass(frozen=True, kw_only=True)
class GatewaySpec:
    """One gateway host."""

    gateway: Gateway
    own_address: str
    """In the DMZ: clients reach nothing else."""
    addresses: tuple[str, ...]
    """All that clients may call it by."""
    upstreams: tuple[str, ...]
    """ip:port of the channel portals in all centres."""
    nginx_user: str
    authority: str
    """PEM certificate of the authority that signed the gateway's."""
    certificate: str
    private_key: str = field(repr=False)


def gateway_spec(
    env: Environment, host: Host, *, authority: str, certificate: str, private_key: str
) -> GatewaySpec:
    """Return the gateway of `host`.

    + authority: PEM certificate of the authority
    + certificate: PEM chain of the gateway, leaf first
    + private_key: PEM key that belongs to it
    """
    assert host.dmz_address is not None, "the inventory's validation asks for it"
    port = env.tongweb.port
    return GatewaySpec(
        gateway=env.gateway,
        own_address=host.dmz_address,
        addresses=(host.dmz_address, *env.gateway.virtual_addresses),
        upstreams=tuple(f"{h.address}:{port}" for h in env.hosts_with(Role.TONGWEB)),
        nginx_user=platform.of(host).nginx_user,
        authority=authority,
        certificate=certificate,
        private_key=private_key,
    )
