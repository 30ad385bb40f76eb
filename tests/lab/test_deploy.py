"""Deploying the lab: it converges, a second run changes nothing, and no secret shows anywhere."""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from inventory.model import Environment, Role
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import Finished, Run

REJOIN_DEADLINE_S = 90
LOOK_EVERY_S = 0.01
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))


def test_the_first_deploy_converges_every_host(first_deploy: Finished, lab: Environment) -> None:
    figures = first_deploy.results["figures"]
    assert first_deploy.results["verdict"] in {"PASS", "FAIL"}
    assert figures["hosts_failed"] == 0
    assert figures["operations_changed"] >= 10 * len(lab.hosts)


def test_a_tongweb_is_warm_before_gateways_send_it_anything(deployed: Environment, on_host: Run) -> None:
    for host in deployed.hosts_with(Role.TONGWEB):
        url = f"http://{host.address}:{deployed.tongweb.port}/portal/metrics"
        page = on_host(host.name, f"curl --silent --fail {url}").stdout
        answered = dict(re.findall(r'portal_requests_total\{status="(\d+)"\} (\d+)', page))
        # Reads and writes, which services refuse; how many there is time for is the machine's matter.
        for status in ("200", "405"):
            assert int(answered.get(status, 0)) > deployed.tongweb.warm_up_requests / 20, page


def test_a_second_run_changes_nothing(deployed: Environment, loanstack: Run) -> None:
    second = loanstack("deploy", "lab", "--json")
    assert second.exit_code == 0, second.output
    assert second.results["figures"]["operations_changed"] == 0, second.output
    assert second.results["figures"]["hosts_failed"] == 0


def test_the_plan_of_a_converged_lab_is_empty(deployed: Environment, loanstack: Run) -> None:
    plan = loanstack("plan", "lab", "--json")
    assert plan.exit_code == 0, plan.output
    assert plan.results["figures"]["operations_pending"] == 0


def test_a_plan_shows_what_drifted_and_a_deploy_mends_it(
    deployed: Environment, loanstack: Run, on_host: Run
) -> None:
    assert on_host("gw-b", "systemctl stop nginx").exit_code == 0
    plan = loanstack("plan", "lab", "--only", "gateway", "--limit", "gw-b", "--json")
    assert plan.exit_code == 5, plan.output
    assert plan.results["figures"]["operations_pending"] >= 1
    mended = loanstack("deploy", "lab", "--only", "gateway", "--limit", "gw-b", "--json")
    assert mended.exit_code == 0, mended.output
    assert mended.results["figures"]["operations_changed"] == 1, mended.output
    assert "changed on gw-b: " in mended.output
    assert on_host("gw-b", "systemctl is-active nginx").stdout.strip() == "active"


def test_plain_pyinfra_works_and_shows_no_secret(
    deployed: Environment, run: Run, secret_values: dict[str, str]
) -> None:
    plain = run(PYINFRA, "-y", "inventory/lab.py", "deploys/site.py", "--dry", "--diff")
    assert plain.exit_code == 0, plain.output
    for host in deployed.hosts:
        assert host.name in plain.stdout + plain.stderr
    assert not shown(plain.stdout + plain.stderr, secret_values)


def test_no_secret_shows_when_the_files_that_hold_them_are_written_anew(
    deployed: Environment, run: Run, on_host: Run, secret_values: dict[str, str]
) -> None:
    """Watches argv of every process here and on the hosts, which share this kernel, during a real deploy."""
    secret_files = r"\( -name '*.env' -o -name '*.cnf' -o -name '*.password' \)"
    for host in ("app-a", "ob-a"):
        removed = on_host(host, f"find /etc/loanstack {secret_files} -delete")
        assert removed.exit_code == 0, removed.output
    with arguments_watched(secret_values) as seen:
        deploy = run(PYINFRA, "-y", "-vvv", "--debug", "--diff", "inventory/lab.py", "deploys/site.py")
    assert deploy.exit_code == 0, deploy.output[-4000:]
    assert not seen, "in the arguments of a process"
    assert not shown(deploy.output, secret_values)
    assert on_host("app-a", "stat -c %a /etc/loanstack/loan.env").stdout.strip() == "600"


