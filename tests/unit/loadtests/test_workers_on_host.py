"""What a host of role loadgen answers: whether a load may begin, and what a worker recorded."""

import io
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.results.run_info import LOAD_FILE
from loadtests.workers import fingerprint, on_host
from proof.exits import ExitCode
from proof.files import LEDGER_FILE


def idle(_unit: str) -> bool:
    return False


def test_another_version_is_refused_and_ours_is_not():
    assert on_host.refusal(fingerprint.of_code(), is_active=idle) is None
    told = on_host.refusal("of last year", is_active=idle)
    assert told is not None
    assert "the control machine of last year: they would plan differently" in told


def test_one_load_at_a_time():
    asked = []
    told = on_host.refusal(fingerprint.of_code(), is_active=lambda unit: not asked.append(unit))
    assert told == "makes another load right now; wait for its end"
    assert asked == ["loanstack-load@*.service"], "any slot"


def test_the_answer_is_an_exit_code_and_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(on_host, "unit_is_active", idle)
    assert on_host.main(["--folder", str(tmp_path), "check", "--version", fingerprint.of_code()]) == 0
    assert capsys.readouterr().err == ""
    assert on_host.main(["--folder", str(tmp_path), "check", "--version", "another"]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("load: ")


def test_a_record_is_sent_as_far_as_it_goes(tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / LEDGER_FILE).write_text("{}\n")
    (tmp_path / "1" / "locust.conf").write_text("of no concern")
    assert sent(tmp_path, monkeypatch) == (ExitCode.PASS, {LEDGER_FILE: b"{}\n"})
    (tmp_path / "1" / LOAD_FILE).write_text("{}")
    assert list(sent(tmp_path, monkeypatch)[1]) == [LEDGER_FILE, LOAD_FILE]


def test_a_record_is_sent_once_the_worker_has_ended(tmp_path, monkeypatch, capsys):
    (tmp_path / "1").mkdir()
    monkeypatch.setattr(on_host, "_LOOK_EVERY_S", 0.0)
    asked: list[str] = []
    ended_at_the_third = lambda unit: len(asked) < 2 and not asked.append(unit)  # noqa: E731
    assert sent(tmp_path, monkeypatch, ended_at_the_third)[0] == ExitCode.PASS
    assert asked == ["loanstack-load@1.service"] * 2
    monkeypatch.setattr(on_host, "_ENDED_WITHIN_S", 0.0)
    assert sent(tmp_path, monkeypatch, lambda _unit: True) == (ExitCode.FAIL, {})
    assert "the worker has not ended within 0 s" in capsys.readouterr().err


def sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, is_active: Callable[[str], bool] = idle
) -> tuple[int, dict[str, bytes]]:
    """Ask for the record of slot 1; return the exit code and the files in the tarball."""
    stdout = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stdout)
    code = on_host.record_of(folder, 1, is_active=is_active)
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
