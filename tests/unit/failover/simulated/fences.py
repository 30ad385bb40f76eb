"""Fence devices on a network of their own: they switch hosts off and on whatever these are doing."""

from collections.abc import Callable

from tests.unit.failover.simulated.world import World

OFF_MS = (50, 500)
SLOW_MS = (1500, 6000)
NO_ANSWER_MS = (400, 900)


class Fences:
    """One device a host: working, slow, or unreachable."""

    def __init__(
        self, world: World, switch_off: Callable[[str], None], switch_on: Callable[[str], None]
    ) -> None:
        self.world, self._off, self._on = world, switch_off, switch_on
        self.unreachable: set[str] = set()
        self.slow: set[str] = set()
        self.used = 0

    def switch_off(self, host: str, report: Callable[[bool], None]) -> None:
        """Switch `host` off some time later, and report whether it is."""
        chance = self.world.chance
        if host in self.unreachable:
            self.world.after(chance.uniform(*NO_ANSWER_MS), lambda: report(False))
            return

        def act() -> None:
            if self.world.hosts[host].on:
                self.used += 1
                self._off(host)
            self.world.after(chance.uniform(5, 50), lambda: report(True))

        self.world.after(chance.uniform(*(SLOW_MS if host in self.slow else OFF_MS)), act)

    def switch_on(self, host: str) -> bool:
        if host in self.unreachable:
            return False
        self._on(host)
        return True
