"""Whether a recorded load went as planned, and was measured well enough to be judged. Pure."""

from collections.abc import Iterable, Mapping

from loadtests.results import noisy_neighbour, worker_validity
from loadtests.results.figures import LoadFigures
from loadtests.results.worker_validity import GENERATOR_CPU_PERCENT_MAX
from proof.verdict import Finding, failed, unproved

LATENCIES = ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms", "latency_p999_ms")
GENERATOR_STALL_MS_MAX = 1000.0
"""A generator that stands still for longer delays every arrival by itself; clients would seem to wait."""
GENERATOR_LATENESS_P99_MS_MAX = 100.0
"""If the generator was later than this although a user was ready, it did not make the planned load."""
BUSY_SECONDS_RATIO_MAX = 0.05
"""Share of busy seconds. A mean would hide a part of a run, such as the end of a ramp, in which the generator
was the bottleneck."""
LAG_SAMPLES_PER_S_MIN = 0.5
"""Fewer samples of the standby's lag could miss a stall of seconds."""
LAG_UNHEARD_RATIO_MAX = 0.2
"""If neither side answered more of the samples than this, the sampler failed, and the lag is not known."""
LAG_UNHEARD_LONGEST_S_MAX = 5.0
"""A stall between two samples could be as long as the time between them."""
SENT_ERROR_RATIO_MAX = 0.001
"""Largest difference between sent and planned writes, as a share."""
SENT_EDGE_S = 0.25
"""Writes that are due this shortly before the start or end of the window may begin after it, if the machine
is slow at that moment. A generator that is always late is detected by its lateness."""


def findings(found: LoadFigures) -> tuple[Finding, ...]:
    """Return why a load did not go as planned, or was not measured well enough; none if all is well.

    A spoiled load proves nothing, not even a failure, because the system's behaviour under the planned load
    is unknown.
    """
    return (
        *unproved("planned_load", _spoiled(found), spoils=True),
        *failed("planned_load", _cut_short(found)),
        *unproved("measured_load", _unmeasured(found)),
    )


def details(found: LoadFigures) -> dict[str, str]:
    """Return explanations of figures that may break their objectives: figure -> sentence."""
    told = noisy_neighbour.details(found.values)
    if kinds := ", ".join(f"{count} x {kind}" for kind, count in list(found.errors_by_kind.items())[:3]):
        told |= {"errors": kinds, "error_ratio": kinds}
    if "latency_p99_ms" not in found.values:
        told |= dict.fromkeys(LATENCIES, "no write was acknowledged")
    if (unknown := found.values["standby_lag_unknown"]) and "standby_lag_p99_ms" not in found.values:
        samples = found.values["standby_lag_samples"] + unknown
        told["standby_lag_p99_ms"] = (
            f"{unknown:.0f} of {samples:.0f} samples show no standby that follows;"
            " more than one in a hundred is too many"
        )
    return told


