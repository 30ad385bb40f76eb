"""Load made by workers on a host of role loadgen, which the lab has only here: it costs what a host costs."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from loadtests.results import run_info
from tests.lab.conftest import LOANSTACK, Finished, Run

LATEST = PROJECT_ROOT / "runs" / "latest"
TOPOLOGY = ("env", "LOANSTACK_LAB_TOPOLOGY=load")
ON_LOAD_A = ("--workers", "load-a", "--processes-per-host", "2")
_LEFT = "pgrep --full --list-full '[-]m locust' || true"


@pytest.fixture(scope="module")
def loading(seeded: Environment, run: Run) -> Iterator[Run]:
    """Run `loanstack ...` on the lab with two hosts more, one of them deployed; it has seven afterwards."""

    def loading(*arguments: str) -> Finished:
        return run(*TOPOLOGY, str(LOANSTACK), *arguments)

    up = loading("lab", "up")
    assert up.exit_code == 0, up.output
    done = loading("deploy", "lab", "--limit", "load-a", "--json")
    assert (done.exit_code, done.results["figures"]["hosts_failed"]) == (0, 0), done.output
    yield loading
    again = run(str(LOANSTACK), "lab", "up")
    assert again.exit_code == 0, again.output


def test_two_workers_on_a_host_make_each_write_once(loading: Run, run: Run, tmp_path: Path) -> None:
    plan = ("--rate", "200", "--duration", "4s", "--warm-up", "0s", "--run-folder", str(tmp_path))
    done = run(*TOPOLOGY, sys.executable, "-m", "loadtests.workers", *ON_LOAD_A, *plan)
    assert done.exit_code == 0, done.output
    writes = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [write["outcome"] for write in writes] == ["acknowledged"] * 800
    assert len({write["key"] for write in writes}) == 800
    made = [(one.host, one.writes_recorded, one.lost) for one in run_info.read(tmp_path).workers]
    assert made == [("load-a", 400, None)] * 2
    assert (tmp_path / "latency.hlog").read_text().count("Tag=") == 2
    assert loading("lab", "shell", "load-a", _LEFT).stdout == ""


def test_a_worker_that_is_killed_on_its_host_makes_the_load_invalid(loading: Run) -> None:
    asked = ("load", "lab", *ON_LOAD_A, "--rate", "100", "--duration", "5m", "--json")
    with subprocess.Popen(
        [*TOPOLOGY, str(LOANSTACK), *asked], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as load:
        try:
            # What lies there before it has started is the record of the load before.
            unit = "loanstack-load@2.service"
            recording = f"systemctl is-active {unit} && test -s /var/lib/loanstack-load/2/ledger.jsonl"
            wait_until(lambda: loading("lab", "shell", "load-a", recording).exit_code == 0, load)
            killed = loading("lab", "shell", "load-a", f"systemctl kill --signal KILL {unit}")
            assert killed.exit_code == 0, killed.output
            killed_s = time.monotonic()
            printed, _ = load.communicate(timeout=60)
        finally:
            load.terminate()
    results = json.loads(printed)
    assert (load.returncode, results["verdict"]) == (3, "INVALID"), printed
    assert results["reasons"][0] == "worker 2 of 2 on load-a was killed by SIGKILL"
    assert results["figures"]["acknowledged_lost"] == 0
    assert time.monotonic() - killed_s < 40
    first = (LATEST / "workers" / "1" / "ledger.jsonl").read_text().splitlines()
    assert first
    assert set(first) < set((LATEST / "ledger.jsonl").read_text().splitlines())
    assert loading("lab", "shell", "load-a", _LEFT).stdout == ""


def test_hosts_that_cannot_make_load_are_refused_before_anything_is_done(loading: Run) -> None:
    for names, words in (
        ("load-b", "load-b: no load generator is deployed there; run: loanstack deploy lab --only load_gen"),
        ("load-c", "'load-c' is no host of lab; allowed: a number of processes of this machine, or hosts"),
        ("load-a,gw-a", "gw-a has role gateway"),
    ):
        refused = loading("load", "lab", "--workers", names)
        assert (refused.exit_code, words in refused.stderr) == (2, True), refused.output


def wait_until(reached: Callable[[], bool], load: "subprocess.Popen[str]") -> None:
    """Wait until the load has recorded something."""
    deadline = time.monotonic() + 60
    while not reached():
        assert load.poll() is None, "the load ended by itself"
        assert time.monotonic() < deadline, "no worker recorded a write within 60 s"
        time.sleep(0.2)
