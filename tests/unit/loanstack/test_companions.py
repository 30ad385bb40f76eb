"""The companions of a load at work, with stand-ins for the hosts: what they do and leave behind."""

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from chaos.system.world import WorldError
from inventory import environment
from inventory.database_kind import DatabaseKind
from inventory.model import DatabaseRole
from loadtests.results import figures
from loadtests.results.figures import LoadFigures
from loanstack.companions import analytics, major_freeze, measured_start, report_record
from loanstack.companions.analytics import Analytics
from loanstack.companions.major_freeze import MajorFreeze
from loanstack.companions.options import CompanionParameters
from loanstack.companions.report_session import ReportError
from loanstack.companions.reports import Report, Row
from loanstack.companions.soak import Soak
from loanstack.runs.console import Console
from loanstack.runs.folder import RunFolder
from loanstack.runs.task import Task
from proof.verdict import Verdict
from tests.unit.loadtests import records

DEADLINE_S = 120.0


@dataclass
class Children:
    """Stands for the child processes: each database says once what it is told to."""

    says: dict[str, str] = field(default_factory=dict)
    ended: int = 0

    def start(self, argv: list[str], *, log: Path, stdout: Path) -> "Children":
        stdout.write_text(self.says.get(stdout.name, ""))
        return self

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
def task(tmp_path: Path, children: Children) -> Task:
    folder = tmp_path / "run"
    folder.mkdir()
    return Task(
        env=environment("lab"),
        folder=RunFolder(path=folder),
        processes=children,  # type: ignore[arg-type]
        console=Console(machine_readable=True),
    )


def begin_traffic(task: Task) -> float:
    """Write the first line of a ledger, as of a warm-up that began a minute ago; return that time."""
    began_s = time.time() - 60.0
    line = orjson.dumps(records.write(0.0, planned_s=began_s, ended_s=began_s + 0.01))
    (task.folder.path / "ledger.jsonl").write_bytes(line + b"\n")
    return began_s


def load_from(began_s: float) -> LoadFigures:
    run_info = records.run_info(start_s=began_s + 10.0, duration_s=600.0, writes_planned=1)
    return figures.of_records(run_info, (), (), ())


def until(reached: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.02)


def timeline(task: Task) -> list[dict[str, object]]:
    path = task.folder.path / "timeline.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_freeze_is_taken_amid_the_traffic_noted_and_watched_to_the_end_of_both_merges(
    task: Task, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = time.time()
    children.says = {
        f"merge-{host}.tsv": f"{now_s - 1}\t{role}\t1\t1\n{now_s + 50}\t{role}\t7\t1\n{end_s}\t{role}\t7\t7\n"
        for host, role, end_s in (("ob-a", "PRIMARY", now_s + 60), ("ob-b", "STANDBY", now_s + 70))
    }
    monkeypatch.setattr(major_freeze, "freezer", lambda env: nullcontext(lambda: env.host("ob-a")))
    companion = MajorFreeze(task, duration_s=120.0, warm_up_s=10.0)
    with companion:
        began_s = begin_traffic(task)
        until(lambda: bool(timeline(task)))
    notes = [(note["event"], note["host"]) for note in timeline(task)]
    assert notes == [("major-freeze", "ob-a"), ("merged", "ob-a"), ("merged", "ob-b")]
    assert children.ended == 2
    found = companion.finding(load_from(began_s))
    assert found.verdict is Verdict.PASS, found
    taken_s = timeline(task)[0]["at_s"]
    assert isinstance(taken_s, float)
    assert found.figures["merge_s"] == pytest.approx(now_s + 70.0 - taken_s, abs=0.01)


