"""What Ctrl-C does to a command: one KeyboardInterrupt in the main thread, and when that has to wait."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Interrupts:
    """Whether a Ctrl-C may be raised now, and whether one already was."""

    holders = 0
    waiting = False
    raised = False


def interrupt_on_signals() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does: raise KeyboardInterrupt in the main thread, once.

    A second signal during the clean-up is ignored: cutting the clean-up short is what leaves things behind.
    """
    # Handlers and not SIG_IGN: children inherit ignored signals, and could then not be ended.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold an interrupt back until the block has ended, with or without an error; then raise it, once.

    It may be nested. Outside the main thread it does nothing: Python raises an interrupt in the main thread
    alone, and another thread would take it away from there.

    Raises:
        KeyboardInterrupt: one came during the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _Interrupts.holders += 1
    try:
        yield
    finally:
        _Interrupts.holders -= 1
        if _Interrupts.waiting and not _Interrupts.holders:
            _raise_once()


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _Interrupts.holders:
        _Interrupts.waiting = True
    else:
        _raise_once()


def _raise_once() -> None:
    if not _Interrupts.raised:
        _Interrupts.raised = True
        raise KeyboardInterrupt
