"""A dialogue in lines with a process of this machine."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from processes import lines
from processes.lines import Channel, ChannelClosedError
from tests.unit.processes.running import DEADLINE_S, is_running, pids_in, wait_gone


@pytest.fixture
def channel() -> Iterator[Channel]:
    opened = Channel(["bash"])
    yield opened
    opened.close()


def test_lines_come_one_by_one_and_what_is_said_on_standard_error_too(channel: Channel) -> None:
    channel.send("echo one; echo two >&2; printf three\n")
    assert [channel.read_line(DEADLINE_S) for _ in range(2)] == ["one", "two"]
    channel.send("echo\n")
    assert channel.read_line(DEADLINE_S) == "three", "half a line is none yet"


def test_no_line_in_time_is_none_and_the_dialogue_goes_on(channel: Channel) -> None:
    assert channel.read_line(0.0) is None
    channel.send("echo here\n")
    assert channel.read_line(DEADLINE_S) == "here"


def test_an_end_of_the_other_side_is_an_error_for_who_reads_and_who_writes(channel: Channel) -> None:
    channel.send("exit\n")
    with pytest.raises(ChannelClosedError, match="the session ended"):
        channel.read_line(DEADLINE_S)
    assert channel.closed
    with pytest.raises(ChannelClosedError):
        channel.send("echo\n")
    with pytest.raises(ChannelClosedError):
        channel.read_line(DEADLINE_S)


def test_closing_ends_the_child_and_its_children(channel: Channel, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    channel.send(f"sleep 600 & echo $! >> {note}; echo $$ >> {note}; wait\n")
    pids = pids_in(note, 2)
    assert all(map(is_running, pids))
    channel.close()
    channel.close()
    assert wait_gone(pids) == []


def test_a_flood_without_the_end_of_a_line_does_not_move_the_deadline(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every look at the clock takes 0.4 s, and there is always more to read.
    ticks, reads = count(), count()

    def flood(_: int, size_bytes: int) -> bytes:
        assert next(reads) < 10
        return b"x" * size_bytes

    with monkeypatch.context() as flooded:
        flooded.setattr(lines, "time", SimpleNamespace(monotonic=lambda: 0.4 * next(ticks)))
        flooded.setattr(lines, "os", SimpleNamespace(read=flood))
        flooded.setattr(channel, "_readable", SimpleNamespace(select=lambda _: ["ready"]))
        assert channel.read_line(1.0) is None


def test_an_end_that_is_there_is_seen_at_once_also_behind_half_a_line() -> None:
    gone = Channel(["printf", "half"])
    gone._child.process.wait(DEADLINE_S)
    with pytest.raises(ChannelClosedError):
        gone.read_line(0.0)
    assert gone.closed


def test_a_line_has_a_longest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_MAX_BYTES", 200_000)
    said = "head -c 200000 /dev/zero | tr '\\0' x; echo; echo next; head -c 300000 /dev/zero; sleep 600"
    talker = Channel(["bash", "-c", said])
    assert talker.read_line(DEADLINE_S) == "x" * 200_000
    assert talker.read_line(DEADLINE_S) == "next"
    with pytest.raises(ChannelClosedError, match="over 200000 bytes"):
        talker.read_line(DEADLINE_S)
    assert talker.closed
    assert wait_gone([talker._child.process.pid]) == []
    with pytest.raises(ChannelClosedError):
        talker.read_line(0.0)


def test_a_text_that_no_pipe_holds_arrives_whole() -> None:
    counter = Channel(["bash", "-c", "head -c 300000 | wc -c"])
    try:
        counter.send("x" * 300_000, DEADLINE_S)
        assert counter.read_line(DEADLINE_S) == "300000"
    finally:
        counter.close()


def test_one_that_does_not_read_in_time_is_given_up() -> None:
    deaf = Channel(["sleep", "600"])
    deaf.send("what a pipe holds needs no reader\n", 0.0)
    with pytest.raises(ChannelClosedError, match="did not read within 0 s"):
        deaf.send("x" * 300_000, 0.0)
    assert deaf.closed
    assert wait_gone([deaf._child.process.pid]) == []


def test_sending_has_a_deadline_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(lines, "time", SimpleNamespace(monotonic=lambda: 10.0 * next(ticks)))
    deaf = Channel(["sleep", "600"])
    with pytest.raises(ChannelClosedError, match="did not read within 5 s"):
        deaf.send("x" * 300_000)
