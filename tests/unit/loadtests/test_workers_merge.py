"""From several records to one: nothing is left out, nothing is made up."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.engine.recorder import Recorder
from loadtests.results import figures, hdr_log, run_info
from loadtests.workers import merge
from loadtests.workers.merge import Part, folder_of
from loadtests.workers.monitor import Worker
from proof.clocks import Offset
from proof.files import LEDGER_FILE, READS_FILE, RecordError, encode, read_lines
from proof.record import Outcome, Read, Write
from tests.unit.loadtests import records
from tests.unit.loadtests.records import START_S

WHOLE = replace(records.run_info(), targets=(), cpu_percent=0.0, cpu_ms_per_request=0.0, memory_mib=0.0)


def leave(
    run: Path, number: int, writes: list[Write], reads: list[Read], *, known: bool = True, **measured: object
) -> Part:
    """Have worker `number` of two leave its record, and return it."""
    folder = folder_of(run, number)
    folder.mkdir(parents=True)
    with Recorder(folder) as recorder:
        for write in writes:
            recorder.write(write)
        for read in reads:
            recorder.read(read)
    planned = replace(WHOLE, users=1, writes_planned=20, rate_per_s=5.0)
    if known:
        own = replace(planned, targets=("http://x",), **measured)
        run_info.write(folder, own)
        hdr_log.write_pair(folder, own, *hdr_log.of_ledger(folder, own))
    clock = Offset(0.5, 0.25) if known else None
    return Part(worker=Worker(number=number), folder=folder, planned=planned, arrivals=20, clock=clock)


def two_halves(run: Path, **measured: object) -> list[Part]:
    writes, reads = records.all_acknowledged(), [records.read(n / 7) for n in range(20)]
    return [leave(run, n, writes[n - 1 :: 2], reads[n - 1 :: 2], **measured) for n in (1, 2)]


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_the_merged_record_is_that_of_one_process(tmp_path):
    measured = {"cpu_percent": 20.0, "cpu_ms_per_request": 0.2, "memory_mib": 30.0, "requests": 30}
    merged = merge.merge(tmp_path, two_halves(tmp_path, **measured), whole=WHOLE)
    assert list(read_lines(tmp_path / LEDGER_FILE, Write)) == records.all_acknowledged()
    assert list(read_lines(tmp_path / READS_FILE, Read)) == [records.read(n / 7) for n in range(20)]
    assert merged == run_info.read(tmp_path)
    assert (merged.cpu_percent, merged.memory_mib, merged.requests) == (40.0, 60.0, 60)
    assert merged.cpu_ms_per_request == pytest.approx(0.2)
    assert (merged.users, merged.writes_planned, merged.targets) == (2, 40, ("http://x",))
    assert [(w.number, w.users, w.writes_recorded, w.lost) for w in merged.workers] == [
        (1, 1, 20, None),
        (2, 1, 20, None),
    ]
    assert [(w.clock_ahead_ms, w.clock_give_or_take_ms) for w in merged.workers] == [(0.5, 0.25)] * 2
    values = figures.of_folder(tmp_path).values
    assert (values["tps_acknowledged"], values["sent_ratio"], values["generator_workers"]) == (10.0, 1.0, 2)


def test_the_latest_worker_tells_the_lateness_and_what_was_held_back_is_all(tmp_path):
    parts = [
        leave(tmp_path, number, [], [], lateness_p50_ms=late, lateness_p99_ms=2 * late, held_back=3)
        for number, late in ((1, 9.0), (2, 1.0))
    ]
    merged = merge.merge(tmp_path, parts, whole=WHOLE)
    assert (merged.lateness_p50_ms, merged.lateness_p99_ms, merged.held_back) == (9.0, 18.0, 6)


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0.0, 60.0)), max_size=60))
def test_merging_keeps_every_record_once_and_in_time_order(tmp_path_factory, recorded):
    folder = tmp_path_factory.mktemp("merge")
    parts = {number: folder / f"{number}.jsonl" for number in range(1, 5)}
    by_time = sorted(recorded, key=lambda one: one[1])
    for number, path in parts.items():
        mine = [records.write(at_s, ended_s=START_S + at_s) for who, at_s in by_time if who == number]
        path.write_bytes(b"".join(map(encode, mine)))
    merge.merge_lines(folder / "all.jsonl", list(parts.values()))
    merged = lines(folder / "all.jsonl")
    assert sorted(merged) == sorted(line for path in parts.values() for line in lines(path))
    ends = [orjson.loads(line)["ended_s"] for line in merged]
    assert ends == sorted(ends)


latencies_s = st.lists(st.floats(1e-6, 100.0), min_size=1, max_size=80)


@given(st.lists(latencies_s, min_size=1, max_size=4), st.floats(0.0, 100.0))
def test_added_histograms_say_what_one_of_all_samples_says(tmp_path_factory, parts, percent):
    folder = tmp_path_factory.mktemp("histograms")
    together = [
        records.write(number / 1000, ended_s=START_S + number / 1000 + latency_s)
        for number, latency_s in enumerate(latency_s for part in parts for latency_s in part)
    ]
    left = list(together)
    made = []
    for number, part in enumerate(parts, start=1):
        mine, left = left[: len(part)], left[len(part) :]
        made.append(leave(folder, number, sorted(mine, key=lambda write: write.ended_s), []))
    merge.merge(folder, made, whole=WHOLE)
    added, _ = hdr_log.read(folder)
    of_all = figures.of_records(WHOLE, together, [], []).corrected
    assert added.count == of_all.count == len(together)
    assert added.percentile_ms(percent) == pytest.approx(of_all.percentile_ms(percent), rel=0.001, abs=0.001)
    assert added.max_ms == pytest.approx(of_all.max_ms, abs=0.001)


def test_what_a_killed_worker_left_is_mended_and_counted(tmp_path):
    first, second = two_halves(tmp_path)[0], None
    writes = records.all_acknowledged()[1::2][:7]
    for path in sorted(folder_of(tmp_path, 2).iterdir()):
        path.unlink()
    folder_of(tmp_path, 2).rmdir()
    second = leave(tmp_path, 2, writes, [], known=False)
    second.worker.lost, second.worker.cpu_percent, second.worker.memory_mib = (
        "was killed by SIGKILL",
        33.0,
        41.0,
    )
    ledger = second.folder / LEDGER_FILE
    ledger.write_bytes(ledger.read_bytes() + encode(records.write(1.9))[:60])
    (second.folder / READS_FILE).unlink()
    merged = merge.merge(tmp_path, [first, second], whole=replace(WHOLE, stopped_s=START_S + 2.0))
    assert len(lines(tmp_path / LEDGER_FILE)) == 27
    assert len(list(read_lines(tmp_path / LEDGER_FILE, Write))) == 27
    assert merged.stopped_s == START_S + 2.0
    lost = merged.workers[1]
    assert (lost.lost, lost.writes_recorded, lost.cpu_percent, lost.memory_mib) == (
        *("was killed by SIGKILL", 7),
        *(33.0, 41.0),
    )
    assert (lost.lateness_p99_ms, lost.held_back, lost.clock_ahead_ms) == (None, None, None)
    # The first worker's 20 lie in its own, longer window; those of the lost one up to the stop.
    assert hdr_log.read(tmp_path)[0].count == 27


def test_a_worker_that_left_nothing_at_all_spoils_no_other_record(tmp_path):
    parts = [leave(tmp_path, 1, records.all_acknowledged()[::2], []), leave(tmp_path, 2, [], [], known=False)]
    for path in parts[1].folder.iterdir():
        path.unlink()
    merge.merge(tmp_path, parts, whole=WHOLE)
    assert len(lines(tmp_path / LEDGER_FILE)) == 20


def test_the_first_that_stopped_ends_the_window(tmp_path):
    parts = [
        leave(tmp_path, number, [], [], stopped_s=START_S + second) for number, second in ((1, 3.0), (2, 2.5))
    ]
    assert merge.merge(tmp_path, parts, whole=WHOLE).stopped_s == START_S + 2.5


def test_damage_in_the_middle_of_a_record_is_no_half_line(tmp_path):
    parts = two_halves(tmp_path)
    ledger = parts[0].folder / LEDGER_FILE
    ledger.write_bytes(b"{}\n" + ledger.read_bytes())
    with pytest.raises(RecordError, match="line 1: not a record with ended_s"):
        merge.merge(tmp_path, parts, whole=WHOLE)
    assert not (tmp_path / LEDGER_FILE).exists()


def test_a_histogram_log_that_is_none_is_refused(tmp_path):
    path = tmp_path / hdr_log.HDR_FILE
    path.write_text("Tag=corrected,0,1,1.0,nonsense\n")
    with pytest.raises(RecordError, match="line 1: not a histogram"):
        hdr_log.read(tmp_path)
    path.write_text("# nothing\n")
    with pytest.raises(RecordError, match="needed: corrected and uncorrected"):
        hdr_log.read(tmp_path)


def test_only_what_is_measured_is_in_a_histogram(tmp_path):
    writes = [
        records.write(-0.5, warm_up=True),
        records.write(0.0),
        records.write(1.0, outcome=Outcome.REJECTED),
        records.write(3.999),
        records.write(4.0),
    ]
    part = leave(tmp_path, 1, writes, [])
    assert [found.count for found in hdr_log.read(part.folder)] == [2, 2]
