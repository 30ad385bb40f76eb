"""Results of a drill that ended, and figures over repeats: percentiles, sums, tables; pure."""

from collections.abc import Sequence
from dataclasses import replace

from rich.markup import escape
from rich.table import Table

from loanstack.runs.console import COLOUR_OF
from loanstack.runs.folder import Results, with_residue
from proof.clocks import CERTAIN_OFFSET
from proof.exits import ExitCode, verdict_of_exit
from proof.objectives import Objective, evaluate
from proof.outage import PARTS
from proof.percentiles import nearest_rank
from proof.verdict import Finding, Verdict, overall, worst

SUMMED = (
    "transactions_acknowledged",
    "acknowledged_lost",
    "acknowledged_doubled",
    "two_primaries_seen",
    "errors",
    "residue",
)
"""Figures of a drill that add up over its repeats."""

_LONGEST = ("rto_sustained_ms", "silence_ms", "error_ratio", "two_primaries_blind_ms", CERTAIN_OFFSET)
"""Figures of a drill for which the worst of its repeats counts."""

_OF_EACH = ("rto_ms_p50", "rto_ms_p95", "rto_ms_max", "acknowledged_lost", "errors")
"""Figures of one drill that the results over several drills hold too, with the drill's name."""


def as_ended(name: str, results: Results, *, status: int) -> Results:
    """Return the results of one drill with what its program's end adds to them.

    + name: of the drill
    + results: as the program left them
    + status: that it ended with; one that the results do not explain may have come after they were written
    """
    if status == ExitCode.RESIDUE and not results.figures.get("residue"):
        results = with_residue(results, 1)
    told = Verdict.INVALID if status == ExitCode.INTERRUPTED else verdict_of_exit(status)
    if worst([told, results.verdict]) is results.verdict:
        return results
    why = f"drill {name} ended with status {status}, which its results do not explain"
    return replace(results, verdict=told, reasons=(*results.reasons, why))


def rto_over(rto_ms: Sequence[float | None]) -> dict[str, float]:
    """Return p50, p95 and the longest of the recovery times; nothing if none was measured."""
    known = [ms for ms in rto_ms if ms is not None]
    if not known:
        return {}
    return {
        "rto_ms_p50": nearest_rank(known, 50),
        "rto_ms_p95": nearest_rank(known, 95),
        "rto_ms_max": max(known),
    }


def over_repeats(done: Sequence[Results]) -> dict[str, float]:
    """Return the figures of several runs of one drill: recovery times, their parts, what adds up."""
    figures: dict[str, float] = {"repeats": len(done), **rto_over(_all(done, "rto_ms"))}
    for part in PARTS:
        if values := _all(done, f"rto_{part}_ms"):
            figures[f"rto_{part}_ms_p50"] = nearest_rank(values, 50)
            figures[f"rto_{part}_ms_max"] = max(values)
    for name in _LONGEST:
        if values := _all(done, name):
            figures[f"{name}_max"] = max(values)
    if windows := _all(done, "lost_window_ms"):
        figures["lost_window_ms_p99"] = nearest_rank(windows, 99)
    return figures | summed(done)


def summed(done: Sequence[Results]) -> dict[str, float]:
    """Return the sums over `done` of the figures that at least one of them measured."""
    found = {name: _all(done, name) for name in SUMMED}
    return {name: sum(values) for name, values in found.items() if values}


def over_drills(done: Sequence[tuple[str, Results]]) -> dict[str, float]:
    """Return the figures of several drills: sums, the longest recovery, and each drill's own.

    + done: (name, results over its repeats)
    """
    results = [one for _, one in done]
    figures: dict[str, float] = {"drills": len(done), "repeats": sum(_all(results, "repeats"))}
    figures |= summed(results)
    if longest := _all(results, "rto_ms_max"):
        figures["rto_ms_max"] = max(longest)
    for name, one in done:
        own = name.replace("-", "_")
        figures |= {f"{own}_{figure}": one.figures[figure] for figure in _OF_EACH if figure in one.figures}
    return figures


_OUTCOMES = {
    "n": ("repeats", 0),
    "p50": ("rto_ms_p50", 2),
    "p95": ("rto_ms_p95", 2),
    "max": ("rto_ms_max", 2),
    "lost": ("acknowledged_lost", 0),
    "dbl": ("acknowledged_doubled", 0),
    "2prim": ("two_primaries_seen", 0),
    "errors": ("errors", 0),
    "left": ("residue", 0),
}
"""Columns of the table of outcomes: heading -> figure, and decimals; times are shown in seconds."""


def outcome_table(done: Sequence[tuple[str, Results]]) -> Table:
    """Return one row for each drill: repeats, recovery times, writes lost or doubled, residue; 80 columns."""
    table = _table("Drills (RTO in seconds)", tuple(_OUTCOMES))
    table.add_column("", justify="right", no_wrap=True)
    for name, results in done:
        cells = (_cell(results.figures.get(figure), digits) for figure, digits in _OUTCOMES.values())
        verdict = f"[{COLOUR_OF[results.verdict]}]{results.verdict.value}[/]"
        table.add_row(escape(name), *cells, verdict)
    return table


def parts_table(done: Sequence[tuple[str, Results]]) -> Table:
    """Return one row for each drill: the median of each part of its recovery."""
    table = _table("Medians of the parts of the RTO (seconds)", PARTS)
    for name, results in done:
        medians = (results.figures.get(f"rto_{part}_ms_p50") for part in PARTS)
        table.add_row(escape(name), *(_cell(ms, 2) for ms in medians))
    return table


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("drill", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cell(value: float | None, digits: int) -> str:
    if value is None:
        return "-"
    return f"{value / 1000:.{digits}f}" if digits else f"{value:.0f}"


def together(
    done: Sequence[Results],
    folders: Sequence[str],
    figures: dict[str, float],
    judged_by: Sequence[Objective],
) -> Results:
    """Return the results of several runs as one: their verdicts, and `figures` over all of them."""
    each = (
        Finding(name=folder, verdict=one.verdict, reasons=one.reasons)
        for one, folder in zip(done, folders, strict=True)
    )
    verdict, reasons = overall((*each, *evaluate(judged_by, figures)))
    return Results(
        verb="drill",
        environment=done[0].environment,
        verdict=verdict,
        reasons=reasons,
        figures=figures,
        children=tuple(folders),
    )


def _all(done: Sequence[Results], figure: str) -> list[float]:
    return [one.figures[figure] for one in done if figure in one.figures]
