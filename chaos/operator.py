"""What the person on duty does: see the primary dead, decide, fence it, promote the standby.

Each step ends with a mark on the timeline, so that the recovery time can be split into its parts. The
order is not negotiable: nothing is promoted before the old primary certainly cannot write any more,
because nothing in the database kernel keeps an old primary from coming back.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chaos.model import Pair
from chaos.world import PRIMARY, STANDBY, CannotFenceError, Reading, World, WorldError
from inventory.model import Host


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When the operator believes that a primary is dead, and whom they would promote."""

    probe_every_ms: float = 200.0
    probe_within_ms: float = 200.0
    failures_in_a_row: int = 3
    """One slow answer is not a death."""
    confirm_within_ms: float = 300.0
    """After the last failure the SQL port is tried once more, from where the standby stands."""
    lag_max_ms: float = 5_000.0
    """A standby that was further behind when the primary was last seen is not promoted: a person decides."""
    deadline_s: float = 60.0


Note = Callable[[str, Host | None, str], None]
"""Marks the timeline: event, host, detail."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The steps of an unplanned failover over one pair."""

    world: World
    pair: Pair
    note: Note
    rules: Rules = Rules()

    def see_primary_dead(self, last: Reading | None) -> Reading | None:
        """Watch the primary until it is dead; return what it last said about itself.

        + last: what it said before the watch began

        Raises:
            WorldError: it still answers at the deadline.
        """
        clock, rules, primary = self.world.clock, self.rules, self.pair.primary
        deadline = clock.now_s() + rules.deadline_s
        failures = 0
        while clock.now_s() < deadline:
            asked_at_s = clock.now_s()
            reading = self.world.databases.read(primary, rules.probe_within_ms)
            if reading is not None and reading.role == PRIMARY:
                last, failures = reading, 0
            else:
                failures += 1
            if failures >= rules.failures_in_a_row and not self.world.databases.answers(
                primary, seen_from=self.pair.standby, within_ms=rules.confirm_within_ms
            ):
                self.note("detected", primary, f"{failures} probes in a row failed, port closed")
                return last
            clock.sleep_s(max(0.0, asked_at_s + rules.probe_every_ms / 1000 - clock.now_s()))
        raise WorldError(f"{primary.name} still answers {rules.deadline_s:.0f} s after the fault")

    def decide(self, last: Reading | None) -> None:
        """Make sure that the standby may be promoted.

        + last: what the primary last said; None if it was never seen alive

        Raises:
            WorldError: the standby does not answer, is none, or was too far behind.
        """
        standby = self.pair.standby
        reading = self.world.databases.read(standby, within_ms=2000)
        if reading is None:
            raise WorldError(f"{standby.name} does not answer either: there is nobody to promote")
        if reading.role != STANDBY:
            raise WorldError(f"{standby.name} says {reading.role}; only a STANDBY can be promoted")
        behind_ms = 0.0 if last is None else max(0.0, (last.scn - reading.scn) / 1e6)
        if behind_ms > self.rules.lag_max_ms:
            raise WorldError(
                f"{standby.name} is {behind_ms:.0f} ms behind what the primary last said; allowed:"
                f" {self.rules.lag_max_ms:.0f} ms; promoting it would lose that much"
            )
        self.note("decided", standby, f"promote; it is {behind_ms:.0f} ms behind the primary's last word")

    def fence(self) -> None:
        """Make sure that the old primary cannot come back by itself: over SSH, or else by its power switch.

        Raises:
            CannotFenceError: neither worked.
        """
        primary = self.pair.primary
        if self.world.databases.is_reachable(primary):
            self.world.databases.fence(primary)
            self.note("fenced", primary, "unit forbidden to start, nothing of it runs")
            return
        try:
            self.world.power.off(primary).wait(within_s=30.0)
        except WorldError as failed:
            raise CannotFenceError(
                f"{primary.name} answers no SSH and its power switch failed ({failed}); it may still write,"
                " so nothing was promoted"
            ) from failed
        self.note("fenced", primary, "power off confirmed")

    def promote(self) -> None:
        """Make the standby the primary, and hear it say so.

        Raises:
            WorldError: it does not say PRIMARY afterwards.
        """
        standby = self.pair.standby
        self.world.databases.promote(standby)
        reading = self.world.databases.read(standby, within_ms=2000)
        if reading is None or reading.role != PRIMARY:
            raise WorldError(
                f"{standby.name} was promoted and says {reading.role if reading else 'nothing'};"
                " wanted: PRIMARY"
            )
        self.note("promoted", standby, "")
