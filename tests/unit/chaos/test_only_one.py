"""The lock of a drill says who holds it; whoever is told to end heals before the lock is free again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.engine.only_one import DrillNotEndedError, DrillRunningError, only_drill, stop_running

HOLDER = """
import signal, sys, time
from pathlib import Path
from chaos.engine.only_one import only_drill

class Told(Exception):
    pass

def told(*_):
    raise Told

signal.signal(signal.SIGTERM, told if sys.argv[2] == "heals" else signal.SIG_IGN)
with only_drill(Path(sys.argv[1])):
    try:
        print("held", flush=True)
        while True:
            time.sleep(60)
    except Told:
        Path(sys.argv[1]).with_name("healed").touch()
"""


def holder(path: Path, how: str) -> "subprocess.Popen[str]":
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_lock_names_its_holder_also_to_those_who_were_refused(tmp_path: Path) -> None:
    path = tmp_path / "drill.lock"
    with only_drill(path):
        for _ in range(2):
            says = f"process {os.getpid()}; .*drill.lock is locked"
            with pytest.raises(DrillRunningError, match=says), only_drill(path):
                pass
    with only_drill(path):
        pass


def test_a_drill_that_is_stopped_heals_before_the_command_returns(tmp_path: Path) -> None:
    path = tmp_path / "drill.lock"
    with holder(path, "heals") as process:
        assert stop_running(path, within_s=200.0) == process.pid
        assert (tmp_path / "healed").exists()
        process.wait(200)
    assert stop_running(path, within_s=0.0) is None


def test_where_none_runs_nobody_is_told_anything(tmp_path: Path) -> None:
    assert stop_running(tmp_path / "drill.lock", within_s=0.0) is None
    (tmp_path / "drill.lock").write_text("1\n")
    assert stop_running(tmp_path / "drill.lock", within_s=0.0) is None


def test_nobody_is_told_to_end_while_the_lock_does_not_say_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "drill.lock"
    told: list[int] = []
    monkeypatch.setattr("chaos.engine.only_one.os.kill", lambda pid, _signal: told.append(pid))
    with only_drill(path):
        path.write_text("")
        with pytest.raises(DrillNotEndedError, match="process unknown"):
            stop_running(path, within_s=0.0)
    assert told == []
    assert path.read_text() == ""


def test_one_that_does_not_end_is_named(tmp_path: Path) -> None:
    path = tmp_path / "drill.lock"
    with holder(path, "ignores") as process:
        with pytest.raises(DrillNotEndedError, match=f"process {process.pid} still heals"):
            stop_running(path, within_s=0.0)
        process.send_signal(signal.SIGKILL)
