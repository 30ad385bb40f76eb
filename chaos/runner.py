"""Running a drill: hypothesis, heal registered, fault, failover, observation, heal, residue."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from chaos.heal import PairHealer, database_hosts, lag_of, load_record, promoting, record_path, save_record
from chaos.history import Event, FaultWindow
from chaos.interrupts import Shield
from chaos.model import Drill, HealRecord, Observation, Pair, unmet_reasons
from chaos.operator import Operator, Rules
from chaos.timeline import Timeline
from chaos.world import DOWN, PRIMARY, STANDBY, World, WorldError, wait_until
from inventory.model import Environment, Host

_T = TypeVar("_T")

HEAL_FILE = "heal.json"

STEADY_WITHIN_S = 60.0
"""The load needs a few seconds to start; after this long the hypothesis counts as unmet."""

STEADY_FOR_S = 5.0
"""The hypothesis must hold this long before anything is broken: the baseline to compare with."""

ACTED_WITHIN_S = 30.0

RATE_IS_BACK_SHARE = 0.9

SETTLES_WITHIN_S = 10.0
"""How long the pair may take to look whole once the heal is done."""


class HypothesisUnmetError(WorldError):
    """The system was not as the drill assumes, so nothing was injected."""


@dataclass(kw_only=True)
class Run:
    """What a drill did, before anybody judges it."""

    drill: str
    invalid: list[str] = field(default_factory=list)
    """Why it proves nothing."""
    failures: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
    """What the heal did not undo."""
    interrupted: bool = False
    fault: FaultWindow | None = None
    heal_s: float | None = None
    """How long the heal took, until the standby followed again."""
    clients_until_s: float | None = None
    """When the clients were told to stop."""
    exported: bool = False
    steps: list[tuple[str, float]] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)


class Runner:
    """Runs drills against one environment."""

    def __init__(
        self,
        env: Environment,
        world: World,
        folder: Path,
        *,
        rate: float,
        timeline: Timeline,
        shielded: Callable[[], AbstractContextManager[Shield]],
        rules: Rules | None = None,
    ) -> None:
        """Make a runner.

        + folder: the run folder; exists
        + rate: writes per second that the clients ask for
        + shielded: makes a context in which Ctrl-C waits until the end, for heals
        + rules: the operator's; None for the usual ones
        """
        self.env = env
        self.world = world
        self.folder = folder
        self.rate = rate
        self.timeline = timeline
        self._shielded = shielded
        self._rules = rules or Rules()
        self._healer = PairHealer(env)
        self._record: HealRecord | None = None

    def run(self, drill: Drill) -> Run:
        """Run `drill`; returns also when it failed, was interrupted, or left something behind.

        Whatever happens after the heal was registered, the heal runs, and so does the check for residue.
        """
        run = Run(drill=drill.name, timeline=self.timeline.events)
        try:
            self._timed(run, "heal what an earlier run left", self._heal_leftover)
            pair = self._timed(run, "find the primary", self._find_pair)
            self._timed(run, "steady state", lambda: self._reach_steady_state(drill))
            self._timed(run, "fault and failover", lambda: self._break(drill, pair, run))
            self._timed(run, "observe", lambda: self._observe(drill, run))
        except HypothesisUnmetError as unmet:
            run.invalid.append(str(unmet))
            self.timeline.note("hypothesis-unmet", detail=str(unmet))
        except WorldError as failed:
            run.failures.append(str(failed))
            self.timeline.note("failed", detail=str(failed))
        except KeyboardInterrupt:
            run.interrupted = True
            run.invalid.append("interrupted")
            self.timeline.note("interrupted", detail="healing before the end")
        finally:
            # A second Ctrl-C must not stop the heal half-way: that would be the residue we fear.
            with self._shielded() as shield:
                try:
                    self._timed(run, "stop the clients", lambda: self._stop_clients(run))
                finally:
                    self._timed(run, "heal", lambda: self._heal(drill, run))
                run.interrupted = run.interrupted or shield.interrupted
                if run.fault is not None and not run.interrupted:
                    self._timed(run, "export", lambda: self._export(run))
        return run

    def _timed(self, run: Run, name: str, step: Callable[[], _T]) -> _T:
        begun_s = self.world.clock.now_s()
        try:
            return step()
        finally:
            run.steps.append((name, self.world.clock.now_s() - begun_s))

    def _heal_leftover(self) -> None:
        path = record_path(self.env)
        left = load_record(path)
        if left is None:
            return
        self.timeline.note("healing-leftover", detail=f"of {left.drill}, run {left.run_folder}")
        with self._shielded() as shield:
            self._healer.return_to_pair(self.world, left)
            path.unlink()
        self.timeline.note("healed-leftover")
        if shield.interrupted:
            raise KeyboardInterrupt

    def _find_pair(self) -> Pair:
        roles = {host.name: self.world.databases.role(host) for host in database_hosts(self.env)}
        if sorted(roles.values()) != [PRIMARY, STANDBY]:
            seen = ", ".join(f"{name} is {role}" for name, role in roles.items())
            raise HypothesisUnmetError(f"wanted one primary and one standby; {seen}; deploy the environment")
        by_role = {role: self.env.host(name) for name, role in roles.items()}
        return Pair(primary=by_role[PRIMARY], standby=by_role[STANDBY])

    def _reach_steady_state(self, drill: Drill) -> None:
        clock = self.world.clock
        self.world.clients.start_load(self.rate, self.folder)
        self.timeline.note("load-started", detail=f"{self.rate:.0f} writes/s asked for")
        held_since_s: float | None = None
        unmet: tuple[str, ...] = ("nothing was seen yet",)

        def steady() -> str | None:
            nonlocal held_since_s, unmet
            ended = self.world.clients.stopped_because()
            if ended is not None:
                raise HypothesisUnmetError(f"the load ended by itself: {ended}")
            unmet = unmet_reasons(drill.hypothesis, self._observation())
            if unmet:
                held_since_s = None
                return "; ".join(unmet)
            held_since_s = clock.now_s() if held_since_s is None else held_since_s
            held_s = clock.now_s() - held_since_s
            return None if held_s >= STEADY_FOR_S else f"it holds since {held_s:.1f} s"

        try:
            wait_until(
                clock,
                steady,
                what=f"the hypothesis to hold for {STEADY_FOR_S:.0f} s",
                within_s=STEADY_WITHIN_S,
                every_s=0.5,
            )
        except HypothesisUnmetError:
            raise
        except WorldError as late:
            raise HypothesisUnmetError(str(late)) from late
        self.timeline.note("steady", detail="; ".join(p.name for p in drill.hypothesis))

    def _observation(self) -> Observation:
        seen = {
            host.name: self.world.databases.read(host, within_ms=1000) for host in database_hosts(self.env)
        }
        roles = {name: reading.role if reading else DOWN for name, reading in seen.items()}
        positions = {name: reading.scn for name, reading in seen.items() if reading}
        is_pair = sorted(roles.values()) == [PRIMARY, STANDBY]
        return Observation(
            roles=roles,
            lag_ms=lag_of(positions, roles) if is_pair else None,
            lag_limit_ms=self.env.database.lag_limit_ms,
            acknowledged_per_s=self.world.clients.acknowledged_per_s(),
            rate_asked=self.rate,
        )

    def _break(self, drill: Drill, pair: Pair, run: Run) -> None:
        victim = pair.hit_by(drill.fault.on)
        survivor = pair.standby if victim == pair.primary else pair.primary
        self._register(
            HealRecord(
                environment=self.env.name,
                drill=drill.name,
                victim=victim.name,
                survivor=survivor.name,
                run_folder=str(self.folder),
                registered_at_s=self.world.clock.now_s(),
            )
        )
        operator = Operator(world=self.world, pair=pair, note=self._note, rules=self._rules)
        last = self.world.databases.read(pair.primary, within_ms=1000)
        fault = self.timeline.note("fault", victim, drill.fault.title)
        run.fault = FaultWindow(started_s=fault.at_s, ended_s=fault.at_s)
        pending = drill.fault.inject(self.world, victim)
        last = operator.see_primary_dead(last)
        acted_s = pending.wait(within_s=ACTED_WITHIN_S)
        run.fault = FaultWindow(started_s=fault.at_s, ended_s=acted_s)
        operator.decide(last)
        operator.fence()
        # From here on the survivor may be the primary, also if the answer never arrives.
        assert self._record is not None
        self._register(promoting(self._record, survivor))
        begun_s = self.world.clock.now_s()
        operator.promote()
        run.fault = FaultWindow(started_s=fault.at_s, ended_s=acted_s, promoted_s=begun_s)

    def _observe(self, drill: Drill, run: Run) -> None:
        assert run.fault is not None
        clock, clients = self.world.clock, self.world.clients
        needed = RATE_IS_BACK_SHARE * self.rate
        since_s = run.fault.promoted_s or run.fault.ended_s

        def recovered() -> str | None:
            ended = clients.stopped_because()
            if ended is not None:
                raise WorldError(f"the load ended by itself: {ended}")
            rate = clients.acknowledged_per_s(since_s)
            return None if rate >= needed else f"{rate:.0f} writes/s acknowledged"

        left_s = run.fault.started_s + drill.recovery_deadline_s - clock.now_s()
        try:
            wait_until(clock, recovered, what=f"{needed:.0f} writes/s again", within_s=max(left_s, 0.0))
            self.timeline.note("rate-back")
        except WorldError as late:
            run.failures.append(str(late))
        clock.sleep_s(max(0.0, run.fault.started_s + drill.observe_s - clock.now_s()))
        ended = clients.stopped_because()
        if ended is not None:
            run.invalid.append(f"the load ended by itself: {ended}")

    def _stop_clients(self, run: Run) -> None:
        if not any(event.event == "load-started" for event in self.timeline.events):
            return
        run.clients_until_s = self.world.clock.now_s()
        try:
            self.world.clients.stop()
            self.timeline.note_at(run.clients_until_s, "load-stopped")
        except WorldError as failed:
            run.invalid.append(str(failed))
            self.timeline.note("failed", detail=str(failed))

    def _heal(self, drill: Drill, run: Run) -> None:
        if self._record is None:
            return
        begun_s = self.world.clock.now_s()
        try:
            self.timeline.note("heal", self.env.host(self._record.victim), drill.fault.heal.title)
            drill.fault.heal.undo(self.world, self._record)
            run.heal_s = self.world.clock.now_s() - begun_s
            self.timeline.note("healed", self.env.host(self._record.victim))
        except (WorldError, OSError) as failed:
            run.residue.append(f"heal of {drill.name}: {failed}")
        run.residue.extend(self._residue())
        if run.residue:
            self.timeline.note("residue", detail="; ".join(run.residue))
            return
        for path in self._record_paths():
            path.unlink(missing_ok=True)
        self._record = None

    def _residue(self) -> list[str]:
        databases = self.world.databases
        found = []
        for host in database_hosts(self.env):
            if databases.is_reachable(host):
                found += [f"{host.name}: {thing}" for thing in databases.residue(host)]
            else:
                found.append(f"{host.name}: answers no SSH")
        try:
            # Not at one glance: an idle primary logs every few seconds, and each time looks far ahead.
            self._healer.wait_until_following(self.world, within_s=SETTLES_WITHIN_S)
        except WorldError as wrong:
            found.append(str(wrong))
        return found

    def _export(self, run: Run) -> None:
        try:
            self.world.clients.export(self._find_pair().primary, self.folder)
            run.exported = True
        except WorldError as failed:
            run.invalid.append(f"the database could not be read back: {failed}")

    def _register(self, record: HealRecord) -> None:
        self._record = record
        save_record(record, *self._record_paths())

    def _record_paths(self) -> tuple[Path, Path]:
        return record_path(self.env), self.folder / HEAL_FILE

    def _note(self, event: str, host: Host | None, detail: str) -> None:
        self.timeline.note(event, host, detail)
