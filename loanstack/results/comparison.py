"""Compares two databases under the same load: ratios with their spread, and the verdict. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inventory.database_kind import DatabaseKind
from proof.titles import number, shown, title
from proof.verdict import Finding, Judgement, Verdict, overall, unproved

COMPARISON_FILE = "comparison.json"
CLAIMED_RATIO = 3.0
"""Throughput of OceanBase over that of a traditional database, as the bank's published case claims it."""

OURS, PEER = DatabaseKind.OCEANBASE, DatabaseKind.MARIADB
NAMES = {OURS: "OceanBase", PEER: "MariaDB"}

COMPARED = {
    "capacity_tps": "ratio_capacity_tps",
    "tps_acknowledged": "ratio_tps",
    "cpu_ms_per_transaction": "ratio_cpu_ms_per_transaction",
    "cpu_ms_per_transaction_databases": "ratio_cpu_ms_per_transaction_databases",
    "machine_busy_percent": "ratio_machine_busy_percent",
    "latency_p50_ms": "ratio_latency_p50_ms",
    "latency_p99_ms": "ratio_latency_p99_ms",
    "latency_p999_ms": "ratio_latency_p999_ms",
    "standby_lag_p99_ms": "ratio_standby_lag_p99_ms",
    "memory_mib_total": "ratio_memory_mib_total",
}
"""Figure of a run -> name of its ratio, OceanBase's figure over MariaDB's."""

_THROUGHPUT = ("capacity_tps", "tps_acknowledged")
"""The claim is compared with the first of these figures that was measured."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One load, or one capacity search, on one of the two databases."""

    database: DatabaseKind
    round: int
    """From 1; the two runs of one round are compared with each other."""
    folder: str
    verdict: Verdict
    """Verdict of the run by itself: FAIL if it broke a promise of the inventory."""
    is_exact: bool
    """Whether the checkers found every acknowledged write and every fen afterwards."""
    reasons: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        """Say whether the run counts: PASS and FAIL do, because a broken promise is a measured result too."""
        return self.verdict is not Verdict.INVALID


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of both databases, over all rounds."""

    figure: str
    ours: float
    peer: float
    ratio: float
    """Geometric mean of the rounds' ratios: swapping the two databases gives exactly its inverse."""
    least: float
    most: float
    rounds: int

    @property
    def figures(self) -> dict[str, float]:
        """Figures of this row in `results.json`."""
        name = COMPARED[self.figure]
        return {
            f"oceanbase_{self.figure}": round(self.ours, 4),
            f"mariadb_{self.figure}": round(self.peer, 4),
            name: round(self.ratio, 4),
            f"{name}_min": round(self.least, 4),
            f"{name}_max": round(self.most, 4),
        }


def compare(runs: Sequence[Ran]) -> tuple[Row, ...]:
    """Return a row for each figure that both databases have in at least one round; valid runs only."""
    rows = (_row(figure, runs) for figure in COMPARED)
    return tuple(row for row in rows if row is not None)


def judge(runs: Sequence[Ran], *, rounds: int) -> Judgement:
    """Return the verdict: PASS if all runs were valid and exact, whichever database is faster.

    + rounds: number of rounds that were asked for
    """
    short = len(runs) < 2 * rounds
    return overall(
        (
            *map(_proved, runs),
            *unproved("rounds", [f"{len(runs)} of {2 * rounds} runs were made"] if short else []),
        )
    )


def _proved(run: Ran) -> Finding:
    """Return the finding over one run: its money must be exact; its figures may be anything."""
    if run.is_exact and run.is_valid:
        return Finding(name=run.folder, verdict=Verdict.PASS)
    verdict = Verdict.INVALID if run.is_exact else Verdict.FAIL
    return Finding(name=run.folder, verdict=verdict, reasons=run.reasons)


def summary(rows: Sequence[Row], runs: Sequence[Ran]) -> tuple[str, ...]:
    """Return sentences about the result: the measured throughput and the claim, then broken promises."""
    lines = []
    by_figure = {row.figure: row for row in rows}
    measured = next((by_figure[figure] for figure in _THROUGHPUT if figure in by_figure), None)
    if measured is not None:
        at_rate = measured.figure != "capacity_tps"
        lines.append(
            f"{title(measured.figure)}: {NAMES[OURS]} {number(round(measured.ours, 1))}, {NAMES[PEER]} "
            f"{number(round(measured.peer, 1))}; measured {measured.ratio:.2f} times, claimed "
            f"{CLAIMED_RATIO:g} times"
            + (
                " (at a planned rate neither can do more than is planned; see --find-capacity)"
                if at_rate
                else ""
            )
        )
    for run in runs:
        if run.verdict is Verdict.FAIL and run.is_exact:
            lines += [f"{run.folder}, promise not kept: {reason}" for reason in run.reasons]
    return tuple(lines)


def as_json(rows: Sequence[Row], runs: Sequence[Ran], lines: Sequence[str]) -> dict[str, object]:
    """Return the content of `comparison.json`."""
    return {
        "claimed_ratio": CLAIMED_RATIO,
        "says": list(lines),
        "rows": [
            {
                "title": title(row.figure),
                "ours": shown(row.figure, row.ours),
                "peer": shown(row.figure, row.peer),
                "ratio": round(row.ratio, 4),
                "min": round(row.least, 4),
                "max": round(row.most, 4),
                "rounds": row.rounds,
            }
            for row in rows
        ],
        "runs": [
            {
                "database": run.database.value,
                "round": run.round,
                "folder": run.folder,
                "verdict": run.verdict.value,
                "is_exact": run.is_exact,
                "reasons": list(run.reasons),
                "figures": dict(run.figures),
            }
            for run in runs
        ],
    }


def _row(figure: str, runs: Sequence[Ran]) -> Row | None:
    values = {
        (run.round, run.database): run.figures[figure]
        for run in runs
        if run.is_valid and run.figures.get(figure, 0.0) > 0.0
    }
    pairs = [
        (values[number_, OURS], values[number_, PEER])
        for number_ in sorted({number_ for number_, _ in values})
        if (number_, OURS) in values and (number_, PEER) in values
    ]
    if not pairs:
        return None
    ratios = [ours / peer for ours, peer in pairs]
    return Row(
        figure=figure,
        ours=_mean([ours for ours, _ in pairs]),
        peer=_mean([peer for _, peer in pairs]),
        ratio=_mean(ratios),
        least=min(ratios),
        most=max(ratios),
        rounds=len(pairs),
    )


def _mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))
