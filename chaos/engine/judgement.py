"""The verdict over a finished drill, from its saved files. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chaos.catalogue.drills import checkers_for
from chaos.catalogue.model import Drill, Expect
from chaos.engine.run import Run
from inventory.model import Environment
from proof import clocks, promised
from proof.checkers.checker import run_checkers
from proof.checkers.loss import lost_within_lag
from proof.exits import ExitCode, exit_code
from proof.history import FaultWindow, History, Records
from proof.objectives import Objective, evaluate
from proof.outage import (
    SERVED_SHARE,
    SERVED_WINDOW_S,
    SERVED_WITHIN_S,
    Outage,
    errors_by_kind,
    errors_by_second,
    find_outage,
    first_error_s,
    longest_silence_ms,
    parts_ms,
)
from proof.record import Event, Outcome, Read, Write
from proof.verdict import Finding, Verdict, failed, overall, unproved


@dataclass(frozen=True, kw_only=True)
class JudgedDrill:
    """Verdict, figures and findings of a drill."""

    verdict: Verdict
    reasons: tuple[str, ...]
    figures: Mapping[str, float]
    findings: tuple[Finding, ...]
    errors_by_second: Mapping[int, Mapping[str, int]]
    residue: tuple[str, ...]
    objectives: tuple[Objective, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """The code of the command."""
        return exit_code(self.verdict, residue=len(self.residue))


def judge_run(
    env: Environment,
    drill: Drill,
    run: Run,
    records: Records,
    *,
    sample_interval_ms: float,
    objectives: Sequence[Objective] | None = None,
) -> JudgedDrill:
    """Return the verdict over a finished drill: over its course, its checkers and its objectives.

    + records: the files of its run folder
    + sample_interval_ms: interval of the replication samples
    + objectives: objectives of the run; None: those of the inventory
    """
    promised_here = objectives_of(env, drill) if objectives is None else tuple(objectives)
    figures: dict[str, float] = {"residue": len(run.residue), **_counts(records)}
    figures |= {"rejoin_s": run.heal_s} if run.heal_s is not None else {}
    figures |= clocks.figures(records.clocks)
    # These findings exist only if something is wrong. The checkers and objectives are what can give a PASS.
    findings = [
        *unproved("planned_drill", run.spoiled, spoils=True),
        *failed("recovery", run.failures),
        *unproved("hypothesis", run.invalid or ["interrupted"] * run.interrupted),
        *failed("residue", run.residue, title=None),
        *failed("durability", _another_durability(env, run)),
    ]
    checked: tuple[Finding, ...] = ()
    by_second: Mapping[int, Mapping[str, int]] = {}
    if run.fault is not None:
        by_second = errors_by_second(records.writes, fault_s=run.fault.started_s)
        outage_reasons, outage_figures = _outage(drill, run, records)
        figures |= outage_figures | _silence(drill, run, records)
        if run.exported:
            history = _history(env, drill, run, records, sample_interval_ms)
            checked = run_checkers(history, checkers_for(drill, env.failover.durability))
            findings += unproved("clocks", clocks.unread(records.clocks, env, broken=_hit(run)))
        for finding in checked:
            figures |= finding.figures
        if not run.interrupted:
            findings += [
                *failed("served_again", outage_reasons),
                *evaluate(promised_here, figures, details=clocks.details(records.clocks)),
            ]
        findings += checked
    verdict, reasons = overall(findings)
    return JudgedDrill(
        verdict=verdict,
        reasons=reasons,
        figures=figures,
        findings=checked,
        errors_by_second=by_second,
        residue=tuple(run.residue),
        objectives=promised_here,
    )


def _hit(run: Run) -> set[str]:
    """Return the hosts that the fault was seen at."""
    return {event.host for event in run.timeline if event.event == "fault" and event.host is not None}


def objectives_of(env: Environment, drill: Drill) -> tuple[Objective, ...]:
    """Return the objectives of one run of `drill` in `env`.

    Raises:
        NoObjectivesError: the inventory has no limits for the drill.
    """
    return promised.of_drill(env.drill_slo, drill.name, may_lose=_may_lose(env, drill))


def over_repeats_of(env: Environment, drill: Drill, *, repeats: int) -> tuple[Objective, ...]:
    """Return the objectives of `repeats` runs of `drill` together in `env`."""
    return promised.of_repeats(env.drill_slo, drill.name, may_lose=_may_lose(env, drill), repeats=repeats)


def _may_lose(env: Environment, drill: Drill) -> bool:
    return lost_within_lag in checkers_for(drill, env.failover.durability)


def _another_durability(env: Environment, run: Run) -> Iterable[str]:
    # The inventory sets the durability that a drill is judged by, and not the agents under test.
    wanted = env.failover.durability
    if run.durability not in {None, wanted}:
        yield f"the agents run durability {run.durability}; the inventory promises {wanted}"


def window_of(drill: Drill, run: Run) -> FaultWindow | None:
    """Return the times of the fault, as they matter to the old primary's clients; None if there was no fault.

    If the primary goes on serving after the fault, its time ends when it is fenced, and the new primary's
    time begins with its promotion. Both times are taken from the agents' history.
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


