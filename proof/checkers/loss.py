"""The checker of the writes that a failover may lose: for drills with asynchronous replication.

A standby that is promoted after its primary died lacks the log that it had not yet pulled. So an acknowledged
write may be missing if, and only if, it was committed within the replication lag before the fault. The lag is
the measured one.
"""

from proof.history import Context, FaultWindow, History
from proof.record import Write
from proof.verdict import Finding, Verdict


def fault_moment_s(history: History, fault: FaultWindow) -> float:
    """Return the time at which the fault acted (unix seconds), as exactly as the records allow.

    The fault's command takes some time (a power switch half a second), and no record shows the exact moment.
    The last acknowledgement before the command's end is the latest moment at which the old primary was
    certainly alive.
    """
    acted = fault.started_s
    for write in history.acknowledged:
        if fault.started_s < write.ended_s <= fault.ended_s:
            acted = write.ended_s
    return acted


def lag_before_ms(context: Context, moment_s: float) -> float | None:
    """Return the largest lag measured shortly before `moment_s`; None if nothing was measured."""
    lags = [
        sample.lag_ms
        for sample in context.samples
        if sample.lag_ms is not None and moment_s - context.lag_before_fault_s <= sample.at_s <= moment_s
    ]
    return max(lags, default=None)


def lost_within_lag(history: History) -> Finding:
    """Each missing acknowledged write was committed within the measured lag before the fault, and is listed.

    FAILs for a missing write that is older than the largest lag measured before the fault plus one sampling
    interval, that began after the fault, or that the new primary answered.
    """
    name = "lost_within_lag"
    context = history.context
    fault = context.fault
    if fault is None:
        return Finding(name=name, verdict=Verdict.INVALID, reasons=("the record shows no fault",))
    moment_s = fault_moment_s(history, fault)
    lag_ms = lag_before_ms(context, moment_s)
    missing = history.missing
    figures: dict[str, float] = {"acknowledged_lost": len(missing), "lost_window_ms": 0.0}
    if lag_ms is not None:
        figures["lag_before_fault_ms"] = lag_ms
        figures["lost_allowed_ms"] = lag_ms + context.sample_interval_ms
    if missing:
        oldest_s = min(write.ended_s for write in missing)
        figures["lost_window_ms"] = max(0.0, (moment_s - oldest_s) * 1000)
    listed = tuple(_listed(write, moment_s) for write in missing)
    if len(history.acknowledged) < context.acknowledged_min:
        verdict = Verdict.INVALID
        reasons = [f"{len(history.acknowledged)} acknowledged writes prove nothing"]
    elif missing and lag_ms is None:
        verdict = Verdict.INVALID
        reasons = ["writes are missing, and no lag was measured before the fault to judge them by"]
    else:
        allowed_ms = (lag_ms or 0.0) + context.sample_interval_ms
        reasons = _unexplained(history, missing, fault, moment_s, allowed_ms)
        verdict = Verdict.FAIL if reasons else Verdict.PASS
    return Finding(name=name, verdict=verdict, reasons=tuple(reasons), figures=figures, listed=listed)


def _unexplained(
    history: History, missing: tuple[Write, ...], fault: FaultWindow, moment_s: float, allowed_ms: float
) -> list[str]:
    holes = _holes(history, missing, fault)
    too_old = sum(write.ended_s < moment_s - allowed_ms / 1000 for write in missing)
    too_new = sum(write.started_s > fault.ended_s for write in missing)
    by_new_primary = sum(
        fault.promoted_s is not None
        and write.ended_s >= fault.promoted_s
        and write.started_s <= fault.ended_s
        for write in missing
    )
    reasons = []
    if holes:
        reasons.append(
            f"{holes} writes are present that began after a missing write had been acknowledged: a standby"
            " that only lags has every write before the last one it has"
        )
    if too_old:
        reasons.append(
            f"{too_old} missing writes were acknowledged more than {allowed_ms:.0f} ms before the fault,"
            " which is longer than the standby was behind"
        )
    if too_new:
        reasons.append(f"{too_new} missing writes were begun after the fault, so the new primary lost them")
    if by_new_primary:
        reasons.append(f"{by_new_primary} missing writes were acknowledged by the new primary")
    return reasons


def _holes(history: History, missing: tuple[Write, ...], fault: FaultWindow) -> int:
    """Return how many writes of the old primary are present although an earlier one is missing."""
    first_s = min((write.ended_s for write in missing), default=None)
    if first_s is None:
        return 0
    rows = history.rows_by_key
    return sum(
        write.started_s > first_s and write.ended_s <= fault.started_s and (write.entity, write.key) in rows
        for write in history.acknowledged
    )


def _listed(write: Write, moment_s: float) -> dict[str, object]:
    return {
        "entity": write.entity,
        "key": write.key,
        "operation": write.operation,
        "limit_id": write.limit_id,
        "amount_fen": write.amount_fen,
        "ended_s": write.ended_s,
        "before_fault_ms": round((moment_s - write.ended_s) * 1000, 1),
    }
