"""What is broken during a run: every fault with its end."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from failover.core.observed import Request, RequestKind
from tests.unit.failover.simulated.world import ETCD, PEERS

if TYPE_CHECKING:
    from tests.unit.failover.simulated.cluster import Cluster

Fault = Callable[["Cluster", str, float], None]
"""Breaks something at the named database host now, and sees to it that it is whole again after so many ms."""


def _lives(cluster: "Cluster", host: str) -> bool:
    """Say whether anything can happen on a host at all."""
    machine = cluster.world.hosts[host]
    return machine.on and not machine.frozen


def database_crash(cluster: "Cluster", host: str, lasts: float) -> None:
    if _lives(cluster, host):
        cluster.databases[host].kill()


def database_stopped(cluster: "Cluster", host: str, lasts: float) -> None:
    """SIGSTOP of the database, and SIGCONT."""
    database = cluster.databases[host]
    if not _lives(cluster, host):
        return
    instance = database.instance
    database.advance()
    database.stopped = True

    def goes_on() -> None:
        if database.instance == instance:
            database.stopped = False

    cluster.later(lasts, goes_on)


def agent_crash(cluster: "Cluster", host: str, lasts: float) -> None:
    if _lives(cluster, host):
        cluster.agents[host].crash()


def agent_stopped(cluster: "Cluster", host: str, lasts: float) -> None:
    """SIGSTOP of the agent, or a stall of its loop."""
    agent = cluster.agents[host]
    if not _lives(cluster, host):
        return
    agent.pause()
    cluster.later(lasts, agent.resume)


def agent_stalls(cluster: "Cluster", host: str, lasts: float) -> None:
    agent_stopped(cluster, host, min(lasts, 950.0))


def host_frozen(cluster: "Cluster", host: str, lasts: float) -> None:
    machine = cluster.world.hosts[host]
    cluster.databases[host].advance()
    cluster.world.freeze(machine, clock_stops=cluster.world.chance.random() < 0.5)
    cluster.later(lasts, lambda: cluster.world.thaw(machine))


def frozen_beyond_reach(cluster: "Cluster", host: str, lasts: float) -> None:
    """The leader stands still and its fence device does not answer: only its lease says that it is over."""
    record = cluster.etcd.leadership
    leader = record.host if record is not None and record.host in cluster.agents else host
    fence_unreachable(cluster, leader, 6000.0)
    host_frozen(cluster, leader, 4000 + lasts)


def power_loss(cluster: "Cluster", host: str, lasts: float) -> None:
    cluster.power_off(host)
    cluster.later(lasts, lambda: cluster.power_on(host))


def _cut(cluster: "Cluster", cuts: set[tuple[str, str, str]], lasts: float) -> None:
    world = cluster.world
    new = cuts - world.cuts
    world.cuts |= new
    world.changed()

    def heal() -> None:
        world.cuts -= new
        world.changed()

    cluster.later(lasts, heal)


def isolated(cluster: "Cluster", host: str, lasts: float) -> None:
    others = [name for name in cluster.world.hosts if name != host]
    pairs = [(host, o) for o in others] + [(o, host) for o in others]
    _cut(cluster, {(x, y, kind) for x, y in pairs for kind in (ETCD, PEERS)}, lasts)


def cut_from_etcd(cluster: "Cluster", host: str, lasts: float) -> None:
    """Only etcd is unreachable; a member on the host itself loses its majority, too."""
    others = [name for name in cluster.world.hosts if name != host]
    _cut(cluster, {(x, y, ETCD) for o in others for x, y in ((host, o), (o, host))}, lasts)


def cut_from_peers(cluster: "Cluster", host: str, lasts: float) -> None:
    others = [name for name in cluster.agents if name != host]
    _cut(cluster, {(x, y, PEERS) for o in others for x, y in ((host, o), (o, host))}, lasts)


def cut_one_way(cluster: "Cluster", host: str, lasts: float) -> None:
    """It hears the others, and is not heard, or the other way round."""
    others = [name for name in cluster.world.hosts if name != host]
    hears = cluster.world.chance.random() < 0.5
    pairs = [(host, o) if hears else (o, host) for o in others]
    _cut(cluster, {(x, y, kind) for x, y in pairs for kind in (ETCD, PEERS)}, lasts)


def slow_etcd(cluster: "Cluster", host: str, lasts: float) -> None:
    world = cluster.world
    normal = (0.5, 6.0)
    world.delay_ms = world.chance.choice([(20.0, 150.0), (50.0, 300.0), (5.0, 900.0)])
    cluster.later(lasts, lambda: setattr(world, "delay_ms", normal))


def store_member_down(cluster: "Cluster", host: str, lasts: float) -> None:
    _members_down(cluster, {cluster.world.chance.choice(cluster.etcd.members)}, lasts)


def store_majority_down(cluster: "Cluster", host: str, lasts: float) -> None:
    _members_down(cluster, set(cluster.world.chance.sample(cluster.etcd.members, 2)), lasts)


def _members_down(cluster: "Cluster", members: set[str], lasts: float) -> None:
    etcd = cluster.etcd
    new = members - etcd.down
    etcd.down |= new
    etcd.reconsider()

    def heal() -> None:
        etcd.down -= new
        etcd.reconsider()

    cluster.later(lasts, heal)


def store_leader_changes(cluster: "Cluster", host: str, lasts: float) -> None:
    cluster.etcd.change_leader()


def fence_unreachable(cluster: "Cluster", host: str, lasts: float) -> None:
    _devices(cluster, cluster.fences.unreachable, host, 3 * lasts)


def fence_slow(cluster: "Cluster", host: str, lasts: float) -> None:
    _devices(cluster, cluster.fences.slow, host, 3 * lasts)


def _devices(cluster: "Cluster", state: set[str], host: str, lasts: float) -> None:
    if host not in state:
        state.add(host)
        cluster.later(lasts, lambda: state.discard(host))


def copying_stalls(cluster: "Cluster", host: str, lasts: float) -> None:
    database = cluster.databases[host]
    database.stalled = True
    cluster.later(2 * lasts, lambda: setattr(database, "stalled", False))


def switchover(cluster: "Cluster", host: str, lasts: float) -> None:
    """Ask for the likeliest of all: the leader is to be another."""
    record, chance = cluster.etcd.leadership, cluster.world.chance
    others = [name for name in cluster.agents if record is None or name != record.host]
    if cluster.etcd.request is None:
        cluster.etcd.request = Request(
            id=f"s{chance.getrandbits(32)}", kind=RequestKind.SWITCHOVER, host=chance.choice(others)
        )


def request(cluster: "Cluster", host: str, lasts: float) -> None:
    chance = cluster.world.chance
    if cluster.etcd.request is None:
        cluster.etcd.request = Request(
            id=f"r{chance.getrandbits(32)}",
            kind=chance.choice(list(RequestKind)),
            host=host,
            force=chance.random() < 0.6,
            accept_loss=chance.random() < 0.3,
        )


def pause(cluster: "Cluster", host: str, lasts: float) -> None:
    cluster.etcd.paused = True
    cluster.later(lasts, lambda: setattr(cluster.etcd, "paused", False))


ALL: tuple[Fault, ...] = (
    database_crash,
    database_stopped,
    agent_crash,
    agent_stopped,
    agent_stalls,
    host_frozen,
    host_frozen,
    frozen_beyond_reach,
    frozen_beyond_reach,
    power_loss,
    isolated,
    isolated,
    cut_from_etcd,
    cut_from_peers,
    cut_one_way,
    slow_etcd,
    store_member_down,
    store_majority_down,
    store_leader_changes,
    fence_unreachable,
    fence_unreachable,
    fence_slow,
    copying_stalls,
    request,
    switchover,
    switchover,
    pause,
)
