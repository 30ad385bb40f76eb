"""From the files of a load to its verdict: record, checkers, what hosts spent, objectives."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inventory.model import Environment, Role
from loadtests.plan.scenarios import SCENARIOS
from loadtests.results import budget, figures, run_info, validity
from loadtests.results.figures import LoadFigures
from loanstack.judging import readings, slowness
from loanstack.measure import cpu_breakdown, machine, machine_watch, portal_counts, usage
from proof import clocks
from proof.checkers import contention, sets
from proof.checkers.checker import run_checkers
from proof.history import Records, read_run
from proof.objectives import Objective, evaluate
from proof.verdict import Finding, Judgement, failed, overall, unproved

Beside = Callable[[LoadFigures], Iterable[Finding]]
"""Returns the findings of the companions, from the record of the load."""


@dataclass(frozen=True, kw_only=True)
class JudgedLoad:
    """A load's verdict, with the findings and figures behind it."""

    judgement: Judgement
    figures: Mapping[str, float]
    findings: tuple[Finding, ...]
    """Findings of the checkers and of the companions."""
    all_findings: tuple[Finding, ...]
    """The above, those of the objectives, and whether it was the planned load: the basis of the judgement."""
    record: LoadFigures
    hosts: Mapping[str, object]
    """The content of `hosts.json`."""
    components: Mapping[str, float]
    """Component -> CPU ms per transaction."""


def judge_load(
    folder: Path, env: Environment, objectives: Sequence[Objective], *, beside: Beside = lambda record: ()
) -> JudgedLoad:
    """Judge the load in `folder` from its files.

    + objectives: the objectives that it is judged by
    + beside: returns the findings of the companions

    Raises:
        FileNotFoundError, ValueError: the record is not whole; says which file.
    """
    read = readings.read(folder)
    readings.require_whole(read, env)
    records = read_run(folder)
    record = figures.of_records(run_info.read(folder), records.writes, records.reads, records.samples)
    findings = (*_checked(records, env, record), *beside(record))
    measured: dict[str, float] = {**read.figures, **machine.figures(read.before.machine, read.after.machine)}
    measured |= clocks.figures(records.clocks) | record.values | budget.figures(record, env.load_slo)
    for finding in findings:
        measured |= finding.figures
    rows = usage.rows(read.before.hosts, read.after.hosts)
    services = portal_counts.shares(read.before.portals, read.after.portals, env)
    measured |= _costs(folder, env, rows, services, measured)
    components = _components(env, rows, measured)
    details = {**validity.details(record), **clocks.details(records.clocks)}
    kept = evaluate(objectives, measured, details=details)
    slow = [slowness.explanation(folder, env, measured)] if slowness.is_too_slow(kept) else []
    everything = (
        *validity.findings(record),
        *unproved("clocks", clocks.unread(records.clocks, env)),
        *kept,
        *findings,
        *failed("slowness", slow, title=slowness.TITLE),
    )
    return JudgedLoad(
        judgement=overall(everything),
        all_findings=everything,
        figures=measured,
        findings=findings,
        record=record,
        hosts={
            **usage.as_json(rows, transactions=_transactions(measured)),
            "components": components,
            "services": portal_counts.as_json(services),
        },
        components=components,
    )


def _checked(records: Records, env: Environment, record: LoadFigures) -> tuple[Finding, ...]:
    _, reads_per_write = SCENARIOS[record.run_info.scenario].mix(env.journey)
    # Each mix that has queries reads limits among them.
    history = records.history(records.context(env, reads_limits=reads_per_write > 0))
    more = contention.CHECKERS if SCENARIOS[record.run_info.scenario].may_refuse else ()
    return run_checkers(history, (*sets.LOAD, *more))


def _costs(
    folder: Path,
    env: Environment,
    rows: Sequence[usage.Row],
    services: Sequence[portal_counts.Share],
    measured: Mapping[str, float],
) -> dict[str, float]:
    found = portal_counts.figures(services)
    found |= usage.figures(
        rows, env, transactions=_transactions(measured), requests=measured.get("requests", 0.0)
    )
    return found | machine_watch.figures(folder, found, is_lab=env.is_lab)


def _transactions(measured: Mapping[str, float]) -> float:
    # Hosts were read before the warm-up and after the last answer, so transactions of the warm-up count too.
    return measured.get("transactions_with_warm_up", 0.0)


def _components(
    env: Environment, rows: Sequence[usage.Row], measured: Mapping[str, float]
) -> dict[str, float]:
    transactions = _transactions(measured)
    if not transactions:
        return {}
    makers = {host.name for host in env.hosts_with(Role.LOADGEN)}
    found = cpu_breakdown.by_component(rows, transactions=transactions, load_makers=makers)
    # Outside the lab, hosts have kernels of their own, whose work this machine's counters do not hold.
    return cpu_breakdown.with_machine(found, measured, transactions=transactions) if env.is_lab else found
