"""Prometheus: scrapes what every component has to scrape, and keeps the figures and the alerts."""

from deploys import platform
from deploys.component import Component, Footprint, Port, Stage, Step
from deploys.prometheus.spec import UNIT
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    operators = (env.management_network,)
    port = Port(number=env.monitoring.prometheus_port, sources=operators, why="prometheus for operators")
    return Footprint(packages=(platform.of(host).prometheus_package,), ports=(port,), units=(UNIT,))


COMPONENT = Component(
    name="prometheus",
    package=__name__,
    roles=(Role.MONITOR,),
    part_of="monitoring",
    steps=(Step(stage=Stage.SERVICES, deploy="prometheus"),),
    footprint=_footprint,
)
