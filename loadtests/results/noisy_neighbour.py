"""Effect of one legal entity's storm on the others: their latencies before and during the storm. Pure."""

from collections import defaultdict
from collections.abc import Mapping

from loadtests.plan.storm import Storm
from proof.percentiles import Latencies
from proof.promised import SLOWDOWN
from proof.record import Write

WRITES_MIN = 1000
"""With fewer writes, the p99 depends on the slowest ten, and so on chance."""
CALM, STORM = "calm", "storm"
_PERCENTS = (("p50", 50.0), ("p99", 99.0))


class NoisyNeighbour:
    """Latencies of acknowledged writes of each legal entity, before and during the storm."""

    def __init__(self, storm: Storm | None) -> None:
        """Begin without writes; without a storm, none are counted."""
        self._storm = storm
        self._sides: dict[str, defaultdict[str, Latencies]] = {
            side: defaultdict(Latencies) for side in (CALM, STORM)
        }

    def add(self, write: Write, planned_s: float) -> None:
        """Count an acknowledged write; + planned_s: seconds from the measured start to its planned time."""
        storm = self._storm
        if storm is None or not 0.0 <= planned_s < storm.to_s:
            return
        side = CALM if planned_s < storm.from_s else STORM
        self._sides[side][write.entity].add(write.ended_s - write.planned_s)

    def figures(self) -> dict[str, float]:
        """Return the latencies before and during the storm, and their ratios."""
        if self._storm is None:
            return {}
        found: dict[str, float] = {}
        for side, of_entity in self._sides.items():
            others = Latencies()
            for entity, latencies in sorted(of_entity.items()):
                found |= _percentiles(f"entity_{entity}", side, latencies)
                if entity != self._storm.entity:
                    others.merge(latencies)
            found[f"others_acknowledged_{side}"] = others.count
            found |= _percentiles("others", side, others)
        for name, _ in _PERCENTS:
            calm_ms, storm_ms = (found.get(f"others_latency_{name}_ms_{side}") for side in (CALM, STORM))
            if calm_ms and storm_ms:
                found[f"others_slowdown_{name}_ratio"] = storm_ms / calm_ms
        return found


def _percentiles(whose: str, side: str, latencies: Latencies) -> dict[str, float]:
    if not latencies.count:
        return {}
    return {
        f"{whose}_latency_{name}_ms_{side}": latencies.percentile_ms(percent) for name, percent in _PERCENTS
    }


def details(values: Mapping[str, float]) -> dict[str, str]:
    """Return the explanation of the slowdown: figure -> sentence; nothing without a storm."""
    calm_ms, storm_ms = (values.get(f"others_latency_p99_ms_{side}") for side in (CALM, STORM))
    if calm_ms is None or storm_ms is None:
        return {}
    return {SLOWDOWN: f"the others' latency p99 went from {calm_ms:.1f} to {storm_ms:.1f} ms"}


def unmeasured(values: Mapping[str, float], storm: Storm | None) -> list[str]:
    """Return a reason for each side with too few writes for a p99."""
    if storm is None:
        return []
    counts = {side: values[f"others_acknowledged_{side}"] for side in (CALM, STORM)}
    return [
        f"{count:.0f} writes of the other legal entities were acknowledged in the {side}; needed for a p99: "
        f"at least {WRITES_MIN}"
        for side, count in counts.items()
        if count < WRITES_MIN
    ]
