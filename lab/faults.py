"""Faults of a running lab, and their undoing: hosts' power, frozen hosts, network cuts.

Each function raises RefusedError if the lab is not up, or if another command is changing it.
"""

from collections.abc import Iterable

from lab import frozen, partitions
from lab import host as hosts
from lab.errors import RefusedError
from lab.lifecycle import BOOT_DEADLINE_S, Lab


def power(lab: Lab, name: str, action: str) -> None:
    """Switch the power of host `name`: `off` pulls the plug, `on` boots it, `kill` ends its processes.

    + action: `off`, `on` or `kill`

    Raises:
        KeyError: there is no such host.
        LabError: a host that was switched on did not come up.
    """
    target = lab.environment.host(name)
    with lab.changing():
        if action == "off":
            hosts.switch_off(name, lab.plan, lab.lab_dir)
        elif action == "kill":
            hosts.end(name)
        else:
            hosts.switch_on(name, lab.plan, lab.lab_dir)
    if action == "on":
        hosts.wait_for_ssh(target, lab.lab_dir, deadline_s=BOOT_DEADLINE_S)


def freeze(lab: Lab, name: str, *, for_s: float | None) -> None:
    """Freeze every process of host `name`; refused if the host is off.

    + for_s: seconds after which a timer thaws it; None: no timer

    Raises:
        LabError: this kernel cannot freeze it.
    """
    with lab.changing():
        if not hosts.is_running(name):
            raise RefusedError(f"{name} is off; switch it on first: loanstack lab power on {name}")
        frozen.freeze(name, for_s=for_s)


def thaw(lab: Lab, name: str) -> None:
    """Thaw host `name`; does nothing if it is not frozen, or is off."""
    with lab.changing():
        frozen.thaw(name)


def cut(lab: Lab, name: str, *, for_s: float | None) -> None:
    """Make the cut `name` of the network, one of `lab.partitions.partitions_of`.

    + for_s: seconds after which a timer mends it; None: no timer
    """
    with lab.changing():
        partitions.make(partitions.partitions_of(lab.environment)[name], for_s=for_s)


def mend(lab: Lab, names: Iterable[str]) -> None:
    """Mend the cuts `names`; does nothing for cuts that were not made."""
    known = partitions.partitions_of(lab.environment)
    with lab.changing():
        for name in names:
            partitions.mend(known[name])
