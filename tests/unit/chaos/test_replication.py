"""The sampler as loads and drills start it: a process of its own, which must not outlive them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from inventory.places import PROJECT_ROOT


def test_the_sampler_ends_when_whoever_started_it_was_killed(tmp_path: Path) -> None:
    samples = tmp_path / "replication.jsonl"
    asked = (sys.executable, "-m", "chaos.replication", "lab", "--out", str(samples), "--interval-ms", "50")
    # The shell stands for a load; it says which process the sampler is.
    with subprocess.Popen(
        ["bash", "-c", '"$@" & echo $!; wait', "load", *asked],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as load:
        assert load.stdout is not None
        pid = int(load.stdout.readline())
        sampler = Path("/proc") / str(pid)
        _wait_until(samples.exists)
        assert sampler.exists()
        load.kill()
    try:
        _wait_until(lambda: not sampler.exists())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _wait_until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, f"{condition} did not hold within {within_s:g} s"
        time.sleep(0.05)
