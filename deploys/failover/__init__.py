"""The failover agent: it starts the database of its host, and decides with the others which one leads."""

from collections.abc import Sequence

from deploys.component import Component, Footprint, Installed, Port, Scrape, Stage, Step
from deploys.failover.spec import AGENT_UNIT, ARTIFACT, CONFIG, FOLDER, other_databases
from inventory.availability import Fence, FenceKind
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    port = env.failover.agent_port
    fences = [env.fences[peer.name] for peer in other_databases(env, host) if peer.name in env.fences]
    return Footprint(
        packages=tuple(sorted(_packages(fences))),
        ports=(
            Port(number=port, opened_to=(Role.LOAN,), why="who leads, for loan services"),
            Port(number=port, opened_to=(Role.TONGWEB,), why="who leads, for sql proxies"),
            Port(number=port, opened_to=(Role.OCEANBASE,), why="failover agents among themselves"),
            Port(number=port, opened_to=(Role.MONITOR,), why="failover agent's metrics for monitors"),
        ),
        units=(AGENT_UNIT,),
        secret_files=(CONFIG,),
        artifacts=(Installed(name=ARTIFACT, folder=FOLDER),),
        scrapes=(Scrape(job="failover", port=port),),
    )


def _packages(fences: Sequence[Fence]) -> set[str]:
    """Return the packages with the programs that speak to these devices."""
    ipmi = {"ipmitool" for fence in fences if fence.kind == FenceKind.IPMI}
    return ipmi | {fence.package for fence in fences if fence.kind == FenceKind.FENCE_AGENT}


COMPONENT = Component(
    name="failover",
    package=__name__,
    roles=(Role.OCEANBASE,),
    steps=(Step(stage=Stage.AGENTS, deploy="failover", only_with=DatabaseKind.OCEANBASE),),
    rules="failover/rules.yml.j2",
    footprint=_footprint,
)
