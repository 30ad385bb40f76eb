"""From a finished drill and its saved files to a verdict. Pure but for the writing at the end."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chaos import rto
from chaos.checkers import judge
from chaos.drills import checkers_for
from chaos.findings import Finding, Verdict, worst
from chaos.history import Context, Event, FaultWindow, History, Records, entity_numbers
from chaos.model import Drill, Expect
from chaos.run import Run
from inventory.drill_slo import DrillLimit
from inventory.model import Environment

LISTED_MAX = 2000
"""Rows of one finding that `findings.json` holds; the count is always whole."""

EXIT_PASS, EXIT_FAIL, EXIT_INVALID, EXIT_RESIDUE = 0, 1, 3, 4


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a drill proved."""

    verdict: Verdict
    reasons: tuple[str, ...]
    figures: Mapping[str, float]
    findings: tuple[Finding, ...]
    errors_by_second: Mapping[int, Mapping[str, int]]
    residue: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """The code of the command: residue outranks every verdict, because the next run is unsafe."""
        if self.residue:
            return EXIT_RESIDUE
        return {Verdict.PASS: EXIT_PASS, Verdict.FAIL: EXIT_FAIL, Verdict.INVALID: EXIT_INVALID}[self.verdict]


def judge_run(
    env: Environment, drill: Drill, run: Run, records: Records, *, sample_interval_ms: float
) -> Judgement:
    """Return the verdict over a finished drill.

    + records: the files of its run folder
    + sample_interval_ms: how far apart the replication samples are

    The worst of all wins: what failed on the way, the checkers, and the SLOs of the inventory.
    """
    figures: dict[str, float] = {"residue": len(run.residue), **_counts(records)}
    figures |= {"rejoin_s": run.heal_s} if run.heal_s is not None else {}
    # Nothing passes for want of objections: without a finding there is no PASS among these.
    verdicts = [Verdict.INVALID] * bool(run.invalid or run.spoiled)
    verdicts += [Verdict.FAIL] * bool(run.failures or run.residue)
    reasons = [*run.spoiled, *run.failures, *run.invalid, *(f"residue: {thing}" for thing in run.residue)]
    promised = env.failover.durability
    if run.durability not in {None, promised}:
        # What is under test does not choose what it is judged by.
        verdicts.append(Verdict.FAIL)
        reasons.append(f"the agents run durability {run.durability}; the inventory promises {promised}")
    findings: tuple[Finding, ...] = ()
    by_second: Mapping[int, Mapping[str, int]] = {}
    if run.fault is not None:
        by_second = rto.errors_by_second(records.writes, fault_s=run.fault.started_s)
        outage_reasons, outage_figures = _outage(drill, run, records)
        figures |= outage_figures | _silence(drill, run, records)
        if run.exported:
            history = _history(env, drill, run, records, sample_interval_ms)
            findings = judge(history, checkers_for(drill, env.failover.durability))
        for finding in findings:
            verdicts.append(finding.verdict)
            figures |= finding.figures
        broken = () if run.interrupted else (*outage_reasons, *_beyond(env.drill_slo.of(drill.name), figures))
        verdicts += [Verdict.FAIL] * bool(broken)
        reasons += broken
        reasons += [f"{finding.name}: {reason}" for finding in findings for reason in finding.reasons]
    return Judgement(
        verdict=Verdict.INVALID if run.spoiled else worst(verdicts),
        reasons=tuple(reasons),
        figures=figures,
        findings=findings,
        errors_by_second=by_second,
        residue=tuple(run.residue),
    )


def window_of(drill: Drill, run: Run) -> FaultWindow | None:
    """Return when the fault acted, as far as the old primary's clients are concerned; None without a fault.

    A primary that serves on after the fault ends with its fence, and the new one begins with its promotion:
    both are what the agents wrote down.
    """
    if run.fault is None:
        return None
    window = replace(run.fault, resumed_s=run.undone_s, observed_until_s=run.clients_until_s)
    seen: dict[str, Event] = {}
    for event in sorted(run.timeline, key=lambda event: event.at_s):
        if event.at_s >= window.started_s:
            seen.setdefault(event.event, event)
    if "promoted" not in seen:
        return window
    promoted, ended_s = seen["promoted"], window.ended_s
    if drill.fault.primary_serves_on:
        ended_s = max(ended_s, seen.get("fenced", promoted).at_s)
    return replace(
        window,
        ended_s=ended_s,
        promoted_s=promoted.at_s,
        promoted_host=promoted.host,
        fenced_s=seen["fenced"].at_s if "fenced" in seen else None,
    )


def write_results(folder: Path, env: Environment, drill: Drill, run: Run, judged: Judgement) -> None:
    """Write `results.json`, `findings.json`, `errors_by_second.json` and `drill.json` into the run folder."""
    results = {
        "verb": "drill",
        "environment": env.name,
        "verdict": judged.verdict.value,
        "reasons": list(judged.reasons),
        "figures": dict(judged.figures),
        "steps": [{"name": name, "seconds": round(seconds, 3)} for name, seconds in run.steps],
        "children": [],
    }
    described = {
        "name": drill.name,
        "title": drill.title,
        "hypothesis": [predicate.name for predicate in drill.hypothesis],
        "fault": drill.fault.title,
        "heal": drill.fault.heal.title,
        "dead_man": drill.fault.heal.dead_man,
        "expects": drill.expects.value,
        "durability": run.durability,
        "observe_s": drill.observe_s,
        "recovery_deadline_s": drill.recovery_deadline_s,
    }
    findings = [finding.as_json(listed_max=LISTED_MAX) for finding in judged.findings]
    for name, value in (
        ("findings.json", findings),
        ("errors_by_second.json", judged.errors_by_second),
        ("drill.json", described),
        ("results.json", results),
    ):
        unfinished = folder / f".{name}"
        unfinished.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        unfinished.rename(folder / name)


