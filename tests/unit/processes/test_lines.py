"""A dialogue in lines with a process of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
