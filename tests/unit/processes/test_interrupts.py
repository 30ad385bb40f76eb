"""Ctrl-C at awkward moments: real signals, sent by us to us, so that each falls where the test says."""

import signal
import threading
from collections.abc import Iterator

import pytest

from processes import group, interrupts
from processes.child import Child, Completed
from processes.group import Processes
from processes.interrupts import interrupt_on_signals, interrupts_held
from processes.lines import Channel
from tests.unit.processes.running import DEADLINE_S, wait_gone

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be a command that has just begun."""
    for name, value in (("holders", 0), ("waiting", False), ("raised", False)):
        monkeypatch.setattr(interrupts._Interrupts, name, value)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    interrupt_on_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def interrupted_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a Ctrl-C come whenever a child is about to be ended."""
    end = Child.end

    def interrupted(child: Child) -> Completed:
        signal.raise_signal(signal.SIGINT)
        return end(child)

    monkeypatch.setattr(Child, "end", interrupted)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_one_interrupt_and_no_second(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    for again in SIGNALS:
        signal.raise_signal(again)


def test_an_interrupt_waits_for_the_end_of_the_outermost_block_that_holds_it() -> None:
    done: list[str] = []

    def work() -> None:
        with interrupts_held():
            with interrupts_held():
                signal.raise_signal(signal.SIGINT)
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]
    with interrupts_held():
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_not_lost_in_a_block_that_fails() -> None:
    def fail() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("no such program")

    with pytest.raises(KeyboardInterrupt) as stopped:
        fail()
    assert isinstance(stopped.value.__context__, ValueError)


def test_another_thread_holds_nothing_back_and_takes_nothing_away() -> None:
    inside, leave = threading.Event(), threading.Event()
    left: list[bool] = []

    def hold() -> None:
        with interrupts_held():
            inside.set()
            leave.wait(DEADLINE_S)
        left.append(True)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(DEADLINE_S)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        leave.set()
        thread.join()
    assert left == [True]


@pytest.mark.usefixtures("interrupted_ends")
def test_an_interrupt_amid_the_clean_up_leaves_no_child_and_is_raised_after_it() -> None:
    processes = Processes()
    children = [processes.start(["sleep", "600"]) for _ in range(3)]
    with pytest.raises(KeyboardInterrupt):
        processes.end_all()
    assert [child.process.returncode for child in children] == [-signal.SIGTERM] * 3


def test_an_interrupt_just_before_the_clean_up_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> object:
        monkeypatch.setattr(group, "interrupts_held", interrupts_held)
        raise KeyboardInterrupt

    processes = Processes()
    child = processes.start(["sleep", "600"])
    monkeypatch.setattr(group, "interrupts_held", interrupted)
    with pytest.raises(KeyboardInterrupt), processes:
        pass
    assert child.process.returncode == -signal.SIGTERM


@pytest.mark.usefixtures("interrupted_ends")
def test_an_interrupt_amid_the_closing_of_a_channel_waits_for_its_end() -> None:
    channel = Channel(["sleep", "600"])
    with pytest.raises(KeyboardInterrupt):
        channel.close()
    assert wait_gone([channel._child.process.pid]) == []
