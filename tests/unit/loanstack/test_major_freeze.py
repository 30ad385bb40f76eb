"""`load --major-freeze`: when it was taken, how long each merge took, what it did to writes."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from loadtests.results import figures
from loadtests.results.figures import LoadFigures
from loanstack.cli import load as load_cli
from loanstack.cli import main
from loanstack.companions import measured_start, merges
from loanstack.companions.merges import MergeProgress
from loanstack.report.charts import Span
from loanstack.report.drawings import merge_spans
from proof.record import Write
from proof.verdict import Verdict
from tests.unit.loadtests import records
from tests.unit.loadtests.records import START_S

TAKEN_S = START_S + 20.2
OLD, NEW = 100, 200


def reading(at_s: float, frozen: int, merged: int, role: str = "PRIMARY") -> MergeProgress:
    return MergeProgress(at_s=START_S + at_s, role=role, frozen_scn=frozen, merged_scn=merged)


def a_merge(until_s: float, role: str) -> list[MergeProgress]:
    """A database that was asked each second, froze at second 21 and was done at `until_s`."""
    return [
        reading(at_s, OLD if at_s < 21 else NEW, OLD if at_s < until_s else NEW, role) for at_s in range(60)
    ]


PAIR = {"ob-a": a_merge(30, "PRIMARY"), "ob-b": a_merge(34, "STANDBY")}


def writes(stall: tuple[float, float] | None = None) -> list[Write]:
    """Ten writes a second for a minute; those planned in a stall are answered at its end."""
    found = []
    for n in range(600):
        at_s = n / 10
        ended_s = stall[1] if stall and stall[0] <= at_s < stall[1] else at_s + 0.01
        found.append(records.write(at_s, ended_s=START_S + ended_s))
    return found


def load(stall: tuple[float, float] | None = None) -> LoadFigures:
    return figures.of_records(records.run_info(duration_s=60.0, writes_planned=600), writes(stall), (), ())


def judged(
    readings: Mapping[str, Sequence[MergeProgress]],
    stall: tuple[float, float] | None = None,
    taken_s: float | None = TAKEN_S,
    problem: str | None = None,
) -> tuple[Verdict, str, Mapping[str, float]]:
    found = merges.judge(load(stall), readings, writes(stall), taken_s=taken_s, problem=problem)
    return found.verdict, "; ".join(found.reasons), found.figures


def test_a_merge_that_both_ended_passes_and_is_measured_to_the_later_end() -> None:
    verdict, reasons, found = judged(PAIR)
    assert (verdict, reasons) == (Verdict.PASS, "")
    assert found["freeze_at_s"] == pytest.approx(20.2)
    assert found["merge_s"] == found["merge_standby_s"] == pytest.approx(13.8)
    assert found["merge_primary_s"] == pytest.approx(9.8)
    assert found["freeze_worst_second_ratio"] == 1.0
    assert found["freeze_latency_p99_ms"] == pytest.approx(10.0, rel=0.01)


def test_the_worst_second_and_the_latencies_are_those_of_the_merge_alone() -> None:
    _, _, inside = judged(PAIR, stall=(25.0, 27.5))
    assert (inside["freeze_worst_second_ratio"], inside["freeze_worst_second_at_s"]) == (0.0, 25)
    assert inside["freeze_latency_max_ms"] == pytest.approx(2500.0, rel=0.01)
    _, _, before = judged(PAIR, stall=(5.0, 7.5))
    assert before["freeze_worst_second_ratio"] == 1.0
    assert before["freeze_latency_max_ms"] == pytest.approx(10.0, rel=0.01)
    _, _, after = judged(PAIR, stall=(40.0, 42.5))
    assert after["freeze_latency_max_ms"] == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ({"ob-a": a_merge(30, "PRIMARY"), "ob-b": a_merge(99, "STANDBY")}, "merge of ob-b was not seen"),
        ({"ob-a": a_merge(30, "PRIMARY"), "ob-b": []}, "merge of ob-b was not seen"),
        ({"ob-a": [reading(at_s, OLD, OLD) for at_s in range(60)]}, "no database froze anything"),
        ({"ob-a": []}, "no database froze anything"),
    ],
)
def test_a_merge_that_nobody_saw_end_proves_nothing(
    readings: Mapping[str, Sequence[MergeProgress]], words: str
) -> None:
    verdict, reasons, found = judged(readings)
    assert verdict is Verdict.INVALID
    assert words in reasons
    assert "merge_s" not in found


@pytest.mark.parametrize(("problem", "words"), [("ob-a: no", "ob-a: no"), (None, "ended before its moment")])
def test_a_freeze_that_was_not_taken_proves_nothing(problem: str | None, words: str) -> None:
    verdict, reasons, _ = judged(PAIR, taken_s=None, problem=problem)
    assert verdict is Verdict.INVALID
    assert words in reasons


def test_one_that_was_taken_after_the_traffic_proves_nothing() -> None:
    late = {name: [reading(60.0, OLD, OLD), reading(70.0, NEW, NEW)] for name in ("ob-a", "ob-b")}
    verdict, reasons, _ = judged(late, taken_s=START_S + 61.0)
    assert verdict is Verdict.INVALID
    assert "after the traffic" in reasons


def test_the_daily_merge_before_it_is_not_taken_for_it() -> None:
    daily = [reading(10, OLD, OLD), reading(15, NEW, OLD), reading(19, NEW, NEW), reading(21, NEW, NEW)]
    assert merges.merges({"ob-a": daily}, since_s=TAKEN_S) is None
    ours = [*daily, reading(22, 300, NEW), reading(29, 300, 300)]
    made = merges.merges({"ob-a": ours}, since_s=TAKEN_S)
    assert made is not None
    assert made["ob-a"] is not None
    assert made["ob-a"].until_s == START_S + 29


@given(st.lists(st.tuples(st.floats(0, 60), st.booleans()), min_size=2, max_size=40))
def test_no_merge_ends_before_its_freeze(steps: list[tuple[float, bool]]) -> None:
    scn, readings = OLD, []
    for at_s, grew in sorted(steps):
        readings.append(reading(at_s, scn + 1 if grew else scn, scn))
        scn += grew
    made = merges.merges({"ob-a": readings}, since_s=TAKEN_S)
    merge = made["ob-a"] if made else None
    assert merge is None or merge.until_s > TAKEN_S


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1800000000.5\tPRIMARY\t1795691659531279004\t1", (START_S + 0.5, 1795691659531279004, 1)),
        ("1800000000.5\tPRIMARY\t1795691659", None),
        ("1800000000.5\tPRIMARY\t17956\tNULL", None),
        ("ERROR 2002 (HY000): gone", None),
    ],
)
def test_only_whole_lines_are_readings(line: str, found: tuple[float, int, int] | None) -> None:
    parsed = merges.parse(line)
    assert (parsed and (parsed.at_s, parsed.frozen_scn, parsed.merged_scn)) == found


@pytest.mark.parametrize("name", ["ledger.jsonl", "workers/1/ledger.jsonl"])
def test_the_measured_part_begins_after_the_warm_up_of_whoever_writes_first(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps({"planned_s": START_S}) + b"\n{")
    assert measured_start.wait(tmp_path, warm_up_s=10.0, over=threading.Event()) == START_S + 10.0


def test_half_a_line_is_waited_for_and_an_end_is_heard(tmp_path: Path) -> None:
    assert measured_start.of_first_line(b'{"planned_s": 1800', warm_up_s=10.0) is None
    over = threading.Event()
    over.set()
    assert measured_start.wait(tmp_path, warm_up_s=10.0, over=over) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--major-freeze", "--duration", "29s"), "at least 30s"),
        (("--major-freeze", "--find-capacity"), "not with --find-capacity"),
    ],
)
def test_a_freeze_that_does_not_fit_is_refused_before_anything_happens(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.setattr(load_cli, "run_verb", lambda *_, **__: pytest.fail("something happened"))
    done = CliRunner().invoke(main.cli, ["load", "lab", *arguments])
    assert done.exit_code == 2, done.output
    assert words in done.output


def test_the_report_marks_the_time_from_the_freeze_to_the_last_end() -> None:
    marks = [(20.2, "major freeze", "major-freeze"), (30.0, "merged", "merged"), (34.0, "merged", "merged")]
    assert merge_spans(marks, end_s=60.0) == [Span(from_s=20.2, until_s=34.0, name="merge")]
    assert merge_spans(marks[:1], end_s=60.0) == [Span(from_s=20.2, until_s=60.0, name="merge")]
    assert merge_spans([], end_s=60.0) == []
