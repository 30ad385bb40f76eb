"""Observes after a fault: undoes it in time, and checks the clients' rate and the primary at the end."""

from dataclasses import dataclass

from chaos.catalogue.model import Drill
from chaos.engine.recovery import Recovery
from chaos.engine.run import Run
from chaos.engine.stop_conditions import Brake, StopConditionMetError
from chaos.engine.timeline import Timeline
from chaos.system.pair import DrillTopology
from chaos.system.world import World, WorldError, wait_until

RATE_IS_BACK_SHARE = 0.9

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Observes a drill while clients write."""

    world: World
    recovery: Recovery
    brake: Brake
    timeline: Timeline
    rate: float
    """Writes per second that the clients ask for."""

    def observe(self, drill: Drill, topology: DrillTopology, run: Run) -> None:
        """Observe until the end of the observation; on the way, undo a fault that has a duration.

        Raises:
            WorldError: something forbidden happened, or the drill's expectation was not met.
        """
        assert run.fault is not None
        started_s, lasts_s = run.fault.started_s, drill.fault.lasts_s
        back_s = run.recovered_s or run.fault.ended_s
        late_s = 0.0
        if lasts_s is not None:
            if not drill.rate_returns_with_heal:
                self._rate_comes_back(drill, run, since_s=back_s, from_s=started_s)
            self._look_on(drill, run, until_s=started_s + lasts_s)
            drill.fault.heal.undo(self.world, topology)
            run.undone_s = self.timeline.note("fault-undone", detail=drill.fault.heal.title).at_s
            self.recovery.after_undo(drill, topology, run)
            back_s = self.world.clock.now_s()
            # If the fault was undone late, extend the observation by the same amount.
            late_s = run.undone_s - started_s - lasts_s
        if lasts_s is None or drill.rate_returns_with_heal:
            self._rate_comes_back(drill, run, since_s=back_s, from_s=run.undone_s or started_s)
        self._look_on(drill, run, until_s=started_s + drill.observe_s + late_s)
        self.recovery.at_end(drill, topology)

    def _rate_comes_back(self, drill: Drill, run: Run, *, since_s: float, from_s: float) -> None:
        clock, clients = self.world.clock, self.world.clients
        needed = RATE_IS_BACK_SHARE * self.rate

        def back() -> str | None:
            if clients.stopped_because() is not None:
                return None
            self.brake.check()
            rate = clients.acknowledged_per_s(since_s)
            return None if rate >= needed else f"{rate:.0f} writes/s acknowledged"

        left_s = from_s + drill.recovery_deadline_s - clock.now_s()
        try:
            wait_until(clock, back, what=f"{needed:.0f} writes/s again", within_s=max(left_s, 0.0))
        except StopConditionMetError:
            raise
        except WorldError as late:
            run.failures.append(str(late))
        else:
            if not self._load_ended(run):
                self.timeline.note("rate-back")

    def _look_on(self, drill: Drill, run: Run, *, until_s: float) -> None:
        clock = self.world.clock
        while (left_s := until_s - clock.now_s()) > 0:
            if run.undone_s is None:
                self.recovery.watch(drill)
            clock.sleep_s(min(left_s, _LOOK_EVERY_S))
            if self.world.clients.stopped_because() is None:
                self.brake.check()
        self._load_ended(run)

    def _load_ended(self, run: Run) -> bool:
        ended = self.world.clients.stopped_because()
        if ended is None:
            return False
        reason = f"the load ended by itself: {ended}"
        if reason not in run.spoiled:
            run.spoiled.append(reason)
        return True