def test_a_freeze_that_is_refused_proves_nothing_and_says_why(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def freeze() -> None:
        refused.append("ob-a")
        raise WorldError("ob-a: a merge is under way")

    monkeypatch.setattr(major_freeze, "freezer", lambda env: nullcontext(freeze))
    companion = MajorFreeze(task, duration_s=60.0, warm_up_s=10.0)
    with companion:
        began_s = begin_traffic(task)
        until(lambda: bool(refused))
    found = companion.finding(load_from(began_s))
    assert found.verdict is Verdict.INVALID
    assert found.reasons == ("no MAJOR FREEZE was taken: ob-a: a merge is under way",)


def test_traffic_that_never_came_is_never_frozen(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(major_freeze, "freezer", lambda env: pytest.fail("logged in"))
    with MajorFreeze(task, duration_s=60.0, warm_up_s=10.0):
        pass
    assert timeline(task) == []


@dataclass
class Session:
    """Stands for the session of the reporting user: every second report fails."""

    asked: int = 0

    def run(self, report: Report) -> list[Row]:
        self.asked += 1
        if self.asked % 2 == 0:
            raise ReportError("ob-b says 'ERROR 4012'")
        return [("QH01", *("5" for _ in range(report.columns - 1)))]

    def close(self) -> None:
        pass


def test_reports_run_in_turn_from_the_first_arrival_on_and_each_is_recorded(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, looks, of_first_line = Session(), 0, measured_start.of_first_line

    def look(line: bytes, *, warm_up_s: float) -> float | None:
        nonlocal looks
        looks += 1
        return of_first_line(line, warm_up_s=warm_up_s)

    # It is there, and nothing is in it yet.
    (task.folder.path / "ledger.jsonl").touch()
    monkeypatch.setattr(measured_start, "of_first_line", look)
    asked_for: list[tuple[DatabaseRole, DatabaseKind]] = []

    def host_with(env: object, role: DatabaseRole, database: DatabaseKind) -> str:
        asked_for.append((role, database))
        return "ob-b"

    monkeypatch.setattr(analytics, "host_with", host_with)
    monkeypatch.setattr(analytics, "ReportSession", lambda env, host, database: session)
    monkeypatch.setattr(analytics, "_AFTER_FAILURE_S", 0.01)
    with Analytics(task, on=DatabaseRole.STANDBY):
        until(lambda: looks >= 3)
        assert session.asked == 0
        begin_traffic(task)
        until(lambda: session.asked >= 6)
    assert asked_for == [(DatabaseRole.STANDBY, DatabaseKind.OCEANBASE)]
    recorded = list(report_record.read(task.folder.path))
    assert [one.name for one in recorded[:6]] == [
        "exposure by village and product",
        "movements by month and product",
        "risk by household",
        "trial balance",
        "limits against movements",
        "exposure by village and product",
    ]
    assert [one.error is None for one in recorded[:4]] == [True, False, True, False]
    assert recorded[0].counted == 5


@pytest.mark.parametrize(
    ("scenario", "asked", "kinds"),
    [
        ("journey", CompanionParameters(), []),
        ("journey", CompanionParameters(major_freeze=True), [MajorFreeze]),
        ("analytics", CompanionParameters(), [Analytics]),
        ("analytics", CompanionParameters(major_freeze=True), [Analytics, MajorFreeze]),
        ("soak", CompanionParameters(), [Soak]),
    ],
)
def test_each_scenario_has_its_company(
    task: Task, scenario: str, asked: CompanionParameters, kinds: list[type]
) -> None:
    found = asked.companions(task, scenario=scenario, duration_s=60.0, warm_up_s=10.0)
    assert [type(companion) for companion in found] == kinds


@pytest.mark.parametrize("kind", DatabaseKind)
def test_reports_are_asked_of_the_database_that_serves(task: Task, kind: DatabaseKind) -> None:
    for asked, role in (
        (CompanionParameters(), DatabaseRole.PRIMARY),
        (CompanionParameters(given={"analytics_on": "standby"}), DatabaseRole.STANDBY),
    ):
        [reports] = asked.companions(
            task, scenario="analytics", duration_s=60.0, warm_up_s=10.0, database=kind
        )
        assert isinstance(reports, Analytics)
        assert (reports._on, reports._database) == (role, kind)
