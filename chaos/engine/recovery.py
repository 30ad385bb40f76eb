"""Waits until the failover agents have done what the drill expects; does nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chaos.catalogue.model import Drill, Expect, Observation
from chaos.catalogue.predicates import agents_agree, etcd_is_whole, standby_in_sync, unmet_reasons
from chaos.engine.run import NoEffectError, Run
from chaos.system.pair import DrillTopology, database_hosts, wait_until_following
from chaos.system.world import PRIMARY, Pending, World, WorldError, wait_until
from inventory.model import Environment, Host

ACTED_WITHIN_S = 30.0
SEEN_WITHIN_S = 10.0
"""Time for the fault to be seen: a killed server must be up again before its heap size can be seen."""
_VIEW_WITHIN_MS = 1000.0
_REJOINS_WITHIN_S = 120.0
"""Time to rejoin: a former primary copies everything anew, and a rate limit may delay its first rejoin."""
_AGREE_WITHIN_S = 60.0

Observe = Callable[[], Observation]
Note = Callable[[str, Host | None, str], None]
"""Adds an event to the timeline: event, host, detail."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Waits for the failover agents, and records when they reach each expected state."""

    env: Environment
    world: World
    observe: Observe
    note: Note

    def after_fault(self, drill: Drill, topology: DrillTopology, pending: Pending, run: Run) -> None:
        """Wait until the fault has acted and the drill's expectation is met.

        Raises:
            NoEffectError: there is no evidence that the fault acts.
            WorldError: the expectation was not met in time.
        """
        assert run.fault is not None
        run.fault = replace(run.fault, ended_s=pending.wait(ACTED_WITHIN_S))
        self._see_it_act(drill, topology)
        self._wait(drill, topology, run, from_s=run.fault.started_s)

    def _see_it_act(self, drill: Drill, topology: DrillTopology) -> None:
        try:
            wait_until(
                self.world.clock,
                lambda: drill.fault.acts(self.world, topology),
                what=f"{drill.fault.title!r} to be seen to act",
                within_s=SEEN_WITHIN_S,
                every_s=0.1,
            )
        except WorldError as unseen:
            raise NoEffectError(f"the fault had no effect: {unseen}") from unseen

    def watch(self, drill: Drill) -> None:
        """Raise WorldError if a database leads although none may."""
        if drill.expects is Expect.NO_PRIMARY and (why := self._somebody_leads()) is not None:
            raise WorldError(f"{why}, although {Expect.NO_PRIMARY.value}")

    def after_undo(self, drill: Drill, topology: DrillTopology, run: Run) -> None:
        """Wait for a primary if none was allowed before the heal; raises WorldError."""
        if drill.expects is Expect.NO_PRIMARY:
            assert run.undone_s is not None
            self._until(drill, lambda: self._nobody_serves(topology), "a primary that serves", run.undone_s)
            self._seen(run, "serving")

    def at_end(self, drill: Drill, topology: DrillTopology) -> None:
        """Raise WorldError if the primary is not the one that the drill expects."""
        if drill.expects is Expect.SAME_PRIMARY:
            wrong = self._not_serving(topology.primary, asked=topology.primary)
        elif drill.expects is Expect.NEW_PRIMARY:
            wrong = self._not_serving(topology.standby, asked=topology.standby)
        else:
            wrong = self._nobody_serves(topology)
        if wrong is not None:
            raise WorldError(f"expected at the end: {drill.expects.value}; but {wrong}")

    def restore(self) -> None:
        """Wait until the agents agree on a primary and the standby has all of its writes."""
        wait_until_following(self.world, self.env, within_s=_REJOINS_WITHIN_S)
        healed = (agents_agree(), standby_in_sync(), etcd_is_whole())
        wait_until(
            self.world.clock,
            lambda: "; ".join(unmet_reasons(healed, self.observe())) or None,
            what="agents that agree, a standby that has all, and a whole etcd",
            within_s=_AGREE_WITHIN_S,
        )

    def _wait(self, drill: Drill, topology: DrillTopology, run: Run, *, from_s: float) -> None:
        if drill.expects is Expect.NEW_PRIMARY:
            self._until(
                drill,
                lambda: self._not_serving(topology.standby, asked=topology.standby),
                f"{topology.standby.name} to be the primary that serves",
                from_s,
            )
            self._seen(run, "serving", topology.standby)
        elif drill.expects is Expect.NO_PRIMARY:
            self._until(drill, self._somebody_leads, "nobody to be a primary", from_s)
            self._seen(run, "no-primary")
        else:
            # Nothing to wait for: the leader is checked at the end, the outage is computed from the ledger.
            run.recovered_s = self.world.clock.now_s()

    def _until(self, drill: Drill, met: Callable[[], str | None], what: str, from_s: float) -> None:
        left_s = from_s + drill.recovery_deadline_s - self.world.clock.now_s()
        wait_until(self.world.clock, met, what=what, within_s=max(left_s, 0.0))

    def _seen(self, run: Run, event: str, host: Host | None = None) -> None:
        run.recovered_s = self.world.clock.now_s()
        self.note(event, host, "")

    def _not_serving(self, wanted: Host, *, asked: Host) -> str | None:
        view = self.world.agents.view(asked, _VIEW_WITHIN_MS)
        if view is None:
            return f"the agent of {asked.name} does not answer"
        if view.primary == wanted.name:
            return None
        return f"the agent of {asked.name} says that {view.primary or 'nobody'} leads (epoch {view.epoch})"

    def _nobody_serves(self, topology: DrillTopology) -> str | None:
        named = [self._not_serving(host, asked=host) for host in topology.pair]
        return None if None in named else "; ".join(why for why in named if why is not None)

    def _somebody_leads(self) -> str | None:
        reading = {h.name: self.world.databases.read(h, within_ms=1000) for h in database_hosts(self.env)}
        leaders = [name for name, read in reading.items() if read is not None and read.role == PRIMARY]
        return f"{', '.join(leaders)} is a primary" if leaders else None
