"""Scenario `analytics`: what makes a report's answer wrong, what the reports prove, and their session."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from inventory import environment
from inventory.database_kind import DatabaseKind
from inventory.model import DatabaseRole
from loanstack.cli import load, main
from loanstack.companions import report_record, report_session
from loanstack.companions.databases import host_with
from loanstack.companions.report_record import REPORTS_FILE, Reported
from loanstack.companions.report_session import ReportError, ReportSession, counted
from loanstack.companions.reports import REPORTS, Row, balanced, used_as_moved
from processes.lines import ChannelClosedError
from proof.verdict import Verdict

START_S = 1_800_000_000.0
FEN = st.integers(0, 10**15)


@given(st.lists(st.tuples(st.sampled_from(["QH01", "QH02"]), FEN), min_size=1))
def test_a_trial_balance_of_double_entries_is_right_and_of_one_fen_less_is_not(
    entries: list[tuple[str, int]],
) -> None:
    rows: list[Row] = []
    for entity, fen in entries:
        rows += [(entity, "loan", str(fen), "0", "1"), (entity, "settlement", "0", str(fen), "1")]
    assert balanced(rows) is None
    entity, account, _, credit_fen, count = rows[-1]
    wrong = balanced([*rows[:-1], (entity, account, "1", credit_fen, count)])
    assert wrong is not None
    assert wrong.startswith(f"{entity}: debits ")


@given(FEN, st.integers(-1000, 1000))
def test_limits_use_exactly_what_was_moved(used_fen: int, off_fen: int) -> None:
    wrong = used_as_moved([("QH01", "5", "5", "2"), ("QH02", str(used_fen), str(used_fen + off_fen), "9")])
    assert (wrong is None) == (off_fen == 0)
    assert wrong is None or "QH02" in wrong


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_no_row_at_all_is_no_answer_and_each_report_is_one_statement(report: object) -> None:
    assert isinstance(report, type(REPORTS[0]))
    assert report.wrong([]) == "no row at all"
    assert ";" not in report.sql
    assert report.sql.startswith("SELECT ")


def reported(name: str, at_s: float, took_s: float = 0.5, **more: str | int) -> Reported:
    started_s = START_S + at_s
    return Reported(name=name, started_s=started_s, ended_s=started_s + took_s, **more)  # type: ignore[arg-type]


def one_of_each(at_s: float = 1.0) -> Iterator[Reported]:
    for n, report in enumerate(REPORTS):
        yield reported(report.name, at_s + n, took_s=0.1 * (n + 1), rows=4, counted=1000)


def judged(*found: Reported) -> tuple[Verdict, str, dict[str, float]]:
    finding = report_record.judge(found, from_s=START_S, until_s=START_S + 60)
    return finding.verdict, "; ".join(finding.reasons), dict(finding.figures)


def test_one_report_of_each_kind_passes() -> None:
    verdict, reasons, figures = judged(*one_of_each())
    assert (verdict, reasons) == (Verdict.PASS, "")
    assert figures["reports_completed"] == len(REPORTS)
    assert figures["report_rows_read"] == 1000 * len(REPORTS)
    assert figures["report_latency_p50_ms"] == pytest.approx(300.0)
    assert figures["report_latency_max_ms"] == pytest.approx(500.0)


@pytest.mark.parametrize("missing", [report.name for report in REPORTS])
def test_a_kind_that_never_completed_within_the_traffic_proves_nothing(missing: str) -> None:
    others = [one for one in one_of_each() if one.name != missing]
    for outside in (reported(missing, -0.1), reported(missing, 59.9), reported(missing, 61.0)):
        verdict, reasons, _ = judged(*others, outside)
        assert verdict is Verdict.INVALID
        assert missing in reasons


def test_a_wrong_answer_fails_wherever_it_lies() -> None:
    late = reported("trial balance", 65.0, wrong="QH01: debits 1 fen, credits 2 fen")
    verdict, reasons, figures = judged(*one_of_each(), late)
    assert verdict is Verdict.FAIL
    assert "debits 1 fen" in reasons
    assert figures["reports_wrong"] == 1


def test_a_report_without_an_answer_fails_and_none_with_one_proves_nothing() -> None:
    failed = reported("trial balance", 9.0, error="ob-a says 'ERROR 4012 Timeout'")
    verdict, reasons, figures = judged(*one_of_each(), failed)
    assert (verdict, figures["reports_failed"]) == (Verdict.FAIL, 1)
    assert "ERROR 4012" in reasons
    assert judged(failed)[0] is Verdict.INVALID
    assert judged()[0] is Verdict.INVALID


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert list(report_record.read(tmp_path)) == []
    every = [*one_of_each(), reported("trial balance", 9.0, error="gone", wrong=None)]  # type: ignore[arg-type]
    (tmp_path / REPORTS_FILE).write_bytes(b"".join(map(report_record.encode, every)))
    assert list(report_record.read(tmp_path)) == every


@dataclass
class Client:
    """Stands for the remote client: answers in lines, and remembers what it was told."""

    answers: list[str]
    told: list[str] = field(default_factory=list)
    closed: bool = False

    def send(self, text: str) -> None:
        if self.closed:
            raise ChannelClosedError
        self.told.append(text)

    def read_line(self, within_s: float) -> str | None:
        return self.answers.pop(0) if self.answers else None

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[Client]:
    """The clients that a session gets, in turn."""
    found: list[Client] = []
    given = iter(found)
    monkeypatch.setattr(ReportSession, "_connect", lambda self: next(given))
    return found


def session() -> ReportSession:
    env = environment("lab")
    return ReportSession(env, env.host("ob-a"))


def test_rows_end_where_the_session_says_so(clients: list[Client]) -> None:
    clients.append(Client(["QH01\t5\t5\t2", "end of report 1", "end of report 2"]))
    asked = session()
    rows = asked.run(REPORTS[-1])
    assert rows == [("QH01", "5", "5", "2")]
    assert counted(rows) == 2
    assert asked.run(REPORTS[-1]) == []
    assert len(clients[0].told) == 2


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["ERROR 4012 (HY000) at line 3: Timeout", "end of report 1"], "ERROR 4012"),
        (["QH01\t5"], "says 'QH01"),
        ([], "no whole answer within"),
    ],
)
def test_what_is_no_whole_answer_is_an_error_and_the_next_report_gets_a_new_session(
    clients: list[Client], answers: list[str], words: str
) -> None:
    clients += [Client(answers), Client(["end of report 2"])]
    asked = session()
    with pytest.raises(ReportError, match=words):
        asked.run(REPORTS[-1])
    assert clients[0].closed
    assert asked.run(REPORTS[-1]) == []


def test_the_password_is_in_no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    client = Client(["end of report 1"])

    def channel(argv: list[str]) -> Client:
        started.append(argv)
        return client

    known = type("Known", (), {"report_password": "pass-word"})
    monkeypatch.setattr(report_session, "Channel", channel)
    monkeypatch.setattr(report_session.secrets, "load", lambda path: known)
    session().run(REPORTS[0])
    assert "pass-word" not in " ".join(started[0])
    assert "--user=report" in started[0][-1]
    assert client.told[0].startswith("pass-word\nSET SESSION ob_query_timeout = 30000000;")
    assert "--port=2881" in started[0][-1]


def test_mariadb_is_asked_at_its_own_port_with_its_own_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment("lab")
    started: list[str] = []
    client = Client(["end of report 1"])
    monkeypatch.setattr(report_session, "Channel", lambda argv: started.append(argv[-1]) or client)
    known = type("Known", (), {"report_password": "pass-word"})
    monkeypatch.setattr(report_session.secrets, "load", lambda path: known)
    for role, name in ((DatabaseRole.PRIMARY, "ob-a"), (DatabaseRole.STANDBY, "ob-b")):
        host = host_with(env, role, DatabaseKind.MARIADB)
        assert host.name == name, "as it was deployed: there nobody is promoted"
    ReportSession(env, host, DatabaseKind.MARIADB).run(REPORTS[0])
    assert f"--port={env.mariadb.sql_port}" in started[0]
    assert client.told[0].startswith("pass-word\nSET SESSION max_statement_time = 30;")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--analytics-on", "standby"), "allowed: --scenario analytics"),
        (("--scenario", "analytics", "--analytics-on", "etcd"), "primary"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_happens(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.setattr(load, "run_verb", lambda *_, **__: pytest.fail("something happened"))
    done = CliRunner().invoke(main.cli, ["load", "lab", *arguments])
    assert done.exit_code == 2, done.output
    assert words in done.output
