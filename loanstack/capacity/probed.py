"""One probe of a search as `capacity.json` keeps it, and figures over all probes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import msgspec

from loanstack.capacity.conclusion import Conclusion
from loanstack.capacity.knee import knee
from loanstack.capacity.search import Bracket, Probe, Search, bracket
from proof.verdict import Verdict

CAPACITY_FILE = "capacity.json"


@dataclass(frozen=True, kw_only=True)
class Probed:
    """A probe, its figures, and the resource that ran out during it."""

    folder: str
    rate_per_s: int
    verdict: Verdict
    reasons: tuple[str, ...]
    figures: Mapping[str, float]
    """The figures of the latency-rate curve."""
    ran_out: str
    is_corrupt: bool = False
    """Whether a checker found wrong money."""

    @property
    def probe(self) -> Probe:
        """The part of it that the search uses."""
        return Probe(rate_per_s=self.rate_per_s, verdict=self.verdict)


CURVE_FIGURES = ("latency_p50_ms", "latency_p99_ms", "tps_acknowledged", "errors", "standby_lag_p99_ms")


def curve(done: Sequence[Probed], figure: str) -> list[tuple[float, float]]:
    """Return (rate, median over its probes) of a figure, by rising rate; INVALID probes are left out."""
    values: dict[int, list[float]] = {}
    for one in done:
        if one.verdict is not Verdict.INVALID and figure in one.figures:
            values.setdefault(one.rate_per_s, []).append(one.figures[figure])
    return [(float(rate), median(found)) for rate, found in sorted(values.items())]


def knee_of(done: Sequence[Probed]) -> float | None:
    """Return the rate at the knee of the p99, or None."""
    return knee([(rate, ms) for rate, ms in curve(done, "latency_p99_ms") if ms > 0.0])


def ran_out(done: Sequence[Probed]) -> str | None:
    """Return a sentence about what ran out at the lowest rate that is not kept; None if all were kept.

    Of several probes at that rate, the first that failed counts; if all were INVALID, the first of them.
    """
    found: Bracket = bracket([one.probe for one in done])
    if found.high is None:
        return None
    there = [
        one for one in done if one.rate_per_s == found.high.rate_per_s and one.verdict is not Verdict.PASS
    ]
    first = min(there, key=lambda one: one.verdict is Verdict.INVALID)
    return f"at {first.rate_per_s:,}/s {first.ran_out}"


def as_json(search: Search, done: Sequence[Probed], found: Conclusion, *, limit_ms: float) -> dict[str, Any]:
    """Return the content of `capacity.json`.

    + limit_ms: limit of the latency p99
    """
    return {
        "search": asdict(search),
        "latency_p99_ms_max": limit_ms,
        "probes": [
            {**asdict(one), "verdict": one.verdict.value, "reasons": list(one.reasons)} for one in done
        ],
        "knee_tps": knee_of(done),
        "capacity_tps": found.figures.get("capacity_tps"),
        "says": list(found.summary),
        "ran_out": ran_out(done),
    }


def from_json(found: Mapping[str, Any]) -> tuple[Probed, ...]:
    """Return the probes in the content of `capacity.json`."""
    return tuple(msgspec.convert(one, Probed) for one in found["probes"])
