"""Faults chosen one by one, so that a schedule that breaks a promise is cut down to those that matter."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.unit.failover.looks import SETTINGS
from tests.unit.failover.simulated import faults
from tests.unit.failover.simulated.cluster import Cluster, Shape
from tests.unit.failover.simulation import await_primary, deadline_ms


class Faults(RuleBasedStateMachine):
    """Breaks a cluster at will. What must hold at every moment is watched by the cluster's own checks."""

    @initialize(seed=st.integers(0, 99), three=st.booleans())
    def begin(self, seed: int, three: bool) -> None:
        shape = Shape(databases=("a", "b", "c") if three else ("a", "b"))
        self.cluster = Cluster(seed, shape, SETTINGS)
        self.cluster.world.run_until(1500)

    @rule(
        fault=st.sampled_from(faults.ALL),
        index=st.integers(0, 2),
        lasts=st.sampled_from((100.0, 700.0, 1500.0, 4000.0)),
    )
    def breaks(self, fault: faults.Fault, index: int, lasts: float) -> None:
        names = list(self.cluster.agents)
        fault(self.cluster, names[index % len(names)], lasts)

    @rule(ms=st.sampled_from((50, 300, 1300, 5000)))
    def passes(self, ms: int) -> None:
        self.cluster.world.run_until(self.cluster.world.now + ms)

    def teardown(self) -> None:
        if hasattr(self, "cluster"):
            self.cluster.heal()
            await_primary(self.cluster, deadline_ms(SETTINGS))


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=100, stateful_step_count=12)
