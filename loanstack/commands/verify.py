"""`verify`: testinfra over the inventory, as a subprocess, JUnit as the record."""

import sys
from pathlib import Path

from rich.table import Table

from loanstack.results import host_tests
from loanstack.results.ended import Ended, write_ended
from loanstack.results.host_tests import HostTest
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, Task, tail
from proof import promised

TIMEOUT_S = 900.0
_WORKERS_MAX = 8
"""Host tests wait for hosts most of the time; there are about as many groups of them that run together."""


def verify(task: Task) -> Results:
    """Run the host tests and return how many passed.

    Raises:
        CommandError: pytest could not run them at all.
    """
    judged_by = promised.of_verify()
    task.begin(judged_by)
    junit = task.folder.path / "junit.xml"
    argv = host_tests_command(task.env.name, junit)
    with task.step("verify"):
        done = task.processes.start(argv, log=task.log("pytest"), on_line=task.console.note).wait(TIMEOUT_S)
    if not junit.exists():
        raise CommandError(f"the host tests did not run; pytest says:\n{tail(task.log('pytest'))}")
    addresses = host_tests.addresses_of((host.name, host.management_address) for host in task.env.hosts)
    tests = host_tests.read(junit, addresses)
    figures = {
        **host_tests.counted(tests, [host.name for host in task.env.hosts]),
        "verify_s": round(done.seconds, 2),
    }
    write_ended(task.folder, Ended(status=done.returncode, seconds=figures["verify_s"]))
    verdict, reasons = host_tests.judged(tests, figures, status=done.returncode)
    task.console.table(_table(tests, [host.name for host in task.env.hosts]))
    results = Results(
        verb="verify", environment=task.env.name, verdict=verdict, reasons=reasons, figures=figures
    )
    return task.end(results)


def host_tests_command(environment: str, junit: Path) -> list[str]:
    """Return the command line of the host tests.

    + environment: its name, which the person who verifies it has typed
    + junit: file for the record
    """
    return [
        *(sys.executable, "-m", "pytest", "tests/hosts", "-q", "-p", "no:cacheprovider"),
        *("-n", "auto", "--maxprocesses", str(_WORKERS_MAX)),
        *("--environment", environment, "--yes", environment, "--junitxml", str(junit)),
    ]


def _table(tests: tuple[HostTest, ...], hosts: list[str]) -> Table:
    """Return a row for each host, in the order of the inventory: workers finish in any order."""
    table = Table("host", "passed", "failed", "skipped", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in [*hosts, host_tests.CONTROL]:
        outcomes = [test.outcome for test in tests if test.host == name]
        table.add_row(name, *(str(outcomes.count(kind)) for kind in ("passed", "failed", "skipped")))
    return table
