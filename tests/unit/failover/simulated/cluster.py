"""Database hosts with their agents, an etcd of three members, and fence devices, all simulated."""

from dataclasses import dataclass

from failover.core.observed import Role, Settings
from tests.unit.failover.simulated.agent import Agent
from tests.unit.failover.simulated.checks import Checks
from tests.unit.failover.simulated.clients import Clients
from tests.unit.failover.simulated.database import Database, History
from tests.unit.failover.simulated.effects import Effects
from tests.unit.failover.simulated.etcd import Etcd
from tests.unit.failover.simulated.faults import isolated
from tests.unit.failover.simulated.fences import Fences
from tests.unit.failover.simulated.records import FIRST
from tests.unit.failover.simulated.world import Event, World

HOSTS = ("a", "b", "c")
BOOT_MS = (1500, 4000)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a run begins with."""

    databases: tuple[str, ...] = ("a", "b")
    never_leads: str | None = None
    fresh: bool = False
    """Nobody has ever led: databases from before there were agents, running or not."""
    odd: float = 0.0
    """How often a step of an action fails or takes much longer."""


class Cluster:
    """Everything of one run. Host `a` has the primary at first."""

    def __init__(self, seed: int, shape: Shape, settings: Settings) -> None:
        self.settings = settings
        self.world = World(seed, HOSTS)
        self.etcd = Etcd(self.world, HOSTS, settings.lease_ttl_ms)
        self.fences = Fences(self.world, self.power_off, self.power_on)
        history = History()
        self.databases = {
            name: Database(
                self.world,
                self.world.hosts[name],
                Role.PRIMARY if name == "a" else Role.STANDBY,
                history,
            )
            for name in shape.databases
        }
        self.effects = Effects(self.fences, shape.odd)
        self.agents = {
            name: Agent(
                self.world,
                self.etcd,
                database,
                settings,
                self.effects,
                candidate=name != shape.never_leads,
            )
            for name, database in self.databases.items()
        }
        for name, database in self.databases.items():
            database.others = {n: d for n, d in self.databases.items() if n != name}
            self.agents[name].others = {n: x for n, x in self.agents.items() if n != name}
            if name != "a":
                database.follows = "a"
        self.checks = Checks(self.world, self.etcd, self.databases, settings)
        self.clients = Clients(seed, self.world, self.agents, self.databases, self.checks)
        self.lost: str | None = None
        self.heals = 0
        if shape.fresh:
            self._nobody_ever_led()
        else:
            self._a_leads()
        self.clients.start()

    def _nobody_ever_led(self) -> None:
        """Databases from before there were agents: each runs, or does not."""
        for database in self.databases.values():
            if self.world.chance.random() < 0.5:
                database.answer(database.start())
        for agent in self.agents.values():
            self.world.on_host(agent.host, self.world.chance.uniform(0, 300), agent.start)

    def _a_leads(self) -> None:
        """Host a serves epoch 1, and the others follow it."""
        for database in self.databases.values():
            database.note.timeline = database.note.epoch = database.table_epoch = 1
            database.answer(database.start())
        for agent in self.agents.values():
            self.etcd.member_keys[agent.me] = (0, {**agent.describes_itself(), "scn": 1})
        number = self.etcd.grant()
        self.etcd.lease_key = number
        self.etcd.write(0, FIRST)
        self.checks.figures.clear()
        self.checks.served, self.checks.served_by = self.databases["a"].history, self.databases["a"]
        for name, agent in self.agents.items():
            if name == "a":
                agent.leads_already(1, number)
            else:
                self.world.on_host(agent.host, self.world.chance.uniform(0, 300), agent.start)

    def power_off(self, name: str) -> None:
        if name in self.agents:
            self.databases[name].advance()
            self.databases[name].kill()
            self.agents[name].end()
        self.world.power_off(self.world.hosts[name])

    def power_on(self, name: str) -> None:
        """Switch on; after it has booted its agent starts, and its database does not by itself."""
        host = self.world.hosts[name]
        if host.on or name == self.lost:
            return
        self.world.power_on(host)
        if name in self.agents:
            self.world.on_host(host, self.world.chance.uniform(*BOOT_MS), self.agents[name].start)

    def later(self, ms: float, end: Event) -> None:
        """End one fault later, unless all were ended before."""
        heals = self.heals
        self.world.after(ms, lambda: end() if self.heals == heals else None)

    def heal(self) -> None:
        """End every fault that is going on."""
        world = self.world
        self.heals += 1
        world.cuts.clear()
        world.delay_ms = (0.5, 6.0)
        self.etcd.down.clear()
        self.etcd.paused = False
        self.fences.unreachable.clear()
        self.fences.slow.clear()
        for name, agent in self.agents.items():
            self.databases[name].stalled = self.databases[name].stopped = False
            agent.resume()
        for name, host in world.hosts.items():
            world.thaw(host)
            if not host.on:
                self.power_on(name)
        world.changed()

    def lose(self, name: str) -> None:
        """Lose a host for good: its power, its network, or its time; with or without its fence device."""
        self.lost = name
        chance = self.world.chance
        if chance.random() < 0.5:
            self.fences.unreachable.add(name)
        kind = chance.choice(("power", "network", "time"))
        if kind == "power":
            self.power_off(name)
        elif kind == "network":
            isolated(self, name, 1e9)
        else:
            self.world.freeze(self.world.hosts[name], clock_stops=False)

    def counted(self) -> dict[str, int]:
        """Return what happened here, for the figures."""
        agents = self.agents.values()
        return {
            "schedules": 1,
            "events": self.world.events,
            "decisions": sum(agent.decisions for agent in agents),
            "self_fences": sum(agent.self_fences for agent in agents),
            "refusals": sum(agent.refusals for agent in agents),
            "device_fences": self.fences.used,
            "elections": self.etcd.elections,
        }
