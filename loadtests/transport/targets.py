"""Targets of a load: the environment's gateways, and nothing else."""

from inventory.model import Environment
from loadtests.transport.connections import Target, target_of

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def gateways(found: Environment) -> tuple[Target, ...]:
    """Return the environment's gateways as clients reach them."""
    return tuple(
        Target(
            url=f"https://{address}:{found.gateway.port}",
            address=address,
            port=found.gateway.port,
            server_name=found.gateway.server_name,
            ca_file=found.ca_dir / "ca.pem",
        )
        for address in found.client_facing_addresses
    )


def chosen(host: str | None, found: Environment) -> tuple[Target, ...]:
    """Return the environment's gateways, or the one that was chosen; no other host is ever loaded.

    + host: URL of one gateway, or of this machine itself; None: all gateways

    Raises:
        ValueError: the URL is neither.
    """
    known = gateways(found)
    if host is None:
        return known
    named = tuple(target for target in known if target.url == host.rstrip("/"))
    if named:
        return named
    target = target_of(host)
    if target.address not in _LOOPBACK:
        allowed = ", ".join(gateway.url for gateway in known)
        raise ValueError(
            f"--host {host} is no gateway of {found.name}; allowed: {allowed}, or this machine's own"
        )
    return (target,)
