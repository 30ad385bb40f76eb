"""Two instruments on one endpoint: ours and wrk, which is older, independent, and in another language.

wrk is a closed loop: its connections ask again as soon as they are answered. Against an endpoint whose delays
are known it reaches connections / mean delay requests a second, and both tools must tell the same
distribution. The delays are long and the connections few, so that what neither tool means to measure stays
far below 3 %: wrk's connections ask in bunches, which queue for the endpoint's processor. The machine may be
busy with other things: an instrument that waits for a processor measures that, so both come first where that
is allowed (to root). One try can still be off, so the nearest of three counts.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.results import figures
from tests.unit.loadtests.test_locust import run, services

DELAYS_MS = (200.0,) * 16 + (320.0,) * 3 + (640.0,)
"""So that 80 % take 200 ms, 15 % take 320 ms and 5 % take 640 ms."""
CONNECTIONS = 40
DURATION_S = 6
WITHIN = 0.03
TRIES = 3
_LINES = {
    "rate": r"Requests/sec:\s+(?P<value>[\d.]+)(?P<unit>)",
    "latency_p50_ms": r"50%\s+(?P<value>[\d.]+)(?P<unit>\w+)",
    "latency_p90_ms": r"90%\s+(?P<value>[\d.]+)(?P<unit>\w+)",
    "latency_p99_ms": r"99%\s+(?P<value>[\d.]+)(?P<unit>\w+)",
}
_IN_MS = {"": 1.0, "us": 0.001, "ms": 1.0, "s": 1000.0}


@pytest.fixture
def comes_first() -> Iterator[None]:
    """Have the processes that this test starts interrupt all others, which they inherit from it."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def by_wrk(host: str) -> dict[str, float]:
    """Return what wrk measured."""
    wrk = shutil.which("wrk")
    assert wrk is not None, "run `make setup`"
    asked = ("-t1", f"-c{CONNECTIONS}", f"-d{DURATION_S}s", "--latency", "-H", "X-Legal-Entity: QH01")
    url = f"{host}/v1/limits/1000000001"
    done = subprocess.run([wrk, *asked, url], capture_output=True, text=True, timeout=240, check=True)
    found = {}
    for name, pattern in _LINES.items():
        match = re.search(pattern, done.stdout)
        assert match is not None, done.stdout
        found[name] = float(match["value"]) * _IN_MS[match["unit"]]
    return found


def by_us(host: str, folder: Path, rate: float) -> dict[str, float]:
    """Return what a load at the same rate measured, open as it is."""
    asked = ("--rate", f"{rate:g}", "--duration", f"{DURATION_S}s", "--users", "160", "--warm-up", "1s")
    done = run(host, folder, *asked)
    assert done.returncode == 0, done.stderr
    values = figures.of_folder(folder).values
    assert values["errors"] == 0
    return {"rate": values["tps_acknowledged"], **{name: values[name] for name in _LINES if name != "rate"}}


@pytest.mark.usefixtures("comes_first")
def test_wrk_and_we_measure_the_same(tmp_path: Path) -> None:
    off: list[dict[str, str]] = []
    with services(delays_ms=DELAYS_MS) as host:
        for number in range(TRIES):
            theirs = by_wrk(host)
            ours = by_us(host, tmp_path / str(number), theirs["rate"])
            off.append(
                {
                    name: f"wrk {value:.1f}, we {ours[name]:.1f}"
                    for name, value in theirs.items()
                    if abs(ours[name] / value - 1.0) > WITHIN
                }
            )
            if not off[-1]:
                return
    pytest.fail(f"further apart than {WITHIN:.0%} in each of {TRIES} tries: {off}")
