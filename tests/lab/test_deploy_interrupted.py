"""A host that dies in the middle of a deploy: the others finish, it is named, and a re-run completes it."""

import subprocess
import time

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import LOANSTACK, Run

DIES = "app-b"
CHANGED = ("gw-a", "gw-b", "app-a", "app-b")
DRIFT = "rm -f /etc/chrony/chrony.conf /etc/chrony.conf"


def test_the_others_finish_and_a_rerun_completes_it(
    deployed: Environment, loanstack: Run, on_host: Run
) -> None:
    for host in CHANGED:
        assert on_host(host, DRIFT).exit_code == 0
    with subprocess.Popen(
        [str(LOANSTACK), "deploy", "lab", "--json"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as deploy:
        time.sleep(4)
        off = loanstack("lab", "power", "off", DIES)
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
        on = loanstack("lab", "power", "on", DIES)
    assert on.exit_code == 0, on.output
    rerun = loanstack("deploy", "lab", "--json")
    assert rerun.exit_code == 0, rerun.output
    assert on_host(DIES, "ls /etc/chrony/chrony.conf /etc/chrony.conf 2>/dev/null").stdout.strip()
    assert on_host(DIES, "systemctl is-active loanstack-loan").stdout.strip() == "active"
