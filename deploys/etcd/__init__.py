"""The consensus store: one etcd member on each host of role arbiter; it keeps which database leads."""

from deploys import platform
from deploys.component import Component, Footprint, Port, Scrape, Stage, Step
from deploys.etcd.spec import AGENT_PASSWORD, CERTIFICATE, ROOT_PASSWORD, UNIT, StoreSpec, keeps_access
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    store = env.store
    return Footprint(
        packages=platform.of(host).store_packages,
        ports=(
            Port(number=store.client_port, opened_to=(Role.OCEANBASE,), why="store for failover agents"),
            Port(number=store.peer_port, opened_to=(Role.ARBITER,), why="store's members among themselves"),
            Port(number=store.metrics_port, opened_to=(Role.MONITOR,), why="store's metrics for monitors"),
        ),
        units=(UNIT,),
        accounts=((UNIT, StoreSpec.user),),
        secret_files=(ROOT_PASSWORD, AGENT_PASSWORD) if keeps_access(env, host) else (),
        certificate_files=(CERTIFICATE,),
        scrapes=(Scrape(job="store", port=store.metrics_port),),
    )


COMPONENT = Component(
    name="store",
    package=__name__,
    roles=(Role.ARBITER,),
    steps=(Step(stage=Stage.STORE, deploy="store"),),
    rules="etcd/rules.yml.j2",
    footprint=_footprint,
)
