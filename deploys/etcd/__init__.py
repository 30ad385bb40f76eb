"""etcd: one member on each host of role etcd; it keeps which database leads."""

from deploys import platform
from deploys.component import Component, Footprint, Port, Scrape, Stage, Step
from deploys.etcd.spec import AGENT_PASSWORD, CERTIFICATE, ROOT_PASSWORD, UNIT, EtcdSpec, keeps_access
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    etcd = env.etcd
    return Footprint(
        packages=platform.of(host).etcd_packages,
        ports=(
            Port(number=etcd.client_port, opened_to=(Role.OCEANBASE,), why="etcd for failover agents"),
            Port(number=etcd.peer_port, opened_to=(Role.ETCD,), why="etcd members among themselves"),
            Port(number=etcd.metrics_port, opened_to=(Role.MONITOR,), why="etcd's metrics for monitors"),
        ),
        units=(UNIT,),
        accounts=((UNIT, EtcdSpec.user),),
        secret_files=(ROOT_PASSWORD, AGENT_PASSWORD) if keeps_access(env, host) else (),
        certificate_files=(CERTIFICATE,),
        scrapes=(Scrape(job="etcd", port=etcd.metrics_port),),
    )


COMPONENT = Component(
    name="etcd",
    package=__name__,
    roles=(Role.ETCD,),
    steps=(Step(stage=Stage.ETCD, deploy="etcd"),),
    rules="etcd/rules.yml.j2",
    footprint=_footprint,
)
