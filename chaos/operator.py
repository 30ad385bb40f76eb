"""What the person on duty does where no agents are deployed: see, decide, fence, promote; and bring it back.

Each step ends with a mark on the timeline, so that the recovery time can be split into its parts. The
order is not negotiable: nothing is promoted before the old primary certainly cannot write any more,
because nothing in the database kernel keeps an old primary from coming back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chaos.model import Drill, HealRecord, Scene
from chaos.pair import wait_until_following
from chaos.recovery import ACTED_WITHIN_S, Note
from chaos.run import Run
from chaos.world import (
    DOWN,
    PRIMARY,
    STANDBY,
    UNREACHABLE,
    CannotFenceError,
    Databases,
    Pending,
    Reading,
    World,
    WorldError,
    wait_until,
)
from inventory.model import Environment, Host

OPERATED = ("primary-crash", "primary-host-poweroff")
"""What a person can recover from with the verbs there are; everything else is for agents."""

REACHABLE_WITHIN_S = 5.0
"""A host that answers no SSH for this long is taken to be off."""


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


@dataclass(kw_only=True)
class OperatedRecovery:
    """The steps of an unplanned failover over one pair, by hand; implements `chaos.recovery.Recovery`."""

    env: Environment
    world: World
    note: Note
    promoting: Callable[[Host], None]
    """Told before the promotion begins: from then on the host may be the primary, whatever is heard."""
    rules: Rules = field(default_factory=Rules)
    last: Reading | None = None
    """What the primary last said about itself."""

    def before_fault(self, scene: Scene) -> None:
        """Look at the primary a last time."""
        self.last = self.world.databases.read(scene.primary, within_ms=1000)

    def after_fault(self, drill: Drill, scene: Scene, pending: Pending, run: Run) -> None:
        """Make the standby the primary; raises WorldError."""
        assert run.fault is not None
        self.see_primary_dead(scene)
        run.fault = replace(run.fault, ended_s=pending.wait(within_s=ACTED_WITHIN_S))
        self.decide(scene)
        self.fence(scene)
        self.promoting(scene.standby)
        begun_s = self.world.clock.now_s()
        self.promote(scene)
        run.fault = replace(run.fault, promoted_s=begun_s)
        run.recovered_s = begun_s

    def watch(self, drill: Drill) -> None:
        """See nothing else: nobody but this acts."""

    def after_undo(self, drill: Drill, scene: Scene, run: Run) -> None:
        """Wait for nothing."""

    def at_end(self, drill: Drill, scene: Scene) -> None:
        """Ask nothing."""

    def see_primary_dead(self, scene: Scene) -> None:
        """Watch the primary until it is dead.

        Raises:
            WorldError: it still answers at the deadline.
        """
        clock, rules, primary = self.world.clock, self.rules, scene.primary
        deadline = clock.now_s() + rules.deadline_s
        failures = 0
        while clock.now_s() < deadline:
            asked_at_s = clock.now_s()
            reading = self.world.databases.read(primary, rules.probe_within_ms)
            if reading is not None and reading.role == PRIMARY:
                self.last, failures = reading, 0
            else:
                failures += 1
            if failures >= rules.failures_in_a_row and not self.world.databases.answers(
                primary, seen_from=scene.standby, within_ms=rules.confirm_within_ms
            ):
                self.note("detected", primary, f"{failures} probes in a row failed, port closed")
                return
            clock.sleep_s(max(0.0, asked_at_s + rules.probe_every_ms / 1000 - clock.now_s()))
        raise WorldError(f"{primary.name} still answers {rules.deadline_s:.0f} s after the fault")

    def decide(self, scene: Scene) -> None:
        """Make sure that the standby may be promoted.

        Raises:
            WorldError: the standby does not answer, is none, or was too far behind.
        """
        standby = scene.standby
        reading = self.world.databases.read(standby, within_ms=2000)
        if reading is None:
            raise WorldError(f"{standby.name} does not answer either: there is nobody to promote")
        if reading.role != STANDBY:
            raise WorldError(f"{standby.name} says {reading.role}; only a STANDBY can be promoted")
        behind_ms = 0.0 if self.last is None else max(0.0, (self.last.scn - reading.scn) / 1e6)
        if behind_ms > self.rules.lag_max_ms:
            raise WorldError(
                f"{standby.name} is {behind_ms:.0f} ms behind what the primary last said; allowed:"
                f" {self.rules.lag_max_ms:.0f} ms; promoting it would lose that much"
            )
        self.note("decided", standby, f"promote; it is {behind_ms:.0f} ms behind the primary's last word")

    def fence(self, scene: Scene) -> None:
        """Make sure that the old primary cannot come back by itself: over SSH, or else by its power switch.

        Raises:
            CannotFenceError: neither worked.
        """
        primary = scene.primary
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

    def promote(self, scene: Scene) -> None:
        """Make the standby the primary, and hear it say so.

        Raises:
            WorldError: it does not say PRIMARY afterwards.
        """
        standby = scene.standby
        self.world.databases.promote(standby)
        reading = self.world.databases.read(standby, within_ms=2000)
        if reading is None or reading.role != PRIMARY:
            raise WorldError(
                f"{standby.name} was promoted and says {reading.role if reading else 'nothing'};"
                " wanted: PRIMARY"
            )
        self.note("promoted", standby, "")

    def restore(self, record: HealRecord) -> None:
        """Bring the pair back to one primary and one following standby.

        - The victim is off: switch it on.
        - The survivor was promoted: the victim's data may hold writes that nobody else has, and its role
          is a lie; it is emptied and follows the survivor.
        - Nobody was promoted: the victim still holds all there is; it is started as it was.

        Raises:
            WorldError: something did not happen in time; the record stays, so that a later run tries again.
        """
        victim, survivor = self.env.host(record.primary), self.env.host(record.standby)
        databases = self.world.databases
        for host in (survivor, victim):
            self._switch_on(host)
        if record.promoted is None or databases.role(survivor) != PRIMARY:
            self._start_as_it_was(databases, victim, survivor, record)
        else:
            if databases.role(victim) != STANDBY:
                # Fenced first: until it is emptied, a returned primary must not take a single write.
                databases.fence(victim)
                databases.unfence(victim)
                databases.rejoin(victim, survivor)
            databases.unfence(victim)
        wait_until_following(self.world, self.env)

    def _switch_on(self, host: Host) -> None:
        try:
            wait_until(
                self.world.clock,
                lambda: None if self.world.databases.is_reachable(host) else "no SSH",
                what=f"{host.name} to answer",
                within_s=REACHABLE_WITHIN_S,
            )
        except WorldError:
            self.world.power.on(host)

    def _start_as_it_was(
        self, databases: Databases, victim: Host, survivor: Host, record: HealRecord
    ) -> None:
        if record.promoted is not None and databases.role(survivor) in (DOWN, UNREACHABLE):
            raise WorldError(
                f"{survivor.name} may have been promoted and does not answer, so {victim.name} must not be"
                f" started; bring {survivor.name} up and run the heal again"
            )
        databases.unfence(victim)
        if databases.role(victim) == DOWN:
            databases.start(victim)
