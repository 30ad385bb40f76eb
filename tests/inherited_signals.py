"""What this process inherited must not decide whether a test passes."""

import signal
from types import FrameType

_ENDING = (signal.SIGHUP, signal.SIGTERM)


def heard() -> None:
    """Have the signals that end a process heard by what the tests start, also if this process ignores them.

    `nohup` ignores SIGHUP, and a shell's background job SIGINT; all processes that the tests start would
    inherit that, and could not be ended by it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_IGN:
            # A handler that does nothing: this process stays as it is, and new programs begin without it.
            signal.signal(number, _go_on)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    pass
