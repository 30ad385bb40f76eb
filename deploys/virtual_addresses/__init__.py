"""The gateways' virtual addresses: keepalived moves them when a gateway is lost."""

from deploys.component import Component, Footprint, Port, Stage, Step
from deploys.virtual_addresses.spec import UNIT
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    packages = ("keepalived",)
    if not env.gateway.virtual_addresses:
        return Footprint(packages=packages)
    peers = tuple(str(h.dmz_address) for h in env.hosts_with(Role.GATEWAY) if h.name != host.name)
    return Footprint(
        packages=packages,
        ports=(Port(number=None, protocol="vrrp", sources=peers, why="who has the virtual addresses"),),
        units=(UNIT,),
    )


COMPONENT = Component(
    name="virtual_addresses",
    package=__name__,
    roles=(Role.GATEWAY,),
    part_of="gateway",
    steps=(Step(stage=Stage.SERVICES, deploy="virtual_addresses"),),
    footprint=_footprint,
)
