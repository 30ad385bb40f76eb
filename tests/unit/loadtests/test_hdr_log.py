"""What other tools read of a run: the same latencies, to three digits, told apart by their tags."""

from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from loadtests.results import hdr_log
from loadtests.results.figures import LoadFigures
from proof.percentiles import Latencies
from tests.unit.loadtests.records import run_info


def latencies(*values_ms: float) -> Latencies:
    found = Latencies()
    for value_ms in values_ms:
        found.add(value_ms / 1000.0)
    return found


def read(path: Path) -> dict[str, HdrHistogram]:
    reader = HistogramLogReader(str(path), HdrHistogram(1, 3_600_000_000, 3))
    found = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        found[histogram.get_tag()] = histogram
    return found


def test_the_log_holds_both_histograms_whole(tmp_path: Path) -> None:
    corrected, uncorrected = latencies(*range(1, 1001)), latencies(2.5)
    run = LoadFigures(
        run_info=run_info(),
        values={},
        seconds=(),
        errors_by_kind={},
        corrected=corrected,
        uncorrected=uncorrected,
    )
    hdr_log.write(tmp_path, run)
    assert [path.name for path in tmp_path.iterdir()] == [hdr_log.HDR_FILE]
    found = read(tmp_path / hdr_log.HDR_FILE)
    assert found["corrected"].get_total_count() == 1000
    assert found["corrected"].get_value_at_percentile(99.0) == pytest.approx(990_000, rel=0.001)
    assert found["uncorrected"].get_value_at_percentile(50.0) == pytest.approx(2500, rel=0.001)


@given(st.lists(st.floats(0.001, 60_000.0), min_size=1, max_size=300))
def test_a_curve_rises_and_ends_no_further_than_the_longest(values_ms: list[float]) -> None:
    found = latencies(*values_ms)
    curve = found.curve()
    assert curve[0][0] == 0.0
    assert [ms for _, ms in curve] == sorted(ms for _, ms in curve)
    assert curve[-1][1] <= found.max_ms
    assert all(found.count * (100.0 - percent) >= 100.0 for percent, _ in curve)


def test_nothing_has_no_curve() -> None:
    assert Latencies().curve() == ()
