"""Figures of literal records."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.engine.recorder import Recorder
from loadtests.results import figures, run_info
from proof import percentiles
from proof.files import FileError, RecordError
from proof.record import Outcome, Sample
from tests.unit.loadtests import records
from tests.unit.loadtests.records import START_S


def lag(at_s: float, lag_ms: float | None) -> Sample:
    return Sample(at_s=START_S + at_s, primary_scn=1, standby_scn=None, lag_ms=lag_ms)


def of(writes, reads=(), samples=(), **changed) -> figures.LoadFigures:
    return figures.of_records(records.run_info(**changed), writes, reads, samples)


def test_a_run_as_planned():
    values = of(records.all_acknowledged(), [records.read(1.0)]).values
    assert values["tps_acknowledged"] == values["tps_planned"] == 10.0
    assert values["transactions_acknowledged"] == values["writes_recorded"] == values["writes_planned"] == 40
    assert values["errors"] == 0
    assert values["reads_acknowledged"] == 1
    assert values["amount_fen"] == 4000
    assert values["worst_second_tps"] == 10


def test_latency_counts_from_the_planned_start_and_uncorrected_from_the_actual_one():
    late = records.write(3.9, started_s=START_S + 4.8, ended_s=START_S + 4.9)
    values = of([*records.all_acknowledged()[:39], late]).values
    assert values["latency_max_ms"] == pytest.approx(1000.0, abs=0.01)
    assert values["latency_uncorrected_max_ms"] == pytest.approx(100.0, abs=0.01)
    assert values["latency_p50_ms"] == pytest.approx(10.0, rel=0.001)
    assert values["latency_uncorrected_p50_ms"] == pytest.approx(9.0, rel=0.001)
    assert values["latency_p99_ms"] == pytest.approx(1000.0, rel=0.001)


def test_only_acknowledged_writes_planned_inside_the_window_are_transactions():
    writes = [
        *records.all_acknowledged()[:37],
        records.write(3.7, outcome=Outcome.REJECTED, status=503, error="HTTP 503 unavailable"),
        records.write(3.8, outcome=Outcome.INDETERMINATE, status=0, error="timed out"),
        records.write(3.9, outcome=Outcome.UNSENT, status=0, error="no user was free in time"),
        records.write(4.0),
        records.write(-0.1),
    ]
    values = of(writes, [records.read(1.0, outcome=Outcome.REJECTED, status=404, error="HTTP 404")]).values
    assert values["transactions_acknowledged"] == 37
    assert values["tps_acknowledged"] == 37 / 4
    assert values["writes_recorded"] == 40
    assert values["errors"] == 4
    kinds = ("rejected", "indeterminate", "unsent", "read", "body")
    assert [values[f"errors_{kind}"] for kind in kinds] == [1, 1, 1, 1, 0]


def test_a_wrong_body_is_an_error_although_the_write_is_acknowledged():
    found = of([records.write(0.0, error="body: amount_fen is 101; expected: 100")])
    assert found.values["transactions_acknowledged"] == 1
    assert found.values["errors"] == found.values["errors_body"] == 1
    assert found.errors_by_kind == {"acknowledged: body: amount_fen is 101; expected: 100": 1}


def test_the_worst_second_is_counted_by_arrival_of_the_acknowledgements():
    stalled = [
        records.write(n / 10, ended_s=START_S + 2.5) if 10 <= n < 25 else records.write(n / 10)
        for n in range(40)
    ]
    found = of(stalled)
    assert found.values["worst_second_tps"] == 0
    assert [second.acknowledged for second in found.seconds] == [10, 0, 20, 10]
    assert [second.planned for second in found.seconds] == [10, 10, 10, 10]
    assert found.seconds[1].latency_max_ms == pytest.approx(1500.0, abs=0.01)


def test_errors_are_listed_by_second_and_kind():
    failed = [
        records.write(
            n / 10, ended_s=START_S + 1.05, outcome=Outcome.INDETERMINATE, status=502, error="HTTP 502"
        )
        for n in range(3)
    ]
    found = of([*failed, records.write(0.3)])
    assert [second.errors for second in found.seconds] == [0, 3]
    assert found.errors_by_kind == {"indeterminate: HTTP 502": 3}


def test_a_run_that_was_ended_early_is_measured_up_to_its_end():
    values = of(records.all_acknowledged()[:20], stopped_s=START_S + 2.0).values
    assert values["measured_s"] == 2.0
    assert values["tps_acknowledged"] == 10.0


def test_a_run_that_never_started_has_no_rate_and_no_latency():
    values = of([], stopped_s=START_S).values
    assert values["tps_acknowledged"] == 0.0
    assert "latency_p99_ms" not in values


def test_a_warm_up_is_recorded_but_not_measured():
    slow = records.write(-0.5, ended_s=START_S - 0.1)
    failed = records.write(-1.5, outcome=Outcome.REJECTED, status=503, error="HTTP 503 unavailable")
    found = of([failed, slow, *records.all_acknowledged()], warm_up_s=2.0)
    assert found.values["transactions_acknowledged"] == 40
    assert found.values["transactions_with_warm_up"] == 41
    assert found.values["latency_max_ms"] == pytest.approx(10.0, abs=0.01)
    assert found.values["errors"] == 1
    assert [second.acknowledged for second in found.seconds] == [10, 10, 10, 10]


def test_lag_counts_inside_the_window_and_unknown_lag_is_late():
    samples = [lag(-1.0, 9000.0), lag(0.0, 50.0), lag(1.0, 70.0), lag(2.0, None), lag(4.0, 9000.0)]
    values = of([], samples=samples).values
    assert (values["standby_lag_samples"], values["standby_lag_unknown"]) == (2, 1)
    assert (values["standby_lag_p50_ms"], values["standby_lag_max_ms"]) == (70.0, 70.0)
    assert "standby_lag_p99_ms" not in values
    assert "standby_lag_p99_ms" not in of([]).values


@pytest.mark.parametrize(("unknown", "has_p99"), [(0, True), (2, True), (3, False), (48, False)])
def test_an_unknown_lag_counts_as_the_latest_of_all(unknown: int, has_p99: bool) -> None:
    samples = [lag(n / 60, 80.0 if n >= unknown else None) for n in range(240)]
    values = of([], samples=samples).values
    assert values["standby_lag_unknown"] == unknown
    assert ("standby_lag_p99_ms" in values) is has_p99
    assert values["standby_lag_p50_ms"] == 80.0


def test_a_sampler_that_heard_nobody_says_nothing_of_the_standby() -> None:
    unheard = Sample(at_s=START_S + 1.0, primary_scn=None, standby_scn=None, lag_ms=None)
    values = of([], samples=[unheard] * 10 + [lag(2.0, 50.0)]).values
    assert (values["standby_lag_unheard"], values["standby_lag_p99_ms"]) == (10, 50.0)


@given(st.lists(st.floats(1e-6, 3000.0), min_size=1, max_size=200), st.floats(1.0, 100.0))
def test_a_histogram_agrees_with_the_sorted_list_to_a_thousandth(durations, percent):
    latencies = percentiles.Latencies()
    for duration in durations:
        latencies.add(duration)
    assert latencies.count == len(durations)
    assert latencies.max_ms == max(durations) * 1000.0
    # The histogram rounds the rank, the list takes the next one: both must lie between the neighbours.
    found = latencies.percentile_ms(percent)
    low = percentiles.nearest_rank(durations, max(percent - 100.0 / len(durations), 0.0)) * 1000.0
    high = percentiles.nearest_rank(durations, percent) * 1000.0
    assert low * 0.998 - 0.002 <= found <= high * 1.002 + 0.002


def test_a_folder_is_read_whole(tmp_path):
    run_info.write(tmp_path, records.run_info())
    with Recorder(tmp_path) as recorder:
        for write in records.all_acknowledged():
            recorder.write(write)
    found = figures.of_folder(tmp_path)
    assert found.values["tps_acknowledged"] == 10.0
    assert found.values["standby_lag_samples"] == 0
    sample = {"at_s": START_S, "lag_ms": 60.0, "primary_scn": 1, "standby_scn": 1}
    nobody = {**sample, "lag_ms": None, "primary_scn": None, "standby_scn": None}
    (tmp_path / "replication.jsonl").write_bytes(b"\n".join(map(orjson.dumps, (sample, nobody))) + b"\n")
    values = figures.of_folder(tmp_path).values
    assert (values["standby_lag_max_ms"], values["standby_lag_unheard"]) == (60.0, 1)
    (tmp_path / "replication.jsonl").write_bytes(b'{"lag_ms": 1}\n')
    with pytest.raises(RecordError, match="line 1"):
        figures.of_folder(tmp_path)


def test_facts_come_back_and_damaged_ones_are_refused(tmp_path):
    run_info.write(tmp_path, records.run_info(stopped_s=START_S + 1.0))
    assert run_info.read(tmp_path) == records.run_info(stopped_s=START_S + 1.0)
    for damage in (b"{", b"[]", b'{"users": 1}'):
        (tmp_path / "load.json").write_bytes(damage)
        with pytest.raises(FileError, match="run the load again"):
            run_info.read(tmp_path)
