"""The ends of certificates: a timer reads them, because neither nginx nor etcd has them among its metrics."""

from deploys.certificate_ends.spec import TIMER
from deploys.component import Component, Footprint, Stage, Step
from inventory.model import Environment, Host, Role


def _footprint(_env: Environment, _host: Host) -> Footprint:
    return Footprint(units=(TIMER,))


COMPONENT = Component(
    name="certificate_ends",
    package=__name__,
    roles=(Role.GATEWAY, Role.ETCD, Role.OCEANBASE),
    part_of="monitoring",
    # Once the certificates are there: a missing one counts as ended.
    steps=(Step(stage=Stage.READY, deploy="certificate_ends"),),
    footprint=_footprint,
    rules="certificate_ends/rules.yml.j2",
)
