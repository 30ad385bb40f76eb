"""Runs a drill: hypothesis, registering the heal, fault, expectation, observation, heal, residue check."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from chaos.catalogue.drills import drills
from chaos.catalogue.model import Drill, HealRecord
from chaos.engine.heal import load_record, record_path, save_record
from chaos.engine.interrupts import Shield
from chaos.engine.recovery import Recovery
from chaos.engine.run import HypothesisUnmetError, NoEffectError, Run
from chaos.engine.steady import STEADY_WITHIN_S, observe, wait_until_steady
from chaos.engine.stop_conditions import Brake, StopConditionMetError
from chaos.engine.timeline import Timeline
from chaos.engine.watch import Watch
from chaos.system.pair import DrillTopology, NoPairError, answers_ssh, find_topology, wait_until_following
from chaos.system.world import ImpossibleHereError, World, WorldError
from inventory.model import Environment, Host
from proof.history import FaultWindow

_T = TypeVar("_T")

HEAL_FILE = "heal.json"

SETTLES_WITHIN_S = 10.0
"""Time after the heal within which no residue must be left."""


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
        steady_within_s: float = STEADY_WITHIN_S,
    ) -> None:
        """Make a runner.

        + folder: the run folder; exists
        + rate: writes per second that the clients ask for
        + shielded: makes a context that delays Ctrl-C until its end, for heals
        + steady_within_s: time within which the hypothesis must hold; otherwise it counts as unmet
        """
        self.env = env
        self.world = world
        self.folder = folder
        self.rate = rate
        self.timeline = timeline
        self.steady_within_s = steady_within_s
        self._shielded = shielded
        self._record: HealRecord | None = None
        self._recovery = Recovery(
            env=env, world=world, observe=lambda: observe(env, world, rate=rate), note=self._note
        )

    def run(self, drill: Drill) -> Run:
        """Run `drill`. Returns even if the drill failed, was interrupted, or left something behind.

        After the heal was registered, the heal and the check for residue run whatever happens.
        """
        run = Run(drill=drill.name, timeline=self.timeline.events)
        begun_s = self.world.clock.now_s()
        try:
            self._require_agents()
            self._timed(run, "heal what an earlier run left", lambda: self._heal_leftover(run))
            topology = self._timed(run, "find the primary", lambda: self._prepare(drill))
            self._timed(run, "steady state", lambda: self._reach_steady_state(drill, run))
            self._timed(run, "fault and recovery", lambda: self._break(drill, topology, run))
            watch = Watch(
                world=self.world,
                recovery=self._recovery,
                brake=Brake(world=self.world, conditions=self.env.drill_slo.stop),
                timeline=self.timeline,
                rate=self.rate,
            )
            self._timed(run, "observe", lambda: watch.observe(drill, topology, run))
        except HypothesisUnmetError as unmet:
            run.invalid.append(str(unmet))
            self.timeline.note("hypothesis-unmet", detail=str(unmet))
        except NoEffectError as unseen:
            # Without a fault there is no outage to judge.
            run.fault = None
            run.invalid.append(str(unseen))
            self.timeline.note("no-effect", detail=str(unseen))
        except StopConditionMetError as met:
            run.failures.append(str(met))
            self.timeline.note("broken-off", detail=str(met))
        except WorldError as failed:
            run.failures.append(str(failed))
            self.timeline.note("failed", detail=str(failed))
        except KeyboardInterrupt:
            run.interrupted = True
            run.invalid.append("interrupted")
            self.timeline.note("interrupted", detail="healing before the end")
        finally:
            # A second Ctrl-C must not stop the heal half-way, because that would leave residue.
            with self._shielded() as shield:
                try:
                    self._timed(run, "stop the clients", lambda: self._stop_clients(run))
                finally:
                    self._timed(run, "heal", lambda: self._heal(drill, run))
                if shield.interrupted:
                    run.interrupted = True
                    run.invalid.append("interrupted while healing: what clients recorded was not judged")
                if run.fault is not None and not run.interrupted:
                    self._timed(run, "export", lambda: self._export(run, begun_s))
        return run

    def heal_left(self, left: HealRecord) -> None:
        """Undo the fault of the drill in the record, and wait until there is a pair again.

        Raises:
            WorldError: a step did not finish in time; the record stays, so that a later run tries again.
        """
        drill = drills(self.env).get(left.drill)
        if drill is None:
            raise WorldError(f"the heal of {left.drill!r} is not known; heal with the version that broke it")
        self._undo(drill, left)

    def _require_agents(self) -> None:
        if not self.world.agents.are_deployed():
            raise HypothesisUnmetError(
                "no failover agents are deployed: nobody would recover; run: loanstack deploy "
                f"{self.env.name}"
            )

    def _timed(self, run: Run, name: str, step: Callable[[], _T]) -> _T:
        begun_s = self.world.clock.now_s()
        try:
            return step()
        finally:
            run.steps.append((name, self.world.clock.now_s() - begun_s))

    def _heal_leftover(self, run: Run) -> None:
        path = record_path(self.env)
        left = load_record(path)
        if left is None:
            return
        self.timeline.note("healing-leftover", detail=f"of {left.drill}, run {left.run_folder}")
        with self._shielded() as shield:
            try:
                self.heal_left(left)
            except WorldError as failed:
                run.residue.append(f"of {left.drill}, run {left.run_folder}: {failed}")
                raise
            path.unlink()
        self.timeline.note("healed-leftover")
        if shield.interrupted:
            raise KeyboardInterrupt

    def _prepare(self, drill: Drill) -> DrillTopology:
        try:
            topology = find_topology(self.env, self.world.databases)
            if drill.fault.prepare is None:
                return topology
            self._register(drill, topology)
            self.timeline.note("prepare", detail=f"for {drill.fault.title}")
            drill.fault.prepare(self.world, topology)
            return find_topology(self.env, self.world.databases)
        except NoPairError as none:
            raise HypothesisUnmetError(str(none)) from none
        except ImpossibleHereError as impossible:
            self._forget()
            raise HypothesisUnmetError(str(impossible)) from impossible
        except WorldError as failed:
            raise HypothesisUnmetError(f"it could not be prepared: {failed}") from failed

    def _reach_steady_state(self, drill: Drill, run: Run) -> None:
        self.world.clients.start_load(self.rate, self.folder)
        self.timeline.note("load-started", detail=f"{self.rate:.0f} writes/s asked for")
        seen = wait_until_steady(self.env, self.world, drill, rate=self.rate, within_s=self.steady_within_s)
        views = [view for view in seen.agents.values() if view is not None]
        run.durability = views[0].durability if views else None
        self.timeline.note("steady", detail="; ".join(p.name for p in drill.hypothesis))

    def _break(self, drill: Drill, topology: DrillTopology, run: Run) -> None:
        self._register(drill, topology)
        hit = drill.fault.on.hosts(topology)
        fault = self.timeline.note("fault", hit[0], f"{drill.fault.title} (on {drill.fault.on.value})")
        silenced = tuple(host.name for host in hit) if drill.fault.silences else ()
        run.fault = FaultWindow(started_s=fault.at_s, ended_s=fault.at_s, silenced=silenced)
        try:
            pending = drill.fault.inject(self.world, topology, drill.may_act_s)
        except ImpossibleHereError as impossible:
            # Nothing was broken: this environment cannot make the fault, so it cannot undo it either.
            run.fault = None
            self._forget()
            raise HypothesisUnmetError(str(impossible)) from impossible
        self._recovery.after_fault(drill, topology, pending, run)

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
            self.timeline.note("heal", detail=drill.fault.heal.title)
            self._undo(drill, self._record)
            run.heal_s = self.world.clock.now_s() - begun_s
            self.timeline.note("healed")
        except (WorldError, OSError) as failed:
            run.residue.append(f"heal of {drill.name}: {failed}")
        run.residue.extend(self._residue())
        if run.residue:
            self.timeline.note("residue", detail="; ".join(run.residue))
            return
        self._forget()

    def _undo(self, drill: Drill, record: HealRecord) -> None:
        heal, topology = drill.fault.heal, record.topology(self.env)
        heal.undo(self.world, topology)
        self._recovery.restore()
        if heal.put_back is not None:
            heal.put_back(self.world, topology)

    def _residue(self) -> list[str]:
        found = []
        for host in self.env.hosts:
            if not answers_ssh(self.world.databases, host):
                found.append(f"{host.name}: answers no SSH")
                continue
            try:
                found += [f"{host.name}: {thing}" for thing in self.world.hosts.residue(host)]
            except WorldError as failed:
                found.append(f"{host.name}: nobody knows what is left there: {failed}")
        try:
            # Check for some time: an idle primary logs every few seconds, and then looks far ahead.
            wait_until_following(self.world, self.env, within_s=SETTLES_WITHIN_S)
        except WorldError as wrong:
            found.append(str(wrong))
        return found

    def _export(self, run: Run, begun_s: float) -> None:
        try:
            for event in self.world.agents.history():
                if event.at_s >= begun_s:
                    self.timeline.add(event)
            topology = find_topology(self.env, self.world.databases)
            self.world.clients.export(topology.primary, self.folder)
            run.exported = True
        except WorldError as failed:
            run.invalid.append(f"the record could not be read back: {failed}")

    def _register(self, drill: Drill, topology: DrillTopology) -> None:
        self._record = HealRecord(
            environment=self.env.name,
            drill=drill.name,
            primary=topology.primary.name,
            standby=topology.standby.name,
            run_folder=str(self.folder),
            registered_at_s=self.world.clock.now_s(),
        )
        save_record(self._record, *self._record_paths())

    def _forget(self) -> None:
        for path in self._record_paths():
            path.unlink(missing_ok=True)
        self._record = None

    def _record_paths(self) -> tuple[Path, Path]:
        return record_path(self.env), self.folder / HEAL_FILE

    def _note(self, event: str, host: Host | None, detail: str) -> None:
        self.timeline.note(event, host, detail)
