"""Alertmanager: a pair that takes the alerts of every Prometheus, and brings each to people once."""

from deploys import platform
from deploys.alertmanager.spec import TOKEN, USER
from deploys.component import Component, Footprint, Port, Scrape, Stage, Step
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    names, alerting = platform.of(host), env.alerting
    among = tuple(
        Port(
            number=alerting.cluster_port,
            protocol=protocol,
            opened_to=(Role.ALERTMANAGER,),
            why="alertmanagers among themselves",
        )
        for protocol in ("tcp", "udp")
    )
    return Footprint(
        packages=(names.alertmanager_package,),
        ports=(
            Port(number=alerting.port, opened_to=(Role.MONITOR,), why="alerts from monitors"),
            Port(number=alerting.port, sources=(env.management_network,), why="alertmanager for operators"),
            *among,
        ),
        units=(names.alertmanager_unit,),
        accounts=((names.alertmanager_unit, USER),),
        service_secret_files=((TOKEN, USER),) if alerting.webhook_url is not None else (),
        scrapes=(Scrape(job="alertmanager", port=alerting.port),),
    )


COMPONENT = Component(
    name="alertmanager",
    package=__name__,
    roles=(Role.ALERTMANAGER,),
    part_of="monitoring",
    steps=(Step(stage=Stage.HOST, deploy="alertmanager"),),
    rules="alertmanager/rules.yml.j2",
    footprint=_footprint,
)
