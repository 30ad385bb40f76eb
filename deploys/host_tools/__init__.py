"""The tools of hosts: the administrator's commands of the components, with their own Python."""

from deploys.component import Component, Footprint, Installed, Stage, Step
from deploys.host_tools.spec import ARTIFACT, FOLDER
from inventory.model import Environment, Host, Role


def _footprint(_env: Environment, _host: Host) -> Footprint:
    return Footprint(artifacts=(Installed(name=ARTIFACT, folder=FOLDER),))


COMPONENT = Component(
    name="host_tools",
    package=__name__,
    roles=(Role.OCEANBASE, Role.ETCD, Role.LOAN, Role.TONGWEB),
    steps=(Step(stage=Stage.HOST, deploy="host_tools"),),
    footprint=_footprint,
)
