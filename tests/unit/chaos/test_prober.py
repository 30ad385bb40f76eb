"""From what a database's client prints to probes: lines as the mariadb client writes them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import orjson
import pytest

from chaos.recorders import write_probe
from chaos.recorders.write_probe import Attempts, parse
from inventory.lab import ENVIRONMENT
from inventory.places import PROJECT_ROOT
from inventory.ssh import ssh_argv
from proof.files import read_lines
from proof.record import WriteAttempt


def probe(sent_s: float, answered_s: float | None, *, accepted: bool) -> WriteAttempt:
    return WriteAttempt(host="ob-a", sent_s=sent_s, answered_s=answered_s, accepted=accepted)


def hear(attempts: Attempts, text: str, at_s: float) -> tuple[list[WriteAttempt], bool]:
    heard = [attempts.heard(line, at_s) for line in text.splitlines()]
    return [found for found, _ in heard if found is not None], any(quits for _, quits in heard)


def test_a_changed_row_is_an_accepted_write() -> None:
    attempts = Attempts("ob-a")
    assert attempts.next_write(1.0) == (
        "INSERT INTO loanstack.probe (host, n) VALUES ('ob-a', 1) ON DUPLICATE KEY UPDATE n = 1;"
        " SELECT 1, ROW_COUNT();\n"
    )
    assert not attempts.may_send(1.1)
    assert hear(attempts, "1\t1", 1.2) == ([probe(1.0, 1.2, accepted=True)], False)
    attempts.next_write(1.3)
    assert hear(attempts, "2\t2", 1.4) == ([probe(1.3, 1.4, accepted=True)], False)


REFUSED = """\
--------------
INSERT INTO loanstack.probe (host, n) VALUES ('ob-a', 1) ON DUPLICATE KEY UPDATE n = 1
--------------

ERROR 4688 (HY000) at line 2: standby is read only
1\t-1
"""
GONE = """\
--------------
INSERT INTO loanstack.probe (host, n) VALUES ('ob-a', 1) ON DUPLICATE KEY UPDATE n = 1
--------------

ERROR 2013 (HY000) at line 7: Lost connection to server during query
--------------
SELECT 1, ROW_COUNT()
--------------

ERROR 2006 (HY000) at line 7: Server has gone away
"""


def test_a_standbys_refusal_is_one() -> None:
    attempts = Attempts("ob-a")
    attempts.next_write(1.0)
    assert hear(attempts, REFUSED, 1.2) == ([probe(1.0, 1.2, accepted=False)], False)
    assert attempts.may_send(1.2)


def test_a_client_whose_database_died_is_told_to_quit() -> None:
    attempts = Attempts("ob-a")
    attempts.next_write(1.0)
    assert hear(attempts, GONE, 1.2) == ([probe(1.0, 1.2, accepted=False)], True)


def test_while_the_database_is_down_each_try_of_the_client_is_a_refusal() -> None:
    attempts = Attempts("ob-a")
    attempts.next_write(1.0)
    assert hear(attempts, "ERROR 2002 (HY000): Can't connect\ndown", 1.2)[0] == [
        probe(1.0, 1.2, accepted=False)
    ]
    assert not attempts.may_send(1.3), "it would lie in the pipe until somebody connects"
    assert hear(attempts, "down", 1.4)[0] == [probe(1.2, 1.4, accepted=False)]
    assert attempts.may_send(2.0), "silence: the client has connected"


def test_an_answer_to_a_forgotten_write_says_nothing() -> None:
    attempts = Attempts("ob-a")
    attempts.next_write(1.0)
    hear(attempts, "down", 1.2)
    assert hear(attempts, "1\t1", 5.0) == ([], False)
    attempts.next_write(5.1)
    assert hear(attempts, "1\t1\n2\t2", 5.2)[0] == [probe(5.1, 5.2, accepted=True)]


def test_a_write_that_hangs_is_waited_for_however_long() -> None:
    attempts = Attempts("ob-a")
    attempts.next_write(1.0)
    assert not attempts.may_send(20.0)
    assert hear(attempts, "1\t1", 21.0)[0] == [probe(1.0, 21.0, accepted=True)]


def test_sessions_write_rows_of_their_own_for_the_same_host() -> None:
    attempts = Attempts("ob-a", row="ob-a-patient")
    assert "VALUES ('ob-a-patient', 1)" in attempts.next_write(1.0)
    assert hear(attempts, "1\t1", 1.2)[0] == [probe(1.0, 1.2, accepted=True)]


def test_only_the_patient_session_outlasts_a_silent_host() -> None:
    host = ENVIRONMENT.host("ob-a")
    assert "ServerAliveInterval=2" in ssh_argv(ENVIRONMENT, host, "x")
    assert "ServerAliveInterval=0" in ssh_argv(ENVIRONMENT, host, "x", patient=True)


def test_a_session_that_ends_leaves_an_unanswered_write() -> None:
    attempts = Attempts("ob-a")
    attempts.next_write(1.0)
    assert attempts.gave_up() == probe(1.0, None, accepted=False)
    assert attempts.gave_up() is None


@pytest.mark.parametrize("line", ["", "down", "1", "x\t1", "1\t1\t1", "ERROR 4688 (HY000) at line 2"])
def test_other_lines_are_no_answers(line: str) -> None:
    assert parse(line) is None


PRETENDED_CLIENT = """
import sys
for line in sys.stdin:
    if line.startswith("INSERT"):
        n = line.split("SELECT ")[1].split(",")[0]
        print(f"{n}\\t{'1' if sys.argv[1] == 'ob-a' else '-1'}", flush=True)
