"""The page about a run: everything in it, nothing from outside, nothing unescaped."""

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from inventory.drill_slo import DrillSlo
from loanstack.report import drawings, roles
from loanstack.report.page import heading, render, write_report
from loanstack.report.reading import Run, read
from loanstack.runs.folder import Results, RunFolder, RunFolderError
from proof import promised
from proof.titles import shown, title
from proof.verdict import Verdict
from tests.unit.loadtests import records
from tests.unit.loanstack import example

REACHING = {"src", "href", "action", "data", "poster", "srcset", "xlink:href"}
VOID = {"meta", "line", "circle", "path", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks that every element is closed, and collects attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A whole `prove` run, written once."""
    return example.prove(tmp_path_factory.mktemp("runs") / "2026-11-23T222000Z-prove")


@pytest.fixture(scope="module")
def html(folder: RunFolder) -> str:
    return write_report(folder.path).read_text()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    parsed = Page()
    parsed.feed(html)
    return parsed


def test_every_figure_of_every_run_is_on_the_page(folder: RunFolder, html: str) -> None:
    for run in read(folder.path).all():
        for name, value in run.results.figures.items():
            assert f"<code>{name}</code>" in html
            assert shown(name, value) in html
            assert title(name) in html


def test_every_element_is_closed(page: Page) -> None:
    assert page.open == []


def test_the_page_needs_no_network_and_no_script(html: str, page: Page) -> None:
    reaching = [
        (tag, name, value)
        for tag, name, value in page.attributes
        if name in REACHING and not value.startswith("#")
    ]
    assert reaching == []
    assert not page.tags & {"script", "link", "iframe", "img", "object", "embed"}
    assert not re.search(r"url\(|@import|https?://", html)


def test_links_inside_the_page_lead_somewhere(page: Page) -> None:
    ids = {value for _, name, value in page.attributes if name == "id"}
    targets = {value[1:] for _, name, value in page.attributes if name == "href"}
    assert targets
    assert targets <= ids


def test_text_from_files_is_escaped(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run")
    evil = "<script>alert('x')</script><img src=x onerror=y>"
    results = folder.read_results()
    folder.write_results(replace(results, reasons=(evil,)))
    drill = RunFolder(path=folder.path / "5-drill-primary-crash")
    drill.write_json("drill.json", {"name": evil, "fault": evil, "hypothesis": [evil], "heal": evil})
    drill.write_json(
        "findings.json",
        [{"name": evil, "verdict": "FAIL", "reasons": [evil], "figures": {}, "listed": [{evil: evil}]}],
    )
    html = write_report(folder.path).read_text()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_verdicts_come_first_and_say_what_was_broken(html: str) -> None:
    assert html.index("<h2>Verdicts") < html.index("<h2>Topology") < html.index("<h2>Deploy and validation")
    assert "badge fail" in html[: html.index("<h2>")]
    assert "Host tests failed: 1; promised: at most 0" in html


def test_invalid_is_never_shown_as_pass(tmp_path: Path) -> None:
    html = write_report(example.prove(tmp_path / "run", load_verdict=Verdict.INVALID).path).read_text()
    section = html[html.index('<h3 id="4-load"') :][:400]
    assert "badge invalid" in section
    assert "badge pass" not in section
    assert "the load generator was busier" in section


@pytest.mark.parametrize(
    ("name", "words"),
    [("2026-11-23T231155Z-load", "Load"), ("4-load", "Load"), ("3-x/2-deploy-again", "Deploy again")],
)
def test_runs_are_called_by_what_they_do(name: str, words: str) -> None:
    assert (
        heading(Run(name=name, results=Results(verb="load", environment="lab", verdict=Verdict.PASS)))
        == words
    )


def test_repeats_are_told_apart_by_their_numbers(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run")
    (folder.path / "5-drill-primary-crash").rename(folder.path / "5-drill-poweroff")
    children = ("5-drill-poweroff", "6-drill-poweroff")
    folder.write_results(replace(folder.read_results(), children=children))
    html = write_report(folder.path).read_text()
    assert "Drill poweroff, run 5" in html
    assert "Drill poweroff, run 6" in html


def test_every_missing_write_is_listed(folder: RunFolder, html: str) -> None:
    listed = json.loads((folder.path / "6-drill-poweroff" / "findings.json").read_text())[0]["listed"]
    assert len(listed) == 4
    assert all(row["key"] in html for row in listed)


def test_stand_ins_versions_hashes_and_chinese_names_are_there(html: str) -> None:
    for text in ("Kylin V10 SP3 stand-in", "西宁农商银行", "0a" * 32, "1.4.0.post1", "c2d9ab8", "2 cores"):
        assert text in html


def test_the_error_budget_is_told_in_requests_and_seconds(html: str) -> None:
    assert "Error budget" in html
    row = html[html.index('<th scope="row">No error</th>') :]
    assert row.index(">none<") < row.index("</tr>")
    row = html[html.index('<th scope="row">Latency p99, from the planned start</th><td class="num">24') :]
    assert row.index(">25 %<") < row.index("</tr>")
    assert "were seen: 3 of 60." in html


def test_the_processor_time_of_a_transaction_is_drawn_by_component(html: str) -> None:
    picture = html[html.index("Processor time by component") :]
    assert "one acknowledged transaction: 1.41 ms" in picture
    assert "database ob-a: 0.610 ms" in picture
    assert "load generator" in picture


def test_faults_are_marked_in_every_chart_of_a_drill(html: str) -> None:
    drill = html[html.index('<h3 id="5-drill-primary-crash"') : html.index('<h3 id="6-drill-poweroff"')]
    *charts, of_roles = drill.split("<svg")[1:]
    assert len(charts) == 3
    assert 'aria-label="Roles over time"' in of_roles
    for chart in charts:
        for mark in ("fault", "first error", "promoted", "recovered", "heal"):
            assert f">{mark}</text>" in chart


def test_the_same_files_make_the_same_page_but_for_its_date(folder: RunFolder, html: str) -> None:
    again = write_report(folder.path).read_text()
    undated = r"Made by loanstack on [0-9: -]+ UTC"
    assert re.sub(undated, "", again) == re.sub(undated, "", html)


def test_a_run_with_nothing_but_results_still_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(
        json.dumps({"verb": "load", "environment": "lab", "verdict": "INVALID", "reasons": ["interrupted"]})
    )
    html = write_report(tmp_path).read_text()
    assert "interrupted" in html
    assert "badge invalid" in html


def test_a_damaged_ledger_is_named_with_its_line(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run")
    ledger = folder.path / "4-load" / "ledger.jsonl"
    ledger.write_text(ledger.read_text() + '{"key": "cut o')
    with pytest.raises(RunFolderError, match=r"ledger\.jsonl line 2401"):
        write_report(folder.path)


def test_a_load_of_several_workers_shows_each_and_its_cpu(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run").path
    load_json = folder / "4-load" / "load.json"
    workers = [
        asdict(records.worker(1, cpu_percent=12.5)),
        asdict(records.worker(2, cpu_percent=37.5, lateness_p99_ms=None, lost="was killed by SIGKILL")),
    ]
    load_json.write_text(json.dumps({**json.loads(load_json.read_text()), "workers": workers}))
    html = write_report(folder).read_text()
    assert "Load generator, 2 workers" in html
    table = html.split('<table class="workers">')[1].split("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in table.split("<tr")[2:]]
    assert rows == [
        ["1", "12.5", "30 MiB", "20", "2 ms", "0.0100 ms", "whole"],
        ["2", "37.5", "30 MiB", "20", "– ms", "0.0100 ms", "was killed by SIGKILL"],
    ]


def test_a_child_outside_the_run_folder_is_refused(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run")
    folder.write_results(replace(folder.read_results(), children=("../../etc",)))
    with pytest.raises(RunFolderError, match="inside the run folder"):
        write_report(folder.path)


def test_recovery_times_are_shown_as_a_distribution_with_their_parts(html: str, page: Page) -> None:
    drills = html[html.index("<h2>Drills") :]
    assert "primary-crash: p50 1.81 s, p95 1.81 s, max 1.81 s (1 run)" in drills
    assert drills.count('class="dot run"') == 2
    rows = drills[drills.index('<table class="rto">') :]
    for part in ("detect", "decide", "fence", "promote", "reroute", "recover"):
        assert f'<th scope="col" class="num">{part}</th>' in rows
    assert "Two primaries" in rows


def test_the_history_of_roles_is_drawn_and_listed(html: str) -> None:
    drill = html[html.index('<h3 id="5-drill-primary-crash"') : html.index('<h3 id="6-drill-poweroff"')]
    assert "ob-a: PRIMARY, 0.0 to 20.0 s" in drill
    assert "ob-a: no answer, 20.0 to" in drill
    assert "ob-b: STANDBY, 0.0 to 23.0 s" in drill
    listed = drill[drill.index("<h4>Role history") :]
    assert "0.000 s</td><td>fault</td><td>ob-a</td><td>kill -9" in listed
    assert "<td>promoted</td><td>ob-b</td>" in listed


def test_many_repeats_are_told_by_their_distribution_alone() -> None:
    done = [
        Run(
            name=f"{n}-primary-crash",
            results=Results(
                verb="drill",
                environment="lab",
                verdict=Verdict.PASS,
                figures={"rto_ms": 1000.0 + n, "rto_detect_ms": 500.0, "rto_recover_ms": 500.0 + n},
            ),
            drill={"name": "primary-crash"},
        )
        for n in range(20)
    ]
    assert drawings.rto_bars(done) is None
    assert drawings.rto_bars(done[:3]) is not None
    drawn = drawings.rto_strips(done)
    assert drawn is not None
    assert "p50 1.01 s, p95 1.02 s, max 1.02 s (20 runs)" in drawn
    assert drawings.rto_strips([]) is None


def _repeat(number: int, verdict: Verdict) -> Run:
    return Run(
        name=f"{number}-primary-crash",
        results=Results(
            verb="drill",
            environment="lab",
            verdict=verdict,
            figures={"rto_ms": 700.0 + number, "acknowledged_lost": 2, "errors": 3},
        ),
        objectives=promised.of_drill(DrillSlo(), "primary-crash", may_lose=True),
    )


def test_of_many_repeats_those_that_passed_take_a_line_and_open_when_asked() -> None:
    done = (_repeat(1, Verdict.PASS), _repeat(2, Verdict.PASS), _repeat(3, Verdict.FAIL))
    together = Results(
        verb="drill",
        environment="lab",
        verdict=Verdict.FAIL,
        figures={"rto_ms_p95": 703.0, "rto_ms_max": 703.0},
    )
    judged_by = promised.of_repeats(DrillSlo(), "primary-crash", may_lose=True, repeats=20)
    html = render(Run(name="x-drill", results=together, objectives=judged_by, children=done))
    verdicts = html[: html.index("<h2>Drills</h2>")]
    assert verdicts.index("RTO p95 over the repeats") < verdicts.index("Primary crash, run 1")
    assert "Drill, 3 runs together" in verdicts
    assert verdicts.count('<tr class="brief">') == 2
    assert "RTO 701 ms, 2 missing, 3 errors" in verdicts
    assert html.count("<details>") == html.count("</details>") == 2
    assert '<tr class="group"><th scope="rowgroup" colspan="3"><a href="#3-primary-crash">' in verdicts


def test_roles_end_where_the_picture_does_and_events_begin_with_the_fault() -> None:
    samples = [{"at_s": float(n), "roles": {"a": "PRIMARY" if n < 3 else None}} for n in range(10)]
    found = roles.role_intervals(samples, start_s=1.0, end_s=5.0)
    assert [(r.role, r.from_s, r.until_s) for r in found] == [
        ("PRIMARY", 0.0, 2.0),
        ("no answer", 2.0, 5.0),
    ]
    assert roles.role_intervals([], start_s=0.0, end_s=5.0) == ()
    assert roles.role_intervals([{"at_s": 1.0}], start_s=0.0, end_s=5.0) == (), "an older record has no roles"
    timeline = [
        {"at_s": 5.0, "event": "promoted", "host": "a"},
        {"at_s": 9.0, "event": "promoted", "host": "b", "detail": "epoch 2: device"},
        {"at_s": 7.0, "event": "fault", "host": "a"},
        {"at_s": 8.0, "event": "load-stopped"},
    ]
    assert [(e.after_fault_s, e.event, e.host) for e in roles.events(timeline)] == [
        (0.0, "fault", "a"),
        (2.0, "promoted", "b"),
    ]
    assert roles.events(timeline[:1]) == ()
