"""How far the clocks of all hosts are from this machine's, asked over SSH before and after a run.

A session takes a tenth of a second to open, and an answer over an open one a few milliseconds: each host is
asked several times over one session, and the quickest answer says most.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from inventory.model import Environment
from inventory.ssh import ssh_argv
from processes.lines import Channel, ChannelClosedError
from proof.clocks import ClockReading, Offset, offset
from proof.files import CLOCKS_FILE
from proof.record import HostClock, Moment

QUESTIONS = 9
_ANSWERS_WITHIN_S = 5.0
"""For one answer; the first one waits for the session too."""
_TELL_TIME = "while read -r _; do date +%s.%N; done"


def record_clocks(
    env: Environment, folder: Path, moment: Moment, *, now_s: Callable[[], float] = time.time
) -> None:
    """Ask every host of `env` for its time, and append what it came to to `clocks.jsonl` in `folder`.

    + moment: of the run
    + now_s: this machine's clock
    """
    # All connect at once; they are asked one after the other, so that no answer waits behind another's.
    sessions = [(host, Channel(ssh_argv(env, host, _TELL_TIME))) for host in env.hosts]
    lines = b""
    try:
        for host, session in sessions:
            found = _ask(session, now_s)
            ahead_ms, give_or_take_ms = (None, None) if found is None else found
            clock = HostClock(
                host=host.name, moment=moment, ahead_ms=ahead_ms, give_or_take_ms=give_or_take_ms
            )
            lines += msgspec.json.encode(clock) + b"\n"
    finally:
        for _, session in sessions:
            session.close()
    with (folder / CLOCKS_FILE).open("ab") as file:
        file.write(lines)


def _ask(session: Channel, now_s: Callable[[], float]) -> Offset | None:
    """Return how far the clock of the host behind `session` is; None if it does not answer."""
    answers: list[ClockReading] = []
    # What is no number is a complaint of ssh.
    with suppress(ChannelClosedError, ValueError):
        for _ in range(QUESTIONS):
            sent_s = now_s()
            session.send("\n")
            line = session.read_line(_ANSWERS_WITHIN_S)
            if line is None:
                break
            answers.append(ClockReading(sent_s, float(line), now_s()))
    return offset(answers) if answers else None
