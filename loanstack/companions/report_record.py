"""The record of the reports that ran during a load, and the verdict over it. Pure but for the file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from loanstack.companions.reports import REPORTS
from proof import percentiles
from proof.files import read_if_there
from proof.verdict import Finding, Verdict

REPORTS_FILE = "reports.jsonl"
NAME = "reports"


@dataclass(frozen=True, kw_only=True)
class Reported:
    """One report that was run; times are unix seconds."""

    name: str
    started_s: float
    ended_s: float
    rows: int = 0
    counted: int = 0
    """Rows of tables that the report added up."""
    error: str | None = None
    """Why the report has no answer."""
    wrong: str | None = None
    """What is wrong with the answer."""

    @property
    def took_ms(self) -> float:
        """How long the report took."""
        return (self.ended_s - self.started_s) * 1000.0


def encode(reported: Reported) -> bytes:
    """Return the JSON line of `reported`, with its newline."""
    return orjson.dumps(reported, option=orjson.OPT_APPEND_NEWLINE)


def read(folder: Path) -> Iterator[Reported]:
    """Yield the reports recorded in `folder`; none if there is no record."""
    yield from read_if_there(folder / REPORTS_FILE, Reported)


def judge(reported: Iterable[Reported], *, from_s: float, until_s: float) -> Finding:
    """Return the finding over the reports that ran within the measured traffic (unix times).

    A wrong answer fails, also outside the measured time. A report of each kind must have completed within it;
    otherwise the transactions ran without that analysis, and the finding is INVALID.
    """
    everything = tuple(reported)
    inside = [one for one in everything if from_s <= one.started_s and one.ended_s <= until_s]
    done = [one for one in inside if one.error is None]
    failed = [one for one in inside if one.error is not None]
    wrong = [one for one in everything if one.wrong is not None]
    names = {one.name for one in done}
    never = [report.name for report in REPORTS if report.name not in names]
    figures: dict[str, float] = {
        "reports_completed": len(done),
        "reports_failed": len(failed),
        "reports_wrong": len(wrong),
        "report_rows_read": sum(one.counted for one in done),
    }
    if done:
        took_ms = [one.took_ms for one in done]
        figures["report_latency_p50_ms"] = round(percentiles.nearest_rank(took_ms, 50.0), 3)
        figures["report_latency_max_ms"] = round(max(took_ms), 3)
    reasons = [f"wrong answer of report '{one.name}': {one.wrong}" for one in wrong[:3]]
    if failed:
        reasons.append(f"{len(failed)} reports failed, the first, '{failed[0].name}': {failed[0].error}")
    if never:
        reasons.append(
            f"{len(done)} reports completed, none of: {', '.join(never)}; needed: one of each kind"
        )
    is_broken = bool(wrong) or (bool(failed) and bool(done))
    verdict = Verdict.FAIL if is_broken else Verdict.INVALID if never else Verdict.PASS
    return Finding(
        name=NAME,
        verdict=verdict,
        reasons=tuple(reasons),
        figures=figures,
        listed=tuple(_row(report.name, inside) for report in REPORTS),
    )


def _row(name: str, reported: Sequence[Reported]) -> dict[str, object]:
    of_name = [one for one in reported if one.name == name]
    done = [one for one in of_name if one.error is None]
    row: dict[str, object] = {"report": name, "completed": len(done), "failed": len(of_name) - len(done)}
    took_ms = [one.took_ms for one in done]
    row["p50_ms"] = round(percentiles.nearest_rank(took_ms, 50.0)) if took_ms else None
    row["max_ms"] = round(max(took_ms)) if took_ms else None
    row["rows_read_each"] = round(sum(one.counted for one in done) / len(done)) if done else None
    return row
