"""Starts the lab's servers, each in its own control group, unless they run."""

import subprocess
import sys
from pathlib import Path

from inventory import places
from lab import build, cgroups, redfish
from lab.network import ALERT_RECEIVER_PORT, DEPOT_PORT, POWER_SWITCH_PORT

_DEADLINE_S = 15.0


def start_depot(lab_dir: Path, address: str) -> None:
    """Start the web server of the depot and wait until it serves files.

    Raises:
        LabError: it does not, within the deadline.
    """
    served = (str(lab_dir / "depot"), address, str(DEPOT_PORT))
    _start("depot-server", "lab.depot_server", served, log=lab_dir / "depot-server.log")
    build.wait_until_served(f"http://{address}:{DEPOT_PORT}/artifacts/SHA256SUMS", deadline_s=_DEADLINE_S)


def start_power_switch(lab_dir: Path, address: str) -> None:
    """Start the hosts' power switch, whose secrets must exist already, and wait until it answers.

    Raises:
        LabError: it does not, within the deadline.
    """
    served = (address, str(POWER_SWITCH_PORT))
    _start("power-switch", "lab.power_switch", served, log=lab_dir / "power-switch.log")
    build.wait_until_served(f"http://{address}:{POWER_SWITCH_PORT}{redfish.ROOT}", deadline_s=_DEADLINE_S)


def start_alert_receiver(lab_dir: Path, address: str) -> None:
    """Start the receiver of alerts, whose secret must exist already; it writes `alerts.jsonl`."""
    served = (str(lab_dir / "alerts.jsonl"), address, str(ALERT_RECEIVER_PORT))
    _start("alert-receiver", "lab.alert_receiver", served, log=lab_dir / "alert-receiver.log")


def _start(group: str, module: str, arguments: tuple[str, ...], *, log: Path) -> None:
    if cgroups.processes(group):
        return
    with log.open("ab") as output:
        subprocess.run(
            [*cgroups.joining(cgroups.make(group)), sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=places.PROJECT_ROOT,
            check=True,
            timeout=_DEADLINE_S,
        )
