"""The verdict over a load. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from inventory.slo import LoadSlo
from loadtests import judge_workers, others
from loadtests.figures import LoadFigures
from loadtests.judge_workers import GENERATOR_CPU_PERCENT_MAX

GENERATOR_LATENESS_P99_MS_MAX = 100.0
"""A generator later than this, although a user stood ready, did not make the load it planned."""
LAG_SAMPLES_PER_S_MIN = 0.5
"""Fewer samples of the standby's lag can miss a stall of seconds."""
LAG_UNHEARD_RATIO_MAX = 0.2
"""Where neither side answered more of the samples, the sampler was at fault, and nobody knows the lag."""
SENT_ERROR_RATIO_MAX = 0.001
"""What a generator may send more or less than it planned."""
SENT_EDGE_S = 0.25
"""What was due so shortly before the window's start or end may begin behind it: a moment in which the machine
is slow may be its last one. A generator that is late at all times is told by its lateness."""


_ROUNDING = 1e-9
"""Of two quotients that are the same number of writes over the same time."""

_WORDS = {
    "latency_p50_ms": "latency p50",
    "latency_p95_ms": "latency p95",
    "latency_p99_ms": "latency p99",
    "latency_p999_ms": "latency p99.9",
    "standby_lag_p99_ms": "standby lag p99",
}


FIGURES = frozenset(
    {*_WORDS, "tps_acknowledged", "tps_answered", "errors", "error_ratio", "worst_second_ratio", others.RATIO}
)
"""The figures whose promises are judged here."""


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
    is_spoiled: bool = False
    """The run was not the planned one: nothing that failed in it is the system's fault."""


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
        return Judgement(verdict=Verdict.INVALID, reasons=reasons, is_spoiled=bool(spoiled))
    return Judgement(verdict=Verdict.FAIL if broken else Verdict.PASS, reasons=reasons)


def _spoiled(found: LoadFigures) -> list[str]:
    facts, values = found.facts, found.values
    reasons = judge_workers.spoiled(facts)
    if facts.stopped_s is not None:
        if facts.aborted is None:
            reasons.append(f"the load was ended after {facts.measured_s:.1f} of {facts.duration_s:g} s")
    elif values["writes_recorded"] < facts.writes_planned:
        reasons.append(
            f"the ledger holds {values['writes_recorded']:.0f} of {facts.writes_planned} planned writes"
        )
    if not facts.workers and facts.cpu_percent > GENERATOR_CPU_PERCENT_MAX:
        reasons.append(
            f"the load generator used {facts.cpu_percent:.0f} % of a core; allowed: at most "
            f"{GENERATOR_CPU_PERCENT_MAX:.0f} %, or it measures itself"
        )
    if facts.lateness_p99_ms > GENERATOR_LATENESS_P99_MS_MAX:
        reasons.append(
            f"the load generator started ready arrivals up to {facts.lateness_p99_ms:.0f} ms late (p99); "
            f"allowed: at most {GENERATOR_LATENESS_P99_MS_MAX:.0f} ms"
        )
    unsent = _unsent(found)
    if unsent > facts.held_back:
        reasons.append(f"{_sent(found)}, and no busy user held them back: the load generator did")
    return reasons + _not_following(values)


def _not_following(values: Mapping[str, float]) -> list[str]:
    """Return a reason if no sample shows a standby that follows, or too many show nothing at all."""
    known, unheard = values["standby_lag_samples"], values["standby_lag_unheard"]
    asked = known + values["standby_lag_unknown"] + unheard
    if not known:
        return [f"the standby was not seen to follow: {asked:.0f} samples, none of them with its lag"]
    if unheard > LAG_UNHEARD_RATIO_MAX * asked:
        seen = f"neither database answered {unheard:.0f} of {asked:.0f} samples of the lag"
        return [f"{seen}; allowed: at most {LAG_UNHEARD_RATIO_MAX:.0%}"]
    return []


def _unsent(found: LoadFigures) -> int:
    """Return how many writes more or fewer were sent in the measured window than may be; 0 if none."""
    if found.facts.stopped_s is not None:
        return 0
    planned = found.facts.writes_planned
    apart = round(abs(found.values["sent_ratio"] - 1.0) * planned)
    allowed = max(SENT_ERROR_RATIO_MAX * planned, SENT_EDGE_S * found.facts.rate_per_s, 1.0)
    return 0 if apart <= allowed else apart


def _sent(found: LoadFigures) -> str:
    return (
        f"{found.values['sent_ratio']:.4f} of the {found.facts.writes_planned} planned writes were sent in "
        f"their time; allowed: {SENT_ERROR_RATIO_MAX:.1%} or those of {SENT_EDGE_S:g} s more or fewer"
    )


def _broken(found: LoadFigures, slo: LoadSlo) -> list[str]:
    values = found.values
    reasons = []
    if found.facts.aborted is not None:
        reasons.append(
            f"ended after {found.facts.measured_s:.1f} of {found.facts.duration_s:g} s, because no more could"
            f" mend it: {found.facts.aborted}"
        )
    # Of what was planned: half a write more than that is no promise.
    least = slo.tps_ratio_min * found.facts.writes_planned / found.facts.duration_s
    answered = values.get("tps_answered", values["tps_acknowledged"])
    if answered < least * (1.0 - _ROUNDING):
        refused = " or rightly refused" if "tps_answered" in values else ""
        reasons.append(f"{answered:.2f} acknowledged{refused} transactions/s; promised: at least {least:g}")
    allowed = slo.errors_allowed(int(values["requests"]))
    if 0 < _unsent(found) <= found.facts.held_back:
        reasons.append(f"{_sent(found)}; all users were busy")
    if values["errors"] > allowed:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in list(found.errors_by_kind.items())[:3])
        reasons.append(f"{values['errors']:.0f} errors ({kinds}); promised: at most {allowed:g}")
    limits_ms = {**slo.latency_limits_ms, "standby_lag_p99_ms": slo.standby_lag_p99_ms_max}
    for name, most_ms in limits_ms.items():
        if name in values and values[name] > most_ms:
            reasons.append(f"{_WORDS[name]} {values[name]:.1f} ms; promised: at most {most_ms:g} ms")
    reasons += others.broken(values, slo)
    share, least_share = values["worst_second_ratio"], slo.worst_second_ratio_min
    if least_share is not None and share < least_share:
        reasons.append(
            f"{share:.0%} of the planned writes acknowledged in the worst second; promised: at least"
            f" {least_share:.0%}"
        )
    return reasons


def _missing(found: LoadFigures) -> list[str]:
    values = found.values
    reasons = others.missing(values, found.facts.storm)
    if "latency_p99_ms" not in values:
        reasons.append("no write was acknowledged, so no latency was measured")
    wanted = LAG_SAMPLES_PER_S_MIN * found.facts.measured_s
    if values["standby_lag_samples"] < wanted:
        reasons.append(
            f"the standby's lag was measured {values['standby_lag_samples']:.0f} times; "
            f"needed: at least {wanted:.0f}"
        )
    elif "standby_lag_p99_ms" not in values:
        known, unknown = values["standby_lag_samples"], values["standby_lag_unknown"]
        reasons.append(
            f"{unknown:.0f} of {known + unknown:.0f} samples show no standby that follows, so its lag has no"
            " p99; more than one in a hundred is too many"
        )
    return reasons
