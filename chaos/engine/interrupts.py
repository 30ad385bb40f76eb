"""Ctrl-C, SIGTERM and a closed terminal: these end a drill at once, but never interrupt a heal."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def raise_on_signals() -> None:
    """Let SIGTERM and SIGHUP act like Ctrl-C: raise KeyboardInterrupt in the main thread."""
    for number in _SIGNALS:
        signal.signal(number, _raise)


@dataclass(kw_only=True)
class Shield:
    """Whether a signal came while the shield was active."""

    interrupted: bool = False


@contextmanager
def shielded() -> Iterator[Shield]:
    """Within this context, signals are only noted, in the shield that it yields.

    Each wait inside has its own deadline, so this cannot last for ever.
    """
    shield = Shield()

    def note(number: int, _frame: FrameType | None) -> None:
        shield.interrupted = True
        with suppress(OSError):
            sys.stderr.write(
                f"{signal.Signals(number).name}: healing first; every step of it has a deadline\n"
            )

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield shield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
