"""The baseline of every host: kernel settings, limits, SSH, firewall, time."""

from deploys import platform
from deploys.baseline.spec import FIREWALL_UNIT, NTP_PORT
from deploys.component import Component, Footprint, Port, Stage, Step
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    names = platform.of(host)
    others = tuple(other.address for other in env.hosts if other.name != host.name)
    time = Port(number=NTP_PORT, protocol="udp", sources=others, why="time for all hosts")
    return Footprint(
        packages=("chrony", "nftables"),
        ports=(time,) if host.has(Role.MONITOR) else (),
        units=(FIREWALL_UNIT, names.ssh_unit, names.chrony_unit),
    )


COMPONENT = Component(
    name="baseline",
    package=__name__,
    steps=(
        Step(stage=Stage.PACKAGES, deploy="baseline"),
        Step(stage=Stage.HOST, deploy="firewall_and_time"),
    ),
    footprint=_footprint,
)
