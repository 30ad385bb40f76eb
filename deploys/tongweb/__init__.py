"""TongWeb with the channel portal: it passes requests of the gateways on to the loan services."""

from deploys.component import Component, Footprint, Installed, Port, Scrape, Stage, Step
from deploys.tongweb.spec import ACCOUNTS, DATA_SOURCE, FOLDER, PORTAL_FOLDER, UNIT, TongWebSpec
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, _host: Host) -> Footprint:
    tongweb = env.tongweb
    operators = (env.management_network,)
    return Footprint(
        ports=(
            Port(number=tongweb.port, opened_to=(Role.GATEWAY,), why="portal for gateways"),
            Port(number=tongweb.port, opened_to=(Role.MONITOR,), why="portal's metrics for monitors"),
            Port(number=tongweb.console_port, sources=operators, why="tongweb's console for operators"),
            Port(number=tongweb.shutdown_port, why="tongweb's own stop command"),
        ),
        units=(UNIT,),
        accounts=((UNIT, TongWebSpec.user),),
        secret_files=(ACCOUNTS, DATA_SOURCE),
        artifacts=(
            Installed(name="tongweb", folder=FOLDER),
            Installed(name="tongweb-license"),
            Installed(name="jdk"),
            Installed(name="channel-portal", folder=PORTAL_FOLDER),
            Installed(name="jdbc-driver"),
        ),
        scrapes=(Scrape(job="portal", port=tongweb.port, path="/portal/metrics"),),
    )


COMPONENT = Component(
    name="tongweb",
    package=__name__,
    roles=(Role.TONGWEB,),
    steps=(Step(stage=Stage.SERVICES, deploy="tongweb"),),
    footprint=_footprint,
)
