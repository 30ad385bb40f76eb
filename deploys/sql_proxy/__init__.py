"""The SQL proxy: HAProxy on loopback; it asks the failover agents which database leads."""

from deploys.component import Component, Footprint, Port, Stage, Step
from deploys.sql_proxy.spec import UNIT
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, _host: Host) -> Footprint:
    return Footprint(
        packages=("haproxy",),
        ports=(Port(number=env.tongweb.data_source.proxy_port, why="sql for the data source of this host"),),
        units=(UNIT,),
    )


COMPONENT = Component(
    name="sql_proxy",
    package=__name__,
    roles=(Role.TONGWEB,),
    part_of="tongweb",
    steps=(Step(stage=Stage.SERVICES, deploy="sql_proxy"),),
    footprint=_footprint,
)
