"""The latencies of a run as an HDR histogram log (version 1.3), which other tools read and merge.

Two histograms, in microseconds: `corrected`, from the planned start, and `uncorrected`, from the actual one.
We write the file ourselves, because the library's writer does not support tags.
"""

from pathlib import Path

from loadtests.results.figures import LoadFigures
from loadtests.results.run_info import RunInfo
from proof.files import LEDGER_FILE, RecordError, read_lines, write_whole
from proof.percentiles import Latencies
from proof.record import Outcome, Write

HDR_FILE = "latency.hlog"
_CORRECTED, _UNCORRECTED = "corrected", "uncorrected"
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def write(folder: Path, found: LoadFigures) -> None:
    """Write the histograms of `found` into `folder` atomically."""
    write_pair(folder, found.run_info, found.corrected, found.uncorrected)


def write_pair(folder: Path, run_info: RunInfo, corrected: Latencies, uncorrected: Latencies) -> None:
    """Write two histograms of the run with `run_info` into `folder` atomically."""
    start_s, length_s = run_info.start_s, run_info.measured_s
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {start_s:f} (seconds since epoch)]",
        _LEGEND,
    ]
    for tag, latencies in ((_CORRECTED, corrected), (_UNCORRECTED, uncorrected)):
        # By convention this column is the longest duration in milliseconds.
        lines.append(f"Tag={tag},{start_s:f},{length_s:f},{latencies.max_ms:.3f},{latencies.encoded()}")
    write_whole(folder / HDR_FILE, "\n".join([*lines, ""]))


def read(folder: Path) -> tuple[Latencies, Latencies]:
    """Return both histograms of the run in `folder`.

    Raises:
        FileNotFoundError: the folder has no histograms.
        RecordError: the file is not what `write` writes.
    """
    path = folder / HDR_FILE
    found = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.startswith("Tag="):
            continue
        try:
            tag, _start, _length, max_ms, encoded = line.removeprefix("Tag=").split(",")
            found[tag] = Latencies.decoded(encoded, max_ms=float(max_ms))
        except Exception as damaged:
            raise RecordError(path, number, f"not a histogram ({damaged})") from None
    if set(found) != {_CORRECTED, _UNCORRECTED}:
        raise RecordError(path, 1, f"holds {sorted(found)}; needed: {_CORRECTED} and {_UNCORRECTED}")
    return found[_CORRECTED], found[_UNCORRECTED]


def of_ledger(folder: Path, run_info: RunInfo) -> tuple[Latencies, Latencies]:
    """Return both histograms over the ledger in `folder`, of exactly the writes that `figures` counts.

    Raises:
        FileNotFoundError: there is no ledger.
        RecordError: it is damaged.
    """
    corrected, uncorrected = Latencies(), Latencies()
    for one in read_lines(folder / LEDGER_FILE, Write):
        if (
            one.outcome == Outcome.ACKNOWLEDGED
            and 0.0 <= one.planned_s - run_info.start_s < run_info.measured_s
        ):
            corrected.add(one.ended_s - one.planned_s)
            uncorrected.add(one.ended_s - one.started_s)
    return corrected, uncorrected
