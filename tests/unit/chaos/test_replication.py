"""The sampler as loads and drills start and end it: a process of its own, with or without a lab to ask."""

import subprocess
import sys
import time
from pathlib import Path

from inventory.places import PROJECT_ROOT


def test_the_sampler_ends_well_when_it_is_asked_to(tmp_path: Path) -> None:
    samples = tmp_path / "replication.jsonl"
    asked = (
        sys.executable,
        "-m",
        "chaos.recorders.replication",
        "lab",
        "--out",
        str(samples),
        "--interval-ms",
        "50",
    )
    with subprocess.Popen(asked, cwd=PROJECT_ROOT) as sampler:
        try:
            until_s = time.monotonic() + 120.0
            while not samples.exists() and time.monotonic() < until_s:
                time.sleep(0.05)
            assert samples.exists()
            sampler.terminate()
            assert sampler.wait(120.0) == 0
        finally:
            sampler.kill()
