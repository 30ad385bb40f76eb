"""Children end with us: real processes, real signals."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT
from processes import child as child_module
from processes.child import Child, CommandTimeoutError, Completed
from processes.group import Processes
from tests.unit.processes.running import DEADLINE_S, pids_in, wait_gone


def test_output_goes_to_the_log_and_line_by_line_to_the_caller(tmp_path: Path) -> None:
    lines: list[str] = []
    with Processes() as processes:
        child = processes.start(
            ["sh", "-c", "echo one; echo two >&2"], log=tmp_path / "log", on_line=lines.append
        )
        done = child.wait(DEADLINE_S)
    assert done.returncode == 0
    assert sorted(lines) == ["one", "two"]
    assert sorted((tmp_path / "log").read_text().split()) == ["one", "two"]


def test_the_log_is_whole_although_its_reader_fails_and_the_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    told: list[BaseException | None] = []

    def fail(line: str) -> None:
        given.append(line)
        raise ValueError(line)

    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))
    monkeypatch.setattr(child_module, "GROUP_GRACE_S", DEADLINE_S)
    # More than a pipe holds: without a reader the child could not end well.
    with Processes() as processes:
        done = processes.start(["seq", "30000"], log=tmp_path / "log", on_line=fail).wait(DEADLINE_S)
    assert done.returncode == 0
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(1, 30_001)]
    assert given == ["1"]
    assert [repr(error.__cause__) for error in told if error is not None] == ["ValueError('1')"]


def test_standard_output_can_be_kept_apart_from_the_log(tmp_path: Path) -> None:
    with Processes() as processes:
        done = processes.start(
            ["sh", "-c", "echo '{}'; echo noise >&2; exit 7"],
            log=tmp_path / "log",
            stdout=tmp_path / "out.json",
        ).wait(DEADLINE_S)
    assert done.returncode == 7
    assert (tmp_path / "out.json").read_text() == "{}\n"
    assert (tmp_path / "log").read_text() == "noise\n"


def test_a_deadline_ends_the_child_and_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    program = f"sleep 600 & echo $! >> {note}; echo $$ >> {note}; wait"
    with Processes() as processes:
        child = processes.start(["sh", "-c", program], log=tmp_path / "log")
        pids = pids_in(note, 2)
        with pytest.raises(CommandTimeoutError, match=r"within 0\.2 s"):
            child.wait(0.2)
        assert wait_gone(pids) == []
    assert child.process.poll() is not None


def test_a_child_that_ignores_the_request_to_end_is_killed_after_its_grace(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    program = f"trap '' TERM; echo $$ >> {note}; while :; do sleep 1; done"
    with Processes() as processes:
        child = processes.start(["sh", "-c", program], log=tmp_path / "log", grace_s=0.3)
        pids = pids_in(note, 1)
        assert child.end().returncode == -signal.SIGKILL
    assert wait_gone(pids) == []


def test_a_grandchild_that_outlives_its_parent_does_not_outlive_us(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    program = f"sleep 600 > /dev/null 2>&1 & echo $! >> {note}"
    with Processes() as processes:
        processes.start(["sh", "-c", program], log=tmp_path / "log").wait(DEADLINE_S)
    assert wait_gone(pids_in(note, 1)) == []


def test_the_leader_may_clean_up_with_its_own_children_before_they_are_ended(tmp_path: Path) -> None:
    note, proof = tmp_path / "pids", tmp_path / "helper-was-alive"
    program = (
        f"sleep 600 & helper=$!; trap 'kill -0 $helper && touch {proof}; exit 0' TERM;"
        f" echo $$ >> {note}; echo $helper >> {note}; wait"
    )
    with Processes() as processes:
        processes.start(["sh", "-c", program], log=tmp_path / "log", grace_s=DEADLINE_S)
        pids = pids_in(note, 2)
    assert proof.exists()
    assert wait_gone(pids) == []


_VICTIM = """
import sys
from pathlib import Path
from processes.group import Processes
from processes.interrupts import interrupt_on_signals

interrupt_on_signals()
note = sys.argv[1]
try:
    with Processes() as processes:
        program = f"sleep 600 & echo $! >> {note}; echo $$ >> {note}; wait"
        processes.start(["sh", "-c", program], log=Path(note + ".log")).wait(600)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_whole_group_of_every_child(tmp_path: Path, number: signal.Signals) -> None:
    note = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", _VICTIM, str(note)], cwd=PROJECT_ROOT) as command:
        pids = pids_in(note, 2)
        os.kill(command.pid, number)
        assert command.wait(DEADLINE_S) == 130
    assert wait_gone(pids) == []


def test_a_leader_is_asked_to_end_even_if_we_are_killed(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", _VICTIM, str(note)], cwd=PROJECT_ROOT) as command:
        helper, leader = pids_in(note, 2)
        command.kill()
    try:
        assert wait_gone([leader]) == []
    finally:
        os.kill(helper, signal.SIGKILL)


def test_an_impatient_second_signal_does_not_cut_the_clean_up_short(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", _VICTIM, str(note)], cwd=PROJECT_ROOT) as command:
        pids = pids_in(note, 2)
        for _ in range(5):
            os.kill(command.pid, signal.SIGINT)
        assert command.wait(DEADLINE_S) == 130
    assert wait_gone(pids) == []


def test_the_youngest_child_is_ended_first(tmp_path: Path) -> None:
    note, order = tmp_path / "pids", tmp_path / "order"
    with Processes() as processes:
        for number in range(3):
            program = (
                f"trap 'echo {number} >> {order}; exit' TERM; echo $$ >> {note}; while :; do sleep 0.05; done"
            )
            processes.start(["sh", "-c", program], log=tmp_path / "log", grace_s=DEADLINE_S)
        pids_in(note, 3)
    assert order.read_text().split() == ["2", "1", "0"]


def test_a_child_that_cannot_be_ended_does_not_keep_the_others_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = Child.end
    failing = ["2", "1"]

    def fail_once(child: Child) -> Completed:
        if child.name in failing:
            failing.remove(child.name)
            raise PermissionError(child.name)
        return end(child)

    monkeypatch.setattr(Child, "end", fail_once)
    with Processes() as processes:
        children = [processes.start(["sleep", "600"], name=str(number)) for number in range(3)]
        with pytest.raises(PermissionError, match="2"):
            processes.end_all()
        assert [child.process.returncode for child in children] == [-signal.SIGTERM, None, None]
    assert [child.process.returncode for child in children] == [-signal.SIGTERM] * 3


def test_a_copier_that_cannot_be_started_does_not_stop_the_clean_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    with Processes() as processes:
        elder = processes.start(["sleep", "600"])
        monkeypatch.setattr(threading.Thread, "start", stop)
        with pytest.raises(KeyboardInterrupt):
            processes.start(["sleep", "600"], log=tmp_path / "log", on_line=print)
    assert elder.process.returncode == -signal.SIGTERM


_BORN = """
import os, signal, subprocess, sys
from processes.group import Processes
from processes.interrupts import interrupt_on_signals
from tests.unit.processes.running import is_running

born = []

class Interrupted(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        born.append(self.pid)
        os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = Interrupted
interrupt_on_signals()
try:
    with Processes() as processes:
        processes.start(["sleep", "600"])
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGINT)  # a second one changes nothing
    sys.exit(0 if born and not is_running(born[0]) else 1)
"""


def test_a_child_that_is_born_amid_ctrl_c_is_ended_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BORN], cwd=PROJECT_ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
