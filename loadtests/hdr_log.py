"""The latencies of a run as an HDR histogram log (version 1.3), which other tools read and merge.

Two histograms, in microseconds: `corrected`, from the planned start, and `uncorrected`, from the actual one.
The library's own writer knows no tags.
"""

from pathlib import Path

from loadtests.figures import LoadFigures

HDR_FILE = "latency.hlog"
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def write(folder: Path, found: LoadFigures) -> None:
    """Write the histograms of `found` into `folder`, whole or not at all."""
    start_s, length_s = found.facts.start_s, found.facts.measured_s
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {start_s:f} (seconds since epoch)]",
        _LEGEND,
    ]
    for tag, latencies in (("corrected", found.corrected), ("uncorrected", found.uncorrected)):
        # By convention the longest stands there in milliseconds.
        lines.append(f"Tag={tag},{start_s:f},{length_s:f},{latencies.max_ms:.3f},{latencies.encoded()}")
    unfinished = folder / f".{HDR_FILE}"
    unfinished.write_text("\n".join([*lines, ""]))
    unfinished.rename(folder / HDR_FILE)
