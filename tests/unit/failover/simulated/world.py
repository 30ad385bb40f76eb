"""Time, chance, hosts and the network of one simulated run. Times are true milliseconds."""

import heapq
import itertools
import random
from collections.abc import Callable

Event = Callable[[], None]

ETCD, PEERS = "etcd", "peers"
"""Kinds of traffic: to and between members of etcd; between database hosts (SQL, logs, agents)."""


class Host:
    """A machine: on or off, frozen or not, with a clock of its own."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.on = True
        self.frozen = False
        self.clock_stops = False
        """Whether its clock stands still while it is frozen, as a virtual machine's may."""
        self.froze_at = 0.0
        self.boots = 0
        """Grows with each power loss: what was under way before is gone."""
        self.rate = chance.uniform(0.99, 1.01)
        self.offset = chance.uniform(0, 1e7)
        self.waiting: list[tuple[float | None, Event]] = []
        """What fell due while it was frozen: when (None for what arrived and is no timer), and the event."""
        self.thawed_since: float | None = None

    def clock_ms(self, now: float) -> int:
        """Return its own steady clock."""
        return int(self.offset + self.rate * now)


class World:
    """The event queue and what connects the hosts."""

    def __init__(self, seed: int, names: tuple[str, ...]) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.events = 0
        self.hosts = {name: Host(name, self.chance) for name in names}
        self.cuts: set[tuple[str, str, str]] = set()
        """(from, to, kind): what is sent that way does not arrive."""
        self.delay_ms = (0.5, 6.0)
        self.connectivity_changed: list[Event] = []
        self.after_each: Event = lambda: None
        self._queue: list[tuple[float, int, Event]] = []
        self._order = itertools.count()

    def at(self, when: float, event: Event) -> None:
        heapq.heappush(self._queue, (when, next(self._order), event))

    def after(self, delay: float, event: Event) -> None:
        self.at(self.now + delay, event)

    def run_until(self, end: float, stop: Callable[[], bool] = lambda: False) -> None:
        queue = self._queue
        while queue and queue[0][0] <= end and not stop():
            self.now, _, event = heapq.heappop(queue)
            self.events += 1
            event()
            self.after_each()
        if not stop():
            self.now = max(self.now, end)

    def on_host(self, host: Host, delay: float, event: Event, *, timer: bool = True) -> None:
        """Run `event` on `host` after `delay`, unless it loses power; later if it is frozen then."""
        boots = host.boots

        def due() -> None:
            if host.boots != boots or not host.on:
                return
            if host.frozen:
                host.waiting.append((self.now if timer else None, due))
            else:
                event()

        self.at(self.now + (delay / host.rate if timer else delay), due)

    def latency(self) -> float:
        low, high = self.delay_ms
        if self.chance.random() < 0.02:
            high *= 8
        return self.chance.uniform(low, high)

    def arrives(self, source: str, target: str, kind: str) -> bool:
        """Say whether what `source` sends now reaches a running `target`."""
        host = self.hosts[target]
        return host.on and not host.frozen and (source == target or (source, target, kind) not in self.cuts)

    def talk(self, one: str, other: str, kind: str) -> bool:
        return self.arrives(one, other, kind) and self.arrives(other, one, kind)

    def changed(self) -> None:
        for tell in self.connectivity_changed:
            tell()

    def freeze(self, host: Host, *, clock_stops: bool) -> None:
        if not host.on or host.frozen:
            return
        host.frozen, host.clock_stops, host.froze_at = True, clock_stops, self.now
        self.changed()

    def thaw(self, host: Host) -> None:
        """Go on: what arrived comes now; its own timers do, too, unless its clock had stopped with it."""
        if not host.frozen:
            return
        host.frozen, host.thawed_since = False, self.now
        stood_ms = self.now - host.froze_at
        waiting, host.waiting = host.waiting, []
        if host.clock_stops:
            host.offset -= host.rate * stood_ms
        for due_at, event in waiting:
            late = stood_ms + due_at - self.now if due_at is not None and host.clock_stops else 0.0
            self.after(max(0.0, late) + self.chance.uniform(0, 20), event)
        self.changed()

    def power_off(self, host: Host) -> None:
        if not host.on:
            return
        host.on = host.frozen = False
        host.waiting.clear()
        host.boots += 1
        self.changed()

    def power_on(self, host: Host) -> None:
        if host.on:
            return
        host.on = True
        self.changed()
