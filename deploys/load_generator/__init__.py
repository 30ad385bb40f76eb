"""The load generator: what makes load as clients do; it runs only while a load does."""

from deploys.component import Component, Footprint, Installed, Stage, Step
from deploys.load_generator.spec import ARTIFACT, FOLDER
from inventory.model import Environment, Host, Role


def _footprint(_env: Environment, _host: Host) -> Footprint:
    return Footprint(artifacts=(Installed(name=ARTIFACT, folder=FOLDER),))


COMPONENT = Component(
    name="load_generator",
    package=__name__,
    roles=(Role.LOADGEN,),
    steps=(Step(stage=Stage.HOST, deploy="load_generator"),),
    footprint=_footprint,
)
