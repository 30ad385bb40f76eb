"""The firing alerts of the environment's Prometheus."""

import json

from chaos.system.shells import Shells
from chaos.system.world import WorldError
from inventory.model import Environment, Role

_WITHIN_S = 5.0


class SshAlerts:
    """The monitoring of one environment; implements `chaos.system.world.Alerts`."""

    def __init__(self, env: Environment, shells: Shells) -> None:
        self._env = env
        self._shells = shells

    def firing(self) -> frozenset[str]:
        """Return the names of the firing alerts; none if no Prometheus answers."""
        url = f"http://127.0.0.1:{self._env.monitoring.prometheus_port}/api/v1/alerts"
        command = ["curl", "--silent", "--fail", "--max-time", f"{_WITHIN_S:g}", url]
        for host in self._env.hosts_with(Role.MONITOR):
            try:
                done = self._shells.get(host).run(command, within_s=_WITHIN_S + 1.0)
                return firing_in(done.stdout)
            except (WorldError, ValueError):
                continue
        return frozenset()


def firing_in(answer: str) -> frozenset[str]:
    """Return the names of the firing alerts in Prometheus' answer.

    Raises:
        ValueError: it is not an answer about alerts.
    """
    try:
        alerts = json.loads(answer)["data"]["alerts"]
        return frozenset(each["labels"]["alertname"] for each in alerts if each["state"] == "firing")
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"not an answer about alerts: {wrong}") from None
