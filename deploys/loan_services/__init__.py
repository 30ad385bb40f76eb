"""The loan services: they answer the portals, and write to the primary."""

from deploys.component import Component, Footprint, Installed, Port, Scrape, Stage, Step
from deploys.loan_services.spec import (
    ARTIFACT,
    ENVIRONMENT,
    FOLDER,
    OWNER_ENVIRONMENT,
    UNIT,
    LoanServicesSpec,
)
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, _host: Host) -> Footprint:
    port = env.loan.port
    return Footprint(
        ports=(
            Port(number=port, opened_to=(Role.TONGWEB,), why="loan services for portals"),
            Port(number=port, opened_to=(Role.MONITOR,), why="loan services' metrics for monitors"),
        ),
        units=(UNIT,),
        accounts=((UNIT, LoanServicesSpec.user),),
        secret_files=(ENVIRONMENT, OWNER_ENVIRONMENT),
        artifacts=(Installed(name=ARTIFACT, folder=FOLDER),),
        scrapes=(Scrape(job="loan", port=port),),
    )


COMPONENT = Component(
    name="loan_services",
    package=__name__,
    roles=(Role.LOAN,),
    steps=(
        Step(stage=Stage.SERVICES, deploy="loan_services"),
        Step(stage=Stage.READY, deploy="loan_services_ready"),
    ),
    footprint=_footprint,
)