def _counts(records: Records) -> dict[str, float]:
    errors = errors_by_kind(records.writes)
    acknowledged = sum(write.outcome == Outcome.ACKNOWLEDGED for write in records.writes)
    # As in a load, a failed query and an acknowledgement with a wrong body count as errors.
    requests: list[Write | Read] = [*records.writes, *records.reads]
    failed = sum(each.is_error for each in requests)
    figures: dict[str, float] = {
        "transactions_acknowledged": acknowledged,
        "requests": len(requests),
        "errors": failed,
        "errors_read": sum(read.is_error for read in records.reads),
        "error_ratio": failed / max(len(requests), 1),
        "replication_samples": len(records.samples),
    }
    return figures | {f"errors_{kind.replace(' ', '_')}": count for kind, count in errors.items()}


def _history(env: Environment, drill: Drill, run: Run, records: Records, interval_ms: float) -> History:
    # Its clients go through the inventory's journey.
    context = records.context(env, reads_limits=env.journey.reads_per_write > 0)
    fault = window_of(drill, run)
    return records.history(replace(context, fault=fault, sample_interval_ms=interval_ms))


def _outage(drill: Drill, run: Run, records: Records) -> tuple[list[str], dict[str, float]]:
    outage = _find_outage(drill, run, records)
    if outage is None:
        return ["clients saw no recovery: nothing was acknowledged any more after the fault"], {}
    if drill.expects is Expect.NO_PRIMARY and run.undone_s is not None:
        # There must be no primary until the heal, so the recovery is counted from the heal.
        begun_s = min(max(outage.last_before_s, run.undone_s), outage.first_after_s)
        outage = replace(outage, last_before_s=begun_s)
    figures = {"rto_ms": outage.rto_ms, "acknowledged_per_s_before": outage.rate_before}
    parts = parts_ms(outage, run.timeline, commits_s=(row.created_s for row in records.journal))
    figures |= {f"rto_{part}_ms": ms for part, ms in parts.items()}
    reasons = []
    if outage.rto_sustained_ms is not None:
        figures["rto_sustained_ms"] = outage.rto_sustained_ms
    else:
        reasons.append(
            f"clients were not served for good to the end: wanted {SERVED_SHARE:.0%} of the writes of any"
            f" {SERVED_WINDOW_S:g} s acknowledged within {SERVED_WITHIN_S:g} s"
        )
    return reasons, figures


def _silence(drill: Drill, run: Run, records: Records) -> dict[str, float]:
    """Return the figure of the longest time without an acknowledgement on any route or legal entity."""
    ms = longest_silence_ms(records.writes, **_times(drill, run))
    return {} if ms is None else {"silence_ms": ms}


def _find_outage(drill: Drill, run: Run, records: Records) -> Outage | None:
    return find_outage(records.writes, **_times(drill, run))


def _times(drill: Drill, run: Run) -> dict[str, float]:
    """Return the times of the fault, of the earliest recovery that counts, and of the clients' end."""
    assert run.fault is not None
    # Some faults cut some clients off from every primary as long as they last.
    undone_s = run.undone_s if drill.rate_returns_with_heal else None
    return {
        "fault_s": run.fault.started_s,
        "since_s": undone_s or run.fault.started_s,
        "until_s": run.clients_until_s or run.fault.ended_s,
    }


def mark_outage(drill: Drill, run: Run, records: Records) -> tuple[tuple[float, str, str], ...]:
    """Return the outage as clients saw it, as events for the timeline: (unix time, event, detail)."""
    if run.fault is None:
        return ()
    marks = []
    first_error = first_error_s(records.writes, fault_s=run.fault.started_s)
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