"""


class Clock:
    """Time that passes only while somebody waits; it is over after a while."""

    def __init__(self, *, ends_s: float) -> None:
        self.now_s = 0.0
        self._ends_s = ends_s

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        self.now_s += seconds
        return self.is_set()

    def is_set(self) -> bool:
        return self.now_s >= self._ends_s


class Answering:
    """The channel to a database that accepts each write at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: list[str] = []

    def send(self, text: str) -> None:
        if text.startswith("INSERT"):
            self._lines.append(f"{text.split('SELECT ')[1].split(',')[0]}\t1")

    def read_line(self, within_s: float) -> str | None:
        if self._lines:
            return self._lines.pop()
        self._clock.wait(within_s)
        return None

    def close(self) -> None:
        """Nothing to close."""


def test_each_database_is_tried_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[WriteAttempt] = []
    for patient in (False, True):
        clock = Clock(ends_s=6.0)
        channel, stopping = Answering(clock), cast(threading.Event, clock)
        monkeypatch.setattr(write_probe, "Channel", lambda _, channel=channel: channel)
        monkeypatch.setattr(write_probe, "time", SimpleNamespace(monotonic=clock, time=clock))
        write_probe.probe_host(ENVIRONMENT, ENVIRONMENT.host("ob-a"), found.append, stopping, patient=patient)
    assert all(one.accepted for one in found)
    times = sorted(one.sent_s for one in found)
    assert (times[-1] - times[0]) / (len(times) - 1) == pytest.approx(0.1, rel=0.05)


def test_both_databases_are_tried_in_sessions_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def argv(_env: object, host: object, command: str, *, patient: bool) -> list[str]:
        assert "loanstack-db sql --force" in command
        return [sys.executable, "-c", PRETENDED_CLIENT, getattr(host, "name", "")]

    monkeypatch.setattr(write_probe, "ssh_argv", argv)
    found: list[WriteAttempt] = []
    stopping = threading.Event()
    threads = [
        threading.Thread(
            target=write_probe.probe_host,
            args=(ENVIRONMENT, ENVIRONMENT.host(name), found.append, stopping),
            kwargs={"patient": patient},
        )
        for name in ("ob-a", "ob-b")
        for patient in (False, True)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 120
    while (len(found) < 20 or len({p.host for p in found}) < 2) and time.monotonic() < deadline:
        time.sleep(0.05)
    stopping.set()
    for thread in threads:
        thread.join(timeout=120)
    accepted = {host: {p.accepted for p in found if p.host == host} for host in ("ob-a", "ob-b")}
    assert accepted == {"ob-a": {True}, "ob-b": {False}}


def test_the_program_writes_what_checkers_read_and_ends_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "probes.jsonl"
    argv = [sys.executable, "-m", "chaos.recorders.write_probe", "lab", "--out", str(out)]
    # Nobody is there to log in to: each session ends at once, and is tried again.
    going = subprocess.Popen(argv, cwd=PROJECT_ROOT, env={**os.environ, "LOANSTACK_STATE": str(tmp_path)})
    deadline = time.monotonic() + 120
    while not out.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    going.send_signal(signal.SIGTERM)
    assert going.wait(timeout=120) == 0
    assert all(not found.accepted for found in read_lines(out, WriteAttempt))


def test_probes_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "probes.jsonl"
    written = (probe(1.0, None, accepted=False), probe(2.0, 2.5, accepted=True))
    path.write_bytes(b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in written))
    assert tuple(read_lines(path, WriteAttempt)) == written
