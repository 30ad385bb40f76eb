"""What one legal entity's storm did to the others: their latencies before it and during it. Pure."""

from collections.abc import Mapping

from inventory.slo import LoadSlo
from loadtests.ledger import Outcome, Write
from loadtests.percentiles import Latencies
from loadtests.storm import Storm

RATIO = "others_slowdown_p99_ratio"
WRITES_MIN = 1000
"""Of fewer writes the p99 is the slowest ten, which chance decides."""
_PERCENTS = (("p50", 50.0), ("p99", 99.0))


class Others:
    """The acknowledged writes of the entities that had no storm."""

    def __init__(self, storm: Storm | None) -> None:
        """Begin with none; without a storm there never are any."""
        self._storm = storm
        self._sides = {"calm": Latencies(), "storm": Latencies()}

    def add(self, write: Write, planned_s: float) -> None:
        """Count a write; + planned_s: since the start of what is measured."""
        storm = self._storm
        if storm is None or write.entity == storm.entity or write.outcome != Outcome.ACKNOWLEDGED:
            return
        if 0.0 <= planned_s < storm.from_s:
            self._sides["calm"].add(write.ended_s - write.planned_s)
        elif storm.from_s <= planned_s < storm.to_s:
            self._sides["storm"].add(write.ended_s - write.planned_s)

    def figures(self) -> dict[str, float]:
        """Return the latencies of both sides, and how many times longer those in the storm are."""
        if self._storm is None:
            return {}
        found: dict[str, float] = {}
        for side, latencies in self._sides.items():
            found[f"others_acknowledged_{side}"] = latencies.count
            if latencies.count:
                for name, percent in _PERCENTS:
                    found[f"others_latency_{name}_ms_{side}"] = latencies.percentile_ms(percent)
        if all(latencies.count for latencies in self._sides.values()):
            for name, _ in _PERCENTS:
                calm_ms, storm_ms = (found[f"others_latency_{name}_ms_{side}"] for side in self._sides)
                found[f"others_slowdown_{name}_ratio"] = storm_ms / calm_ms
        return found


def broken(values: Mapping[str, float], slo: LoadSlo) -> list[str]:
    """Return a reason if the storm slowed the others beyond what is promised."""
    most = slo.others_slowdown_p99_ratio_max
    if most is None or values.get(RATIO, 0.0) <= most:
        return []
    calm_ms, storm_ms = values["others_latency_p99_ms_calm"], values["others_latency_p99_ms_storm"]
    what = f"the others' latency p99 went from {calm_ms:.1f} to {storm_ms:.1f} ms in one legal entity's storm"
    return [f"{what}, {values[RATIO]:.2f} times as long; promised: at most {most:g} times"]


def missing(values: Mapping[str, float], storm: Storm | None) -> list[str]:
    """Return a reason for each side that is too small to tell its p99."""
    if storm is None:
        return []
    counts = {side: values[f"others_acknowledged_{side}"] for side in ("calm", "storm")}
    return [
        f"{count:.0f} writes of the other legal entities were acknowledged in the {side}; needed for a p99: "
        f"at least {WRITES_MIN}"
        for side, count in counts.items()
        if count < WRITES_MIN
    ]
