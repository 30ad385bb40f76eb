"""The end of a process is told at once, and once."""

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from failover.host import exit_watch
from failover.host.exit_watch import ExitWatch

LONG_S = 60.0


def play(story: Callable[[ExitWatch, asyncio.Queue[str]], object]) -> None:
    async def whole() -> None:
        told: asyncio.Queue[str] = asyncio.Queue()
        exit_watch = ExitWatch(lambda: told.put_nowait("ended"))
        await story(exit_watch, told)  # type: ignore[misc]
        exit_watch.close()

    asyncio.run(whole())


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG_S})"])


def test_a_process_that_ends_is_told_once_though_it_is_followed_on() -> None:
    async def story(exit_watch: ExitWatch, told: asyncio.Queue[str]) -> None:
        process = sleeper()
        for _ in range(3):
            exit_watch.follow((process.pid, 1))
        assert told.empty()
        process.kill()
        assert await asyncio.wait_for(told.get(), LONG_S) == "ended"
        # Still named by a look that was under way: it is no news.
        exit_watch.follow((process.pid, 1))
        process.wait()
        exit_watch.follow((process.pid, 1))
        other = sleeper()
        exit_watch.follow((other.pid, 2))
        other.kill()
        await asyncio.wait_for(told.get(), LONG_S)
        other.wait()
        assert told.empty()

    play(story)


def test_one_that_had_ended_before_it_was_followed_is_told() -> None:
    async def story(exit_watch: ExitWatch, told: asyncio.Queue[str]) -> None:
        process = sleeper()
        process.kill()
        process.wait()
        exit_watch.follow((process.pid, 1))
        assert told.get_nowait() == "ended"

    play(story)


def test_nobody_is_told_of_one_that_is_not_followed_any_more() -> None:
    async def story(exit_watch: ExitWatch, told: asyncio.Queue[str]) -> None:
        first, second = sleeper(), sleeper()
        exit_watch.follow((first.pid, 1))
        exit_watch.follow((second.pid, 2))
        first.kill()
        first.wait()
        second.kill()
        await asyncio.wait_for(told.get(), LONG_S)
        second.wait()
        exit_watch.follow(None)
        assert told.empty()

    play(story)


def test_a_kernel_without_these_descriptors_tells_nothing_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def lacks(_: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(exit_watch, "pidfd_open", lacks)
    caplog.set_level("INFO")

    async def story(following: ExitWatch, told: asyncio.Queue[str]) -> None:
        for _ in range(5):
            following.follow((os.getpid(), 1))
        assert told.empty()

    play(story)
    assert [record.message for record in caplog.records] == ["the end of the database is seen by looks only"]
