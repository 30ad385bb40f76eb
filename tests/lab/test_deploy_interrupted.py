"""A host that dies in the middle of a deploy: the others finish, it is named, and a re-run completes it.

The deploy also switches the durability, which changes every agent: one that is half-way is completed, too.
"""

import json
import subprocess
import time

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import LOANSTACK, Run

DIES = "app-b"
CHANGED = ("gw-a", "gw-b", "app-a", "app-b")
SWITCHED = ("env", "LOANSTACK_LAB_DURABILITY=cross_centre", str(LOANSTACK), "deploy", "lab", "--json")
DRIFT = "rm -f /etc/chrony/chrony.conf /etc/chrony.conf"


def test_the_others_finish_and_a_rerun_completes_it(
    deployed: Environment, run: Run, lab_command: Run, on_host: Run
) -> None:
    for host in CHANGED:
        assert on_host(host, DRIFT).exit_code == 0
    with subprocess.Popen(
        SWITCHED,
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as deploy:
        time.sleep(4)
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
    rerun = run(*SWITCHED)
    assert rerun.exit_code == 0, rerun.output
    status = json.loads(run("env", *SWITCHED[1:3], "failover", "status", "lab", "--json").stdout)
    assert status["durability"] == "cross_centre"
    assert on_host(DIES, "ls /etc/chrony/chrony.conf /etc/chrony.conf 2>/dev/null").stdout.strip()
    assert on_host(DIES, "systemctl is-active loanstack-loan").stdout.strip() == "active"
