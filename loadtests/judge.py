"""The verdict over a load. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from inventory.model import LoadSlo
from loadtests.figures import LoadFigures

GENERATOR_CPU_PERCENT_MAX = 90.0
"""Above this the one event loop of the generator is the bottleneck, not what it measures."""
GENERATOR_LATENESS_P99_MS_MAX = 100.0
"""A generator later than this, although a user stood ready, did not make the load it planned."""
LAG_SAMPLES_PER_S_MIN = 0.5
"""Fewer samples of the standby's lag can miss a stall of seconds."""


_WORDS = {
    "latency_p50_ms": "latency p50",
    "latency_p95_ms": "latency p95",
    "latency_p99_ms": "latency p99",
    "latency_p999_ms": "latency p99.9",
    "standby_lag_p99_ms": "standby lag p99",
}


class Verdict(StrEnum):
    """The worth of a run."""

    PASS = "PASS"  # noqa: S105  # a verdict, no password
    FAIL = "FAIL"
    INVALID = "INVALID"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict and every reason for it."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge(found: LoadFigures, slo: LoadSlo) -> Judgement:
    """Return the verdict over a load, with all reasons.

    INVALID outranks FAIL where the run was not the one that was planned: nobody can say what the system
    would have done. A measurement that is merely missing keeps a run from passing, but excuses no failure.
    """
    spoiled = tuple(_spoiled(found))
    broken = tuple(_broken(found, slo))
    missing = tuple(_missing(found))
    reasons = spoiled + broken + missing
    if spoiled or (missing and not broken):
        return Judgement(verdict=Verdict.INVALID, reasons=reasons)
    return Judgement(verdict=Verdict.FAIL if broken else Verdict.PASS, reasons=reasons)


def _spoiled(found: LoadFigures) -> list[str]:
    facts, values = found.facts, found.values
    reasons = []
    if facts.stopped_s is not None:
        if facts.aborted is None:
            reasons.append(f"the load was ended after {facts.measured_s:.1f} of {facts.duration_s:g} s")
    elif values["writes_recorded"] < facts.writes_planned:
        reasons.append(
            f"the ledger holds {values['writes_recorded']:.0f} of {facts.writes_planned} planned writes"
        )
    if facts.cpu_percent > GENERATOR_CPU_PERCENT_MAX:
        reasons.append(
            f"the load generator used {facts.cpu_percent:.0f} % of a core; allowed: at most "
            f"{GENERATOR_CPU_PERCENT_MAX:.0f} %, or it measures itself"
        )
    if facts.lateness_p99_ms > GENERATOR_LATENESS_P99_MS_MAX:
        reasons.append(
            f"the load generator started ready arrivals up to {facts.lateness_p99_ms:.0f} ms late (p99); "
            f"allowed: at most {GENERATOR_LATENESS_P99_MS_MAX:.0f} ms"
        )
    return reasons


def _broken(found: LoadFigures, slo: LoadSlo) -> list[str]:
    values = found.values
    reasons = []
    if found.facts.aborted is not None:
        reasons.append(
            f"ended after {found.facts.measured_s:.1f} of {found.facts.duration_s:g} s, because no more could"
            f" mend it: {found.facts.aborted}"
        )
    least = slo.tps_ratio_min * found.facts.rate_per_s
    if values["tps_acknowledged"] < least:
        reasons.append(
            f"{values['tps_acknowledged']:.2f} acknowledged transactions/s; promised: at least {least:g}"
        )
    allowed = slo.errors_allowed(int(values["requests"]))
    if values["errors"] > allowed:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in list(found.errors_by_kind.items())[:3])
        reasons.append(f"{values['errors']:.0f} errors ({kinds}); promised: at most {allowed:g}")
    limits_ms = {**slo.latency_limits_ms, "standby_lag_p99_ms": slo.standby_lag_p99_ms_max}
    for name, most_ms in limits_ms.items():
        if name in values and values[name] > most_ms:
            reasons.append(f"{_WORDS[name]} {values[name]:.1f} ms; promised: at most {most_ms:g} ms")
    share, least_share = values["worst_second_ratio"], slo.worst_second_ratio_min
    if least_share is not None and share < least_share:
        reasons.append(
            f"{share:.0%} of the planned writes acknowledged in the worst second; promised: at least"
            f" {least_share:.0%}"
        )
    return reasons


def _missing(found: LoadFigures) -> list[str]:
    values = found.values
    reasons = []
    if "latency_p99_ms" not in values:
        reasons.append("no write was acknowledged, so no latency was measured")
    wanted = LAG_SAMPLES_PER_S_MIN * found.facts.measured_s
    if values["standby_lag_samples"] < wanted:
        reasons.append(
            f"the standby's lag was measured {values['standby_lag_samples']:.0f} times; "
            f"needed: at least {wanted:.0f}"
        )
    return reasons
