"""A host that dies in the middle of a deploy: the others finish, it is named, and a re-run completes it.

The deploy also switches the durability, which changes every agent: one that is half-way is completed, too.
"""

import json
import subprocess
import time
from pathlib import Path

from inventory.places import PROJECT_ROOT
from tests.lab.conftest import CrossCentre, Run

DIES = "app-b"
CHANGED = ("gw-a", "gw-b", "app-a", "app-b")
DRIFT = "rm -f /etc/chrony/chrony.conf /etc/chrony.conf"
LATEST = PROJECT_ROOT / "runs" / "latest"
BEGUN = "Beginning operation run"
"""What pyinfra says once it has looked at all hosts, and starts to change them."""
BEGINS_WITHIN_S = 120


def test_the_others_finish_and_a_rerun_completes_it(
    cross_centre: CrossCentre, lab_command: Run, on_host: Run
) -> None:
    before = LATEST.resolve()
    for host in CHANGED:
        assert on_host(host, DRIFT).exit_code == 0
    with subprocess.Popen(
        [*cross_centre.argv, "deploy", "lab", "--json"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as deploy:
        wait_until_begun(deploy, before)
        off = lab_command("power", "off", DIES)
        stdout, stderr = deploy.communicate(timeout=300)
    assert off.exit_code == 0, off.output
    try:
        assert deploy.returncode == 1, stdout + stderr
        assert DIES in stdout + stderr
        for host in CHANGED[:3]:
            assert on_host(host, "ls /etc/chrony/chrony.conf /etc/chrony.conf 2>/dev/null").stdout.strip(), (
                host
            )
    finally:
        on = lab_command("power", "on", DIES)
    assert on.exit_code == 0, on.output
    rerun = cross_centre.deploy()
    assert rerun.exit_code == 0, rerun.output
    status = json.loads(cross_centre("failover", "status", "lab", "--json").stdout)
    assert status["durability"] == "cross_centre"
    assert on_host(DIES, "ls /etc/chrony/chrony.conf /etc/chrony.conf 2>/dev/null").stdout.strip()
    assert on_host(DIES, "systemctl is-active loanstack-loan").stdout.strip() == "active"


def wait_until_begun(deploy: "subprocess.Popen[str]", before: Path) -> None:
    """Wait until the deploy changes hosts.

    + before: the run folder of the command before it
    """
    deadline = time.monotonic() + BEGINS_WITHIN_S
    log = LATEST / "pyinfra.log"
    while LATEST.resolve() == before or not log.exists() or BEGUN not in log.read_text():
        assert deploy.poll() is None, "the deploy ended by itself"
        assert time.monotonic() < deadline, f"the deploy has not begun within {BEGINS_WITHIN_S} s"
        time.sleep(0.1)