def _spoiled(found: LoadFigures) -> list[str]:
    run_info, values = found.run_info, found.values
    reasons = worker_validity.spoiled(run_info)
    if run_info.stopped_s is not None:
        if run_info.aborted is None:
            reasons.append(f"the load was ended after {run_info.measured_s:.1f} of {run_info.duration_s:g} s")
    elif values["writes_recorded"] < run_info.writes_planned:
        reasons.append(
            f"the ledger holds {values['writes_recorded']:.0f} of {run_info.writes_planned} planned writes"
        )
    if not run_info.workers and run_info.cpu_percent > GENERATOR_CPU_PERCENT_MAX:
        reasons.append(
            f"the load generator used {run_info.cpu_percent:.0f} % of a core; allowed: at most "
            f"{GENERATOR_CPU_PERCENT_MAX:.0f} %, or it measures itself"
        )
    if run_info.busy_seconds > max(BUSY_SECONDS_RATIO_MAX * run_info.measured_s, 1.0):
        reasons.append(
            f"the load generator used more than {GENERATOR_CPU_PERCENT_MAX:.0f} % of a core in"
            f" {run_info.busy_seconds} of {run_info.measured_s:.0f} s; allowed: at most"
            f" {BUSY_SECONDS_RATIO_MAX:.0%} of them, or it measures itself"
        )
    if run_info.stall_ms > GENERATOR_STALL_MS_MAX:
        reasons.append(
            f"the load generator itself stood still for {run_info.stall_ms / 1000.0:.1f} s; allowed: at most"
            f" {GENERATOR_STALL_MS_MAX / 1000.0:g} s, or its own pause is measured"
        )
    if run_info.lateness_p99_ms > GENERATOR_LATENESS_P99_MS_MAX:
        reasons.append(
            f"the load generator started ready arrivals up to {run_info.lateness_p99_ms:.0f} ms late (p99); "
            f"allowed: at most {GENERATOR_LATENESS_P99_MS_MAX:.0f} ms"
        )
    unsent = _unsent(found)
    if unsent > run_info.held_back:
        reasons.append(f"{_sent(found)}, and no busy user held them back: the load generator did")
    return reasons + _not_following(values)


def _not_following(values: Mapping[str, float]) -> list[str]:
    """Return a reason if no sample shows a following standby, or if too many got no answer at all."""
    known, unheard = values["standby_lag_samples"], values["standby_lag_unheard"]
    asked = known + values["standby_lag_unknown"] + unheard
    if not known:
        return [f"the standby was not seen to follow: {asked:.0f} samples, none of them with its lag"]
    if unheard > LAG_UNHEARD_RATIO_MAX * asked:
        seen = f"neither database answered {unheard:.0f} of {asked:.0f} samples of the lag"
        return [f"{seen}; allowed: at most {LAG_UNHEARD_RATIO_MAX:.0%}"]
    return []


def _unsent(found: LoadFigures) -> int:
    """Return how far the sent writes of the measured window are from the planned ones; 0 if within limits."""
    if found.run_info.stopped_s is not None:
        return 0
    planned = found.run_info.writes_planned
    apart = round(abs(found.values["sent_ratio"] - 1.0) * planned)
    allowed = max(SENT_ERROR_RATIO_MAX * planned, SENT_EDGE_S * found.run_info.rate_per_s, 1.0)
    return 0 if apart <= allowed else apart


def _sent(found: LoadFigures) -> str:
    return (
        f"{found.values['sent_ratio']:.4f} of the {found.run_info.writes_planned} planned writes were sent"
        f" in their time; allowed: {SENT_ERROR_RATIO_MAX:.1%} or those of {SENT_EDGE_S:g} s more or fewer"
    )


def _cut_short(found: LoadFigures) -> Iterable[str]:
    """Yield reasons why the system prevented the planned load."""
    run_info = found.run_info
    if run_info.aborted is not None:
        yield (
            f"ended after {run_info.measured_s:.1f} of {run_info.duration_s:g} s, as a promise could not be"
            f" kept: {run_info.aborted}"
        )
    if 0 < _unsent(found) <= run_info.held_back:
        yield f"{_sent(found)}; all users were busy"


def _unmeasured(found: LoadFigures) -> Iterable[str]:
    yield from noisy_neighbour.unmeasured(found.values, found.run_info.storm)
    longest_s = found.values["standby_lag_unheard_longest_s"]
    if longest_s > LAG_UNHEARD_LONGEST_S_MAX:
        yield (
            f"for {longest_s:.1f} s without a break no database reported its position; allowed: at most"
            f" {LAG_UNHEARD_LONGEST_S_MAX:g} s"
        )
    wanted = LAG_SAMPLES_PER_S_MIN * found.run_info.measured_s
    if found.values["standby_lag_samples"] < wanted:
        yield (
            f"the standby's lag was measured {found.values['standby_lag_samples']:.0f} times; "
            f"needed: at least {wanted:.0f}"
        )
