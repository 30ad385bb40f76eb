"""The real world of a drill: hosts over SSH, the power switch, Locust."""

import time

from chaos.heal import database_hosts
from chaos.load import LoadClients
from chaos.power import PowerSwitch
from chaos.ssh_databases import SshDatabases
from chaos.world import Clients, Databases, Power
from inventory.model import Environment


class WallClock:
    """The clock of this machine."""

    def now_s(self) -> float:
        """Return the unix time in seconds."""
        return time.time()

    def sleep_s(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class LiveWorld:
    """Everything a drill touches in one environment; implements `chaos.world.World`."""

    def __init__(self, env: Environment) -> None:
        self._ssh = SshDatabases(env)
        self._ssh.open(database_hosts(env))
        self.clock = WallClock()
        self.databases: Databases = self._ssh
        self.power: Power = PowerSwitch(env, is_reachable=self._ssh.is_reachable, forget=self._ssh.forget)
        self.clients: Clients = LoadClients(env)

    def close(self) -> None:
        """End what is open to hosts."""
        self._ssh.close()
