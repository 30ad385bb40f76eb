"""A check before the firewall is changed."""

from collections.abc import Generator
from ipaddress import ip_address, ip_network

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.session import SessionOrigin
from deploys.operations.refusal import refusal


@operation()
def spares_this_session(management_network: str) -> Generator[StringCommand, None, None]:
    """Refuse to go on if the rules would block the deploy's own SSH session.

    + management_network: CIDR from which the rules accept SSH
    """
    origin = host.get_fact(SessionOrigin)
    if origin and ip_address(origin) not in ip_network(management_network):
        yield refusal(
            f"{host.name}: this session comes from {origin}; the firewall accepts SSH only from "
            f"management_network = {management_network}. Deploy from there, or correct the inventory"
        )
        return
    host.noop(f"SSH from {origin} stays allowed")
