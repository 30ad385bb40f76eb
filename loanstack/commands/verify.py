"""`verify`: testinfra over the inventory, as a subprocess, JUnit as the record."""

import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from chaos.findings import Verdict, worst
from loanstack import host_tests, promises
from loanstack.host_tests import HostTest
from loanstack.runs import Results
from loanstack.task import CommandError, Task, tail

TIMEOUT_S = 900.0
_TESTS_RAN = (0, 1)
"""Pytest's statuses where all of them ran: all passed, or some failed."""


def verify(task: Task) -> Results:
    """Run the host tests and return how many passed.

    Raises:
        CommandError: pytest could not run them at all.
    """
    judged_by = promises.of_verify()
    task.begin(judged_by)
    junit = task.folder.path / "junit.xml"
    argv = [
        *(sys.executable, "-m", "pytest", "tests/hosts", "-q", "-p", "no:cacheprovider"),
        *("--environment", task.env.name, "--junitxml", str(junit)),
    ]
    with task.step("verify"):
        done = task.processes.run(
            argv, log=task.log("pytest"), timeout_s=TIMEOUT_S, on_line=task.console.note
        )
    if not junit.exists():
        raise CommandError(f"the host tests did not run; pytest says:\n{tail(task.log('pytest'))}")
    addresses = host_tests.addresses_of((host.name, host.management_address) for host in task.env.hosts)
    tests = host_tests.read(junit, addresses)
    figures = {**counted(tests, [host.name for host in task.env.hosts]), "verify_s": round(done.seconds, 2)}
    verdict, reasons = judged(tests, figures, status=done.returncode)
    task.console.table(_table(tests))
    results = Results(
        verb="verify", environment=task.env.name, verdict=verdict, reasons=reasons, figures=figures
    )
    return task.end(results)


def counted(tests: Sequence[HostTest], hosts: Iterable[str]) -> dict[str, float]:
    """Return how many tests passed, failed and were skipped, and how many of `hosts` no test passed on."""
    figures: dict[str, float] = {
        f"tests_{kind}": sum(test.outcome == kind for test in tests)
        for kind in ("passed", "failed", "skipped")
    }
    tested = {test.host for test in tests if test.outcome == "passed"}
    return {**figures, "hosts_untested": len(set(hosts) - tested)}


def judged(
    tests: Sequence[HostTest], figures: Mapping[str, float], *, status: int
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict over the host tests, and why.

    + status: that pytest ended with; where it broke off, tests that would have failed may be missing
    """
    verdict, reasons = promises.judge(promises.of_verify(), figures)
    failed = [test for test in tests if test.outcome == "failed"]
    reasons = (*reasons, *(f"{test.host}: {test.name}: {test.message}" for test in failed))
    if status not in _TESTS_RAN or (status == 1 and not failed):
        verdict = worst([verdict, Verdict.INVALID])
        reasons = (*reasons, f"pytest broke off with status {status}; what it said is in pytest.log")
    return verdict, reasons


def _table(tests: tuple[HostTest, ...]) -> Table:
    table = Table("host", "passed", "failed", "skipped", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in dict.fromkeys(test.host for test in tests):
        outcomes = [test.outcome for test in tests if test.host == name]
        table.add_row(name, *(str(outcomes.count(kind)) for kind in ("passed", "failed", "skipped")))
    return table
