"""Real signals to this process: they end a drill, and wait while it heals."""

import os
import signal
from collections.abc import Iterator

import pytest

from chaos.engine.interrupts import raise_on_signals, shielded

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    raise_on_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_what_runs(number: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", NUMBERS)
def test_behind_the_shield_it_is_only_noted(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    done = []
    with shielded() as shield:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        done.append("healed")
    assert done == ["healed"]
    assert shield.interrupted
    assert "healing first" in capsys.readouterr().err


def test_after_the_shield_signals_end_things_again() -> None:
    with shielded() as shield:
        pass
    assert not shield.interrupted
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
