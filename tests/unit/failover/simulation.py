"""One simulated schedule from a seed: a cluster, faults at random, and what must hold at its end.

A run is a discrete-event simulation with the real `decide` and `must_fence`: messages have delays, clocks run
up to 1 % fast or slow and may stand still with their host, statements and starts fail or take long, writes
to etcd take effect after their client gave up on them, etcd extends leases when its leader changes.
What must hold at every event is in `simulated.checks`.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from failover.core.eligibility import excess_data_loss, not_ready
from failover.core.observed import Process, Settings
from tests.unit.failover.simulated import faults
from tests.unit.failover.simulated.checks import BrokenPromiseError
from tests.unit.failover.simulated.cluster import BOOT_MS, Cluster, Shape
from tests.unit.failover.simulated.effects import PROMOTION_MS, START_MS
from tests.unit.failover.simulated.etcd import ELECTION_MS

DEFAULTS = Settings()

STEADY_MS = 1000
"""A primary that serves for so long is one."""


def deadline_ms(settings: Settings) -> float:
    """Return within what time there is a serving primary, once nothing is broken any more.

    Everything one after the other: hosts boot, etcd elects a leader, which extends the lease by a TTL;
    within the failover cooldown it has to be gone for another; then no fence device answers and the claim
    waits for its guarantee; then the promotion does not end and its database is started again, or a start
    fails and is repeated.
    """
    attempt_ms = settings.start_again_ms + START_MS[1] + PROMOTION_MS[1]
    return (
        BOOT_MS[1]
        + ELECTION_MS[1]
        + 2 * settings.lease_ttl_ms
        + (settings.lease_ttl_ms + settings.safety_margin_ms)
        + settings.statement_limit_ms
        + 2 * attempt_ms
    )


@dataclass
class Explored:
    """What one or many schedules went through."""

    figures: Counter[str] = field(default_factory=Counter)
    recovered_ms: list[float] = field(default_factory=list)
    """For each schedule in which somebody could lead: from the end of the last fault to a serving primary."""

    def add(self, other: "Explored") -> None:
        self.figures.update(other.figures)
        self.recovered_ms.extend(other.recovered_ms)

    def told(self) -> str:
        """Return the figures for a reader."""
        counted = ", ".join(
            f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.figures.items())
        )
        times = sorted(self.recovered_ms)
        if not times:
            return counted
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        return (
            f"{counted}; primary after the last fault: p50 {p50:.0f}, p99 {p99:.0f}, max {times[-1]:.0f} ms"
        )


def explore(seed: int, settings: Settings = DEFAULTS) -> Explored:
    """Run the schedule of `seed`; raise `BrokenPromiseError`, with the seed, if something must not be."""
    chance = random.Random(seed ^ 0x5EED)
    three = chance.random() < 0.3
    shape = Shape(
        databases=("a", "b", "c") if three else ("a", "b"),
        never_leads="c" if three and chance.random() < 0.5 else None,
        fresh=chance.random() < 0.15,
        odd=chance.choice((0.0, 0.05, 0.2)),
    )
    if chance.random() < 0.7:
        settings = replace(settings, unprotected_after_ms=chance.choice((1500, 4000)))
    cluster = Cluster(seed, shape, settings)
    try:
        return _run(cluster, chance)
    except BrokenPromiseError as broken:
        raise BrokenPromiseError(f"seed {seed}: {broken}") from broken


def explore_many(seeds: Iterable[int], settings: Settings = DEFAULTS) -> Explored:
    """Run the schedules of all `seeds`, and return what they went through together."""
    together = Explored()
    for seed in seeds:
        together.add(explore(seed, settings))
    return together


def _run(cluster: Cluster, chance: random.Random) -> Explored:
    world, figures = cluster.world, cluster.checks.figures
    calm_ms = chance.uniform(500, 4000)
    ends = calm_ms + chance.uniform(3000, 12_000)
    for _ in range(chance.randint(1, 6)):
        fault, host = chance.choice(faults.ALL), chance.choice(list(cluster.agents))
        lasts = chance.choice((chance.uniform(50, 1500), chance.uniform(500, 6000)))
        world.at(chance.uniform(calm_ms, ends), lambda f=fault, h=host, ms=lasts: f(cluster, h, ms))
    world.run_until(ends)
    cluster.heal()
    if chance.random() < 0.4:
        cluster.lose(chance.choice(list(cluster.agents)))
    recovered_ms = await_primary(cluster, deadline_ms(cluster.settings))
    figures.update(cluster.counted())
    if recovered_ms is None:
        figures["nobody_eligible"] += 1
    return Explored(figures, [] if recovered_ms is None else [recovered_ms])


def await_primary(cluster: Cluster, limit_ms: float) -> float | None:
    """Run on until somebody has served for a while; None if nobody living may lead, raise if somebody may."""
    world, checks = cluster.world, cluster.checks
    began, since = world.now, -1.0
    while world.now < began + limit_ms + STEADY_MS:
        world.run_until(world.now + 20)
        if checks.serving() in (None, cluster.lost):
            since = -1.0
        elif since < 0:
            since = world.now
        elif world.now - since >= STEADY_MS:
            return since - began
    could = [name for name in cluster.agents if _could_lead(cluster, name)]
    if could:
        why = {name: agent.last.why for name, agent in cluster.agents.items()}
        raise BrokenPromiseError(f"no primary for {limit_ms:.0f} ms, and {could} could lead: {why}")
    return None


def _could_lead(cluster: Cluster, name: str) -> bool:
    """Say whether this host lives, and has data with which it may lead."""
    agent, host = cluster.agents[name], cluster.world.hosts[name]
    if name == cluster.lost or not host.on or host.frozen or not agent.candidate:
        return False
    seen = agent.observe()
    record = seen.etcd.leadership if seen.etcd else None
    if record is None:
        return name == "a"
    ready = not_ready(seen, cluster.settings) is None or seen.database.process is not Process.RUNNING
    has_data = seen.database.recorded_role is not None
    return has_data and ready and excess_data_loss(seen, record, cluster.settings) is None