def _counts(records: Records) -> dict[str, float]:
    errors = rto.errors_by_kind(records.writes)
    figures: dict[str, float] = {
        "transactions_acknowledged": len(records.writes) - sum(errors.values()),
        "errors": sum(errors.values()),
        "error_ratio": sum(errors.values()) / max(len(records.writes), 1),
        "replication_samples": len(records.samples),
    }
    return figures | {f"errors_{kind.replace(' ', '_')}": count for kind, count in errors.items()}


def _history(env: Environment, drill: Drill, run: Run, records: Records, interval_ms: float) -> History:
    context = Context(
        entity_numbers=entity_numbers(tuple(entity.code for entity in env.entities)),
        fault=window_of(drill, run),
        samples=records.samples,
        sample_interval_ms=interval_ms,
    )
    return History(
        writes=records.writes,
        journal=records.journal,
        limits=records.limits,
        probes=records.probes,
        context=context,
    )


def _outage(drill: Drill, run: Run, records: Records) -> tuple[list[str], dict[str, float]]:
    outage = _find_outage(drill, run, records)
    if outage is None:
        return ["clients saw no recovery: nothing was acknowledged any more after the fault"], {}
    if drill.expects is Expect.NO_PRIMARY and run.undone_s is not None:
        # Until the heal there must be none: only what comes after it is a recovery.
        begun_s = min(max(outage.last_before_s, run.undone_s), outage.first_after_s)
        outage = replace(outage, last_before_s=begun_s)
    figures = {"rto_ms": outage.rto_ms, "acknowledged_per_s_before": outage.rate_before}
    parts = rto.parts_ms(outage, run.timeline, commits_s=(row.created_s for row in records.journal))
    figures |= {f"rto_{part}_ms": ms for part, ms in parts.items()}
    reasons = []
    if outage.rto_sustained_ms is not None:
        figures["rto_sustained_ms"] = outage.rto_sustained_ms
    else:
        reasons.append(
            f"clients were not served for good to the end: wanted {rto.SERVED_SHARE:.0%} of the writes of any"
            f" {rto.SERVED_WINDOW_S:g} s acknowledged within {rto.SERVED_WITHIN_S:g} s"
        )
    return reasons, figures


def _silence(drill: Drill, run: Run, records: Records) -> dict[str, float]:
    """Return how long any route or legal entity was without an acknowledgement, as a figure."""
    ms = rto.longest_silence_ms(records.writes, **_times(drill, run))
    return {} if ms is None else {"silence_ms": ms}


def _beyond(limit: DrillLimit, figures: Mapping[str, float]) -> Iterable[str]:
    limits = {
        "rto_ms": limit.rto_ms_max,
        "rto_sustained_ms": limit.rto_sustained_ms_max,
        "silence_ms": limit.silence_ms_max,
        "errors": limit.errors_max,
        "error_ratio": limit.error_ratio_max if limit.errors_max is None else None,
        "lost_window_ms": limit.lost_window_ms_p99,
    }
    for name, most in limits.items():
        if most is not None and figures.get(name, 0.0) > most:
            digits = 4 if name == "error_ratio" else 0
            yield f"{name} = {figures[name]:.{digits}f}; allowed: at most {most:.{digits}f}"


def _find_outage(drill: Drill, run: Run, records: Records) -> rto.Outage | None:
    return rto.find_outage(records.writes, **_times(drill, run))


def _times(drill: Drill, run: Run) -> dict[str, float]:
    """Return when the fault was sent, since when clients must be served again, and until when they wrote."""
    assert run.fault is not None
    # While some faults last, some clients have no way to any primary.
    undone_s = run.undone_s if drill.rate_returns_with_heal else None
    return {
        "fault_s": run.fault.started_s,
        "since_s": undone_s or run.fault.started_s,
        "until_s": run.clients_until_s or run.fault.ended_s,
    }


def mark_outage(drill: Drill, run: Run, records: Records) -> tuple[tuple[float, str, str], ...]:
    """Return what clients saw, as events for the timeline: (unix time, event, detail)."""
    if run.fault is None:
        return ()
    marks = []
    first_error = rto.first_error_s(records.writes, fault_s=run.fault.started_s)
    if first_error is not None:
        marks.append((first_error, "first-error", "the first write that failed"))
    outage = _find_outage(drill, run, records)
    if outage is not None:
        marks.append((outage.last_before_s, "last-acknowledged", "the last write before the outage"))
        marks.append((outage.first_after_s, "recovered", "the first write acknowledged again"))
        if outage.sustained_s is not None and outage.sustained_s > outage.since_s:
            served_s = max(outage.sustained_s, outage.first_after_s)
            marks.append((served_s, "served-for-good", "from here on clients are served to the end"))
    return tuple(marks)
