"""The node exporter: figures of the host itself, for Prometheus."""

from deploys import platform
from deploys.component import Component, Footprint, Port, Scrape, Stage, Step
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    names, port = platform.of(host), env.monitoring.node_exporter_port
    return Footprint(
        packages=(names.node_exporter_package,),
        ports=(Port(number=port, opened_to=(Role.MONITOR,), why="node exporter for monitors"),),
        units=(names.node_exporter_unit,),
        scrapes=(Scrape(job="node", port=port),),
    )


COMPONENT = Component(
    name="node_exporter",
    package=__name__,
    part_of="monitoring",
    steps=(Step(stage=Stage.HOST, deploy="node_exporter"),),
    footprint=_footprint,
)
