"""The gateway: nginx with TLS, the only thing that clients reach."""

from deploys.component import Component, Footprint, Port, Stage, Step
from deploys.gateway.spec import CERTIFICATE, UNIT
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, _host: Host) -> Footprint:
    return Footprint(
        packages=("nginx",),
        ports=(Port(number=env.gateway.port, sources=(env.dmz_network,), why="clients from the DMZ"),),
        units=(UNIT,),
        certificate_files=(CERTIFICATE,),
    )


COMPONENT = Component(
    name="gateway",
    package=__name__,
    roles=(Role.GATEWAY,),
    steps=(
        Step(stage=Stage.SERVICES, deploy="gateway"),
        Step(stage=Stage.READY, deploy="gateway_ready"),
    ),
    footprint=_footprint,
)
