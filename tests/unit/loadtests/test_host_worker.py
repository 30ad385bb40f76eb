"""The keeper of a worker on a host: it hands orders on, and ends the worker when they end."""

import fcntl
import io
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests.results.run_info import LOAD_FILE
from loadtests.workers import fingerprint, supervisor
from proof.files import LEDGER_FILE

CAT = ("cat",)
DEAF = (sys.executable, "-c", "import time; time.sleep(600)")
WITHIN_S = 120.0
"""For what comes at once, if the machine is not starved."""


class Kept:
    """A child under its keeper, which reads its orders from a pipe."""

    def __init__(self, argv: tuple[str, ...], *, end_within_s: float = WITHIN_S) -> None:
        read, self.write = os.pipe()
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.status: int | None = None
        self.read = read
        self.thread = threading.Thread(target=self._keep, args=(end_within_s,))
        self.thread.start()

    def _keep(self, end_within_s: float) -> None:
        self.status = supervisor.keep(self.child, self.read, end_within_s=end_within_s)

    def order(self, text: str) -> None:
        os.write(self.write, text.encode())

    def ended(self) -> tuple[int | None, bytes]:
        """Wait for the end; return how the child ended and what it had heard."""
        self.thread.join(WITHIN_S)
        assert not self.thread.is_alive()
        assert self.child.stdout is not None
        heard = self.child.stdout.read()
        self.child.stdout.close()
        os.close(self.read)
        return self.status, heard


def test_orders_are_handed_on_and_their_end_is_the_workers():
    kept = Kept(CAT)
    kept.order('{"order":"clock"}\n{"order":')
    kept.order('"start","at_s":1.0}\n')
    os.close(kept.write)
    assert kept.ended() == (0, b'{"order":"clock"}\n{"order":"start","at_s":1.0}\n')


def test_a_control_machine_that_says_nothing_is_gone(monkeypatch, capfd):
    now_s = 0.0
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: now_s))
    kept = Kept(CAT)
    assert kept.child.stdout is not None
    for _ in range(5):
        now_s += supervisor.SILENT_S - 0.1
        kept.order('{"order":"alive"}\n')
        assert kept.child.stdout.readline() == b'{"order":"alive"}\n', "it is handed on"
        assert kept.thread.is_alive()
    now_s += supervisor.SILENT_S + 0.1
    assert kept.ended() == (0, b"")
    os.close(kept.write)
    assert "has said nothing for 5 s" in capfd.readouterr().err


def test_a_worker_that_ends_is_heard_of_at_once():
    kept = Kept((sys.executable, "-c", "raise SystemExit(7)"))
    assert kept.ended()[0] == 7
    os.close(kept.write)


def test_a_worker_that_would_not_end_is_killed():
    kept = Kept(DEAF, end_within_s=0.3)
    os.close(kept.write)
    assert kept.ended()[0] == -9


def test_one_that_hangs_is_killed_when_that_is_the_order():
    kept = Kept(DEAF, end_within_s=500.0)
    kept.order('{"order":"kill"}\n')
    assert kept.ended()[0] == -9
    os.close(kept.write)


def asked(folder: Path, *words: str) -> int:
    return supervisor.main(["--folder", str(folder), "--ca-dir", "/etc/loanstack", *words])


def test_another_version_is_refused_and_ours_is_not(tmp_path, capfd):
    assert asked(tmp_path, "check", "--version", fingerprint.of_code()) == 0
    assert capfd.readouterr().err == ""
    assert asked(tmp_path, "check", "--version", "of last year") == supervisor.USAGE
    assert "the control machine of last year: they would plan differently" in capfd.readouterr().err


def test_one_load_at_a_time(tmp_path, capfd):
    with (tmp_path / "2.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert asked(tmp_path, "work", "--version", fingerprint.of_code(), "--slot", "2") == supervisor.USAGE
    assert "makes another load right now" in capfd.readouterr().err
    assert not (tmp_path / "2").exists()


def test_a_record_is_sent_as_far_as_it_goes_and_only_once_the_worker_has_ended(tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / LEDGER_FILE).write_text("{}\n")
    (tmp_path / "1" / "locust.conf").write_text("of no concern")
    assert sent(tmp_path, monkeypatch) == (0, {LEDGER_FILE: b"{}\n"})
    (tmp_path / "1" / LOAD_FILE).write_text("{}")
    assert list(sent(tmp_path, monkeypatch)[1]) == [LEDGER_FILE, LOAD_FILE]
    monkeypatch.setattr(supervisor, "_RECORD_WITHIN_S", 0.3)
    with (tmp_path / "1.lock").open("w") as worker:
        fcntl.flock(worker, fcntl.LOCK_EX)
        assert sent(tmp_path, monkeypatch) == (supervisor.FAILED, {})


def sent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, bytes]]:
    """Ask for the record of slot 1; return the exit code and the files in the tarball."""
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    code = asked(folder, "record", "--slot", "1")
    data = stdout.buffer.getvalue()  # type: ignore[attr-defined]
    if not data:
        return code, {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return code, {member.name: tar.extractfile(member).read() for member in tar}


def test_the_fingerprint_follows_names_and_contents_of_modules(tmp_path):
    (tmp_path / "a" / "__pycache__").mkdir(parents=True)
    (tmp_path / "a" / "one.py").write_text("1")
    first = fingerprint.of_packages(tmp_path / "a")
    (tmp_path / "a" / "__pycache__" / "one.pyc").write_text("noise")
    (tmp_path / "a" / "requirements.lock").write_text("noise")
    assert fingerprint.of_packages(tmp_path / "a") == first
    (tmp_path / "a" / "one.py").rename(tmp_path / "a" / "two.py")
    second = fingerprint.of_packages(tmp_path / "a")
    (tmp_path / "a" / "two.py").write_text("2")
    assert len({first, second, fingerprint.of_packages(tmp_path / "a")}) == 3
