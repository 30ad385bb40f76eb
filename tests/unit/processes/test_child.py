"""One child: where it lives, what it leaves, and how it says that it ended."""

import os
import signal
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT
from processes import child as module
from processes.child import Child, Completed
from processes.group import Processes
from tests.unit.processes.running import DEADLINE_S, is_running, wait_gone


def test_a_child_has_a_session_of_its_own_which_ctrl_c_does_not_reach() -> None:
    child = Child(["sleep", "600"])
    try:
        assert os.getsid(child.process.pid) == child.process.pid
    finally:
        child.end()


def test_a_child_runs_in_the_projects_root_with_our_variables_and_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OURS", "ours")
    done = Child(["sh", "-c", "pwd; echo $OURS $OWN"], env={"OWN": "own"}).wait(DEADLINE_S)
    assert done.stdout.splitlines() == [str(PROJECT_ROOT), "ours own"]


@pytest.mark.parametrize(("outlives_us", "sent"), [(False, "TERM"), (True, "[none]")])
def test_the_kernel_ends_a_child_with_us_unless_it_is_to_outlive_us(outlives_us: bool, sent: str) -> None:
    done = Child(["setpriv", "--dump"], outlives_us=outlives_us).wait(DEADLINE_S)
    assert f"Parent death signal: {sent}\n" in done.stdout


def test_what_is_left_by_a_child_that_outlives_us_stays() -> None:
    done = Child(["sh", "-c", "sleep 600 >&- 2>&- & echo $!"], outlives_us=True).wait(DEADLINE_S)
    left = int(done.stdout)
    assert is_running(left)
    os.kill(left, signal.SIGKILL)
    assert wait_gone([left]) == []


def test_its_output_comes_with_its_end_however_much_it_is() -> None:
    child = Child(["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo no >&2; exit 3"])
    done = child.wait(DEADLINE_S)
    assert (done.returncode, len(done.stdout), done.stderr) == (3, 300_000, "no\n")
    assert child.ended() == child.end() == done, "the same, as often as it is asked for"
    assert not child.was_killed


def test_its_output_is_not_lost_to_an_interrupt_while_it_is_collected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(**_: object) -> Completed:
        raise KeyboardInterrupt

    child = Child(["sh", "-c", "echo yes; echo no >&2"])
    with monkeypatch.context() as stopping:
        stopping.setattr(module, "Completed", stop)
        with pytest.raises(KeyboardInterrupt):
            child.wait(DEADLINE_S)
    done = child.end()
    assert (done.stdout, done.stderr) == ("yes\n", "no\n")


def test_a_child_that_runs_has_not_ended() -> None:
    child = Child(["sleep", "600"])
    assert child.ended() is None
    assert child.ended_because() is None
    assert child.end().returncode == -signal.SIGTERM
    assert not child.was_killed
    assert child.ended_because() == "'sleep 600' was ended by signal 15 and said 'nothing'"


class Ending:
    """A process that ends at a moment of a clock that only its waiting moves."""

    returncode = 0

    def __init__(self, pid: int, ends_s: float) -> None:
        self.pid = pid
        self.now_s = 0.0
        self._ends_s = ends_s

    def poll(self) -> int | None:
        return 0 if self.now_s >= self._ends_s else None

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def monotonic(self) -> float:
        return self.now_s


@pytest.mark.parametrize("ends_s", [0.01, 0.3, 2.0])
def test_an_end_is_seen_when_it_comes_and_not_much_later(
    ends_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Child(["true"])
    ended.process.wait()
    ending = Ending(ended.process.pid, ends_s)
    monkeypatch.setattr(module, "time", ending)
    monkeypatch.setattr(ended, "process", ending)
    assert ended.ended(ends_s / 2) is None
    assert ending.now_s == pytest.approx(ends_s / 2)
    assert ended.ended(60.0) is not None
    assert ending.now_s <= 1.02 * ends_s + 0.001


def test_a_child_with_a_log_says_why_it_ended_by_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 1000)
    with Processes() as processes:
        child = processes.start(["sh", "-c", "echo no customers are seeded; exit 2"], name="load", log=log)
        child.wait(DEADLINE_S)
        said = str(child.ended_because())
    assert said.startswith("load ended with 2 and said 'xxx")
    assert said.endswith(f"no customers are seeded' (all of it: {log})")
    assert len(said) < 600


@pytest.mark.parametrize(
    ("done", "sentence"),
    [
        (
            Completed(returncode=1, seconds=0.1, stdout="much\n", stderr=" no \n"),
            "it ended with 1 and said 'no'",
        ),
        (Completed(returncode=1, seconds=0.1, stdout="only this\n"), "it ended with 1 and said 'only this'"),
        (Completed(returncode=-9, seconds=0.1), "it was ended by signal 9 and said 'nothing'"),
    ],
)
def test_an_end_is_a_sentence_with_the_last_words(done: Completed, sentence: str) -> None:
    assert done.sentence("it") == sentence
