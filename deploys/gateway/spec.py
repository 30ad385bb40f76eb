"""The gateway of one host."""

from dataclasses import dataclass, field

from deploys import platform
from inventory.model import Environment, Gateway, Host, Role

UNIT = "nginx.service"
CERTIFICATE = "/etc/nginx/tls/gateway.pem"
FAIL_TIMEOUT_S = 1
"""How long a gateway does not use a portal that failed to take a request."""
_MARGIN_S = 0.5
"""Margin for nginx's clock, which it sets when it wakes, and for the one request that it tries first."""


@dataclass(frozen=True, kw_only=True)
class GatewaySpec:
    """One gateway host."""

    gateway: Gateway
    own_address: str
    """Address in the DMZ, the only network that clients reach."""
    addresses: tuple[str, ...]
    """All addresses by which clients may reach it."""
    upstreams: tuple[str, ...]
    """ip:port of the channel portals in all centres."""
    nginx_user: str
    certificate: str
    private_key: str = field(repr=False)


def gateway_spec(env: Environment, host: Host, *, certificate: str, private_key: str) -> GatewaySpec:
    """Return the gateway of `host`.

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
        certificate=certificate,
        private_key=private_key,
    )


def return_noticed_within_s(gateway: Gateway) -> float:
    """Return after how many seconds every gateway uses a portal again that was put back into rotation.

    The last request that the portal did not take may end as late as the connection time-out. From then on
    nginx counts whole seconds, and tries the portal again after *more* than `fail_timeout` of them (`now -
    checked <= fail_timeout` in its ngx_http_upstream_round_robin.c): with 1 s that is up to 2 s (seen on the
    lab: every 2 s). If another portal is taken out before that, a gateway has no portal left, and clients
    get 504.
    """
    return gateway.connect_timeout_ms / 1000 + FAIL_TIMEOUT_S + 1 + _MARGIN_S
