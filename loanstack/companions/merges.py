"""How a forced merge went on each database, and its effect on the transactions. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from loadtests.results.figures import LoadFigures
from proof.percentiles import Latencies
from proof.record import Outcome, Write
from proof.verdict import Finding, Verdict

NAME = "major_freeze"
_COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class MergeProgress:
    """What a database reported about its merges at one moment."""

    at_s: float
    role: str
    frozen_scn: int
    """Everything up to this number is to be merged."""
    merged_scn: int
    """Everything up to this number is merged."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """The merge that one database made of one freeze."""

    host: str
    role: str
    until_s: float
    """Unix time at which it was seen to be done."""


def parse(line: str) -> MergeProgress | None:
    """Return the reading in a line that the client printed; None if the line is not complete."""
    fields = line.split()
    if len(fields) != _COLUMNS:
        return None
    try:
        at_s, frozen_scn, merged_scn = float(fields[0]), int(fields[2]), int(fields[3])
    except ValueError:
        return None
    return MergeProgress(at_s=at_s, role=fields[1], frozen_scn=frozen_scn, merged_scn=merged_scn)


def frozen(readings: Sequence[MergeProgress], *, since_s: float) -> int | None:
    """Return the position of a freeze made at `since_s` (unix time); None if no reading shows it."""
    before = [reading.frozen_scn for reading in readings if reading.at_s <= since_s]
    later = [reading.frozen_scn for reading in readings if reading.at_s > since_s]
    if not before or not later:
        return None
    # A daily merge may already be in progress, so take the first freeze position above the last one seen
    # before ours.
    return next((scn for scn in later if scn > before[-1]), None)


def merged(host: str, readings: Iterable[MergeProgress], *, scn: int) -> Merge | None:
    """Return the merge of `host` up to `scn`; None if it was not seen to be done."""
    for reading in readings:
        if reading.merged_scn >= scn:
            return Merge(host=host, role=reading.role, until_s=reading.at_s)
    return None


def merges(
    readings: Mapping[str, Sequence[MergeProgress]], *, since_s: float
) -> dict[str, Merge | None] | None:
    """Return the merge of each database after a freeze at `since_s`; None if no database shows the freeze."""
    scns = [scn for one in readings.values() if (scn := frozen(one, since_s=since_s)) is not None]
    if not scns:
        return None
    return {host: merged(host, one, scn=min(scns)) for host, one in readings.items()}


def judge(
    found: LoadFigures,
    readings: Mapping[str, Sequence[MergeProgress]],
    writes: Iterable[Write],
    *,
    taken_s: float | None,
    problem: str | None,
) -> Finding:
    """Return the finding over the freeze.

    + readings: readings of each database, by its host
    + writes: the load's ledger
    + taken_s: unix time at which the freeze was asked for; None: it was not asked for
    + problem: why it was not asked for
    """
    if taken_s is None:
        return _invalid(f"no MAJOR FREEZE was taken: {problem or 'the load ended before its moment came'}")
    figures = {"freeze_at_s": round(taken_s - found.run_info.start_s, 3)}
    made = merges(readings, since_s=taken_s)
    if made is None:
        return _invalid("the MAJOR FREEZE was asked for, and no database froze anything", figures)
    undone = [host for host, merge in made.items() if merge is None]
    if undone:
        waited_s = max((one[-1].at_s for one in readings.values() if one), default=taken_s) - taken_s
        why = f"the merge of {', '.join(undone)} was not seen to end within {waited_s:.0f} s of the freeze"
        return _invalid(why, figures)
    done = [merge for merge in made.values() if merge is not None]
    for merge in done:
        figures[f"merge_{merge.role.lower()}_s"] = round(merge.until_s - taken_s, 3)
    until_s = max(merge.until_s for merge in done)
    figures["merge_s"] = round(until_s - taken_s, 3)
    if taken_s >= found.run_info.start_s + found.run_info.measured_s:
        return _invalid("the MAJOR FREEZE was taken after the traffic", figures)
    figures |= window_figures(found, writes, from_s=taken_s, until_s=until_s)
    return Finding(name=NAME, verdict=Verdict.PASS, figures=figures)


def window_figures(
    found: LoadFigures, writes: Iterable[Write], *, from_s: float, until_s: float
) -> dict[str, float]:
    """Return the transactions' worst second and latencies within a window (unix times)."""
    start_s = found.run_info.start_s
    seconds = range(
        max(floor(from_s - start_s), 0), min(ceil(until_s - start_s), int(found.run_info.measured_s))
    )
    ratios = [
        (one.acknowledged / one.planned, one.second)
        for one in found.seconds
        if one.second in seconds and one.planned
    ]
    figures: dict[str, float] = {}
    if ratios:
        figures["freeze_worst_second_ratio"], figures["freeze_worst_second_at_s"] = min(ratios)
    latencies = Latencies()
    for write in writes:
        if write.outcome == Outcome.ACKNOWLEDGED and from_s <= write.planned_s < until_s:
            latencies.add(write.ended_s - write.planned_s)
    if latencies.count:
        figures["freeze_latency_p99_ms"] = latencies.percentile_ms(99.0)
        figures["freeze_latency_max_ms"] = latencies.max_ms
    return figures


def _invalid(why: str, figures: Mapping[str, float] | None = None) -> Finding:
    return Finding(name=NAME, verdict=Verdict.INVALID, reasons=(why,), figures=figures or {})