@pytest.mark.parametrize("host", ["gw-a", "app-a", "ob-a", "mon-c"])
def test_no_host_keeps_a_secret_where_others_can_read_it(
    deployed: Environment, on_host: Run, secret_values: dict[str, str], host: str
) -> None:
    patterns = "\n".join(secret_values.values()) + "\n"
    # The values travel by standard input: an argument would be the very leak that is looked for.
    search = (
        "grep -rlFs -f /dev/stdin /etc /opt /var/log /run/log /srv /home /tmp 2>/dev/null"
        " | xargs -r -d '\\n' stat -c '%A %n'"
    )
    found = on_host(host, search, stdin=patterns)
    readable = [line for line in found.stdout.splitlines() if line[7] == "r"]
    assert readable == []
    journal = on_host(host, "journalctl --no-pager -o cat | grep -cFf <(cat /dev/stdin)", stdin=patterns)
    assert journal.stdout.strip() == "0", journal.output


def test_no_secret_is_left_in_the_run_folders(deployed: Environment, secret_values: dict[str, str]) -> None:
    files = [path for path in (PROJECT_ROOT / "runs").rglob("*") if path.is_file()]
    assert files
    leaking = [path for path in files if shown(path.read_bytes().decode(errors="replace"), secret_values)]
    assert leaking == []


def test_a_standby_that_rejoins_has_the_table_that_was_made_a_moment_ago(
    deployed: Environment, loanstack: Run, on_host: Run
) -> None:
    """A standby copies what is on the primary's disk: a table in its memory alone comes without its base."""
    table = "loanstack.made_before_a_rejoin"
    made = on_host(
        "ob-a", "loanstack-db sql", stdin=f"CREATE TABLE {table}(a INT); INSERT INTO {table} VALUES (7);"
    )
    assert made.exit_code == 0, made.output
    try:
        before = rejoins(loanstack)
        asked = loanstack("failover", "rejoin", "lab", "ob-b")
        assert asked.exit_code == 0, asked.output
        deadline = time.monotonic() + REJOIN_DEADLINE_S
        while rejoins(loanstack) == before:
            assert time.monotonic() < deadline, "the agent has not made the standby anew"
            time.sleep(0.5)
        follows = on_host("ob-b", "loanstack-db wait-healthy 500 60")
        assert follows.exit_code == 0, follows.output
        read = on_host("ob-b", "loanstack-db sql", stdin=f"SELECT a FROM {table};")
        assert read.stdout.split() == ["7"], read.output
    finally:
        assert on_host("ob-a", "loanstack-db sql", stdin=f"DROP TABLE {table};").exit_code == 0


def rejoins(loanstack: Run) -> int:
    """Return how often a database was made anew, as the agents' history has it."""
    events = json.loads(loanstack("failover", "history", "lab", "--json").stdout)
    return sum(event["event"] == "rejoined" for event in events)


def shown(text: str, secret_values: dict[str, str]) -> set[str]:
    """Return the names of the secrets whose value occurs in `text`."""
    return {name for name, value in secret_values.items() if value in text}


@contextmanager
def arguments_watched(secret_values: dict[str, str]) -> Iterator[set[str]]:
    """Collect, until the block ends, the names of secrets that show in the arguments of any process."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_S):
            seen.update(shown(command_lines(), secret_values))

    with ThreadPoolExecutor(max_workers=1) as pool:
        watching = pool.submit(watch)
        try:
            yield seen
        finally:
            over.set()
    # A watch that broke has seen nothing, and must not pass for one that found nothing.
    watching.result()


def command_lines() -> str:
    """Return the arguments of every process on this machine, the lab's hosts included."""
    lines = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                lines.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                # It ended while we were looking.
                continue
    return "\n".join(lines)
