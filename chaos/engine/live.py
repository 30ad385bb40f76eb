"""The real world of a drill: hosts over SSH, the environment's switches, Locust."""

import time

from chaos.recorders.clients import LoadClients
from chaos.system.agents import SshAgents, SshEtcd
from chaos.system.alerts import SshAlerts
from chaos.system.databases import SshDatabases
from chaos.system.hosts import SshHosts
from chaos.system.pair import database_hosts
from chaos.system.shells import Shells
from chaos.system.switches import NetworkSwitch, PowerSwitch
from chaos.system.world import Agents, Alerts, Clients, Databases, Etcd, Hosts, Network, Power
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
    """Everything a drill touches in one environment; implements `chaos.system.world.World`."""

    def __init__(self, env: Environment) -> None:
        # Queries to the agents use shells of their own: the other shells may be busy with making a fault.
        self._shells, self._asking = Shells(env), Shells(env)
        self._ssh = SshDatabases(env, self._shells)
        self._ssh.open(database_hosts(env))
        self.clock = WallClock()
        self.databases: Databases = self._ssh
        self.hosts: Hosts = SshHosts(self._shells, database_port=env.database.sql_port)
        self.power: Power = PowerSwitch(env, is_reachable=self._ssh.is_reachable, forget=self._forget)
        self.network: Network = NetworkSwitch(env)
        self.agents: Agents = SshAgents(env, self._asking)
        self.etcd: Etcd = SshEtcd(env, self._asking)
        self.alerts: Alerts = SshAlerts(env, self._asking)
        self.clients: Clients = LoadClients(env)

    def close(self) -> None:
        """Close all sessions to hosts."""
        self._ssh.close()
        self._shells.close()
        self._asking.close()

    def _forget(self, name: str) -> None:
        self._ssh.forget(name)
        self._shells.forget(name)
        self._asking.forget(name)
