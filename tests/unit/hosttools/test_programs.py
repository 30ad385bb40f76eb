"""Other programs: what they are told and say, and that they end in time, with all that they started."""

import os
import select
import sys
from pathlib import Path

import pytest

from hosttools import pipes, programs, waiting
from hosttools.errors import ToolError

_PATIENCE_S = 30.0
"""Only a test that fails takes it."""
_HEARD_TO_END = "sleep 1000 & echo ready; wait"
_DEAF = "trap '' TERM; sleep 1000 & trap - TERM; echo ready; wait"


class Ended(BaseException):
    """A signal that ends the tool."""


@pytest.mark.parametrize("script", [_HEARD_TO_END, _DEAF])
@pytest.mark.parametrize("failure", [None, Ended])
def test_the_children_of_a_script_end_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, failure: type[BaseException] | None
) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    read, over = pipes._read_into, []

    def said(*arguments: object) -> bool:
        if failure is not None:
            raise failure
        over.append(True)
        return read(*arguments)  # type: ignore[arg-type] # passed on as they are

    monkeypatch.setattr(pipes, "_read_into", said)
    monkeypatch.setattr(waiting, "now_s", lambda: 1e9 if over else 0.0)
    with pytest.raises(failure or ToolError):
        programs.run(("sh", "-c", f"exec 9>{held}; {script}"), limit_s=1000.0, with_children=True)
    # At the end of the file, nobody who inherited it is left.
    assert select.select([reader], [], [], _PATIENCE_S)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_program_that_is_no_script_stays_in_the_group_that_the_agent_ends() -> None:
    group = "import os; print(os.getpgrp())"
    own = programs.run((sys.executable, "-c", group), limit_s=_PATIENCE_S).output
    assert int(own) == os.getpgrp()
    other = programs.run((sys.executable, "-c", group), limit_s=_PATIENCE_S, with_children=True).output
    assert int(other) != os.getpgrp()


def test_a_long_output_is_cut_and_says_so() -> None:
    ended = programs.run(("sh", "-c", "yes | head -c 3000000; echo short >&2"), limit_s=_PATIENCE_S)
    assert ended.succeeded
    kept, note = ended.output[: pipes.LARGEST_OUTPUT_BYTES], ended.output[pipes.LARGEST_OUTPUT_BYTES :]
    assert kept == "y\n" * (pipes.LARGEST_OUTPUT_BYTES // 2)
    assert note == "\n[cut here: it wrote more than 1048576 bytes]"
    assert ended.errors == "short\n"


def test_an_output_of_just_the_length_is_not_cut() -> None:
    command = ("head", "-c", str(pipes.LARGEST_OUTPUT_BYTES), "/dev/zero")
    assert len(programs.run(command, limit_s=_PATIENCE_S).output) == pipes.LARGEST_OUTPUT_BYTES


def test_a_program_that_never_stops_writing_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(1000))
    monkeypatch.setattr(waiting, "now_s", lambda: float(next(looks)))
    with pytest.raises(ToolError, match="yes did not end within 20 s"):
        programs.run(("yes",), limit_s=20.0)


def test_a_long_text_is_told_to_who_reads_it_and_to_nobody_else() -> None:
    text = "0123456789abcde\n" * 40_000
    assert programs.run(("cat",), limit_s=_PATIENCE_S, stdin=text).output == text
    assert programs.run(("true",), limit_s=_PATIENCE_S, stdin=text * 4).succeeded


@pytest.mark.parametrize(
    ("user", "said"), [("no-such-user", "its user is 'no-such-user'"), (None, "No such")]
)
def test_what_cannot_be_started_is_said(user: str | None, said: str) -> None:
    with pytest.raises(ToolError, match=f"no-such-program: {said}"):
        programs.run(("no-such-program",), limit_s=1.0, user=user)
