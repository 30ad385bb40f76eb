"""The depot client: dnf installs signed packages, from the offline depot only."""

from deploys.component import Component, Stage, Step

COMPONENT = Component(
    name="depot_client",
    package=__name__,
    steps=(Step(stage=Stage.PACKAGES, deploy="depot_client"),),
)
