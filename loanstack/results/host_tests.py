"""Results of the host tests, host by host, from pytest's JUnit file."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from proof import promised
from proof.objectives import evaluate
from proof.verdict import Judgement, failed, overall, unproved

CONTROL = "control machine"
"""Stands for the host of a test that names none."""
_TESTS_RAN = (0, 1)
"""Exit statuses of pytest if all tests ran: all passed, or some failed."""


@dataclass(frozen=True, kw_only=True)
class HostTest:
    """One test, on one host."""

    host: str
    name: str
    outcome: str
    """`passed`, `failed` or `skipped`."""
    message: str = ""


def read(junit: Path, addresses: Mapping[str, str]) -> tuple[HostTest, ...]:
    """Return the tests in a JUnit file; none if there is no such file.

    + addresses: {host name or address: host name}, to find the host in a test's parameters
    """
    if not junit.exists():
        return ()
    return tuple(
        _test(case, addresses)
        for suite in JUnitXml.fromfile(str(junit))
        if isinstance(suite, TestSuite)
        for case in suite
        if isinstance(case, TestCase)
    )


def addresses_of(hosts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return {name or address: name} for (name, management address) pairs."""
    return {key: name for name, address in hosts for key in (name, address)}


def counted(tests: Sequence[HostTest], hosts: Iterable[str]) -> dict[str, float]:
    """Return how many tests passed, failed and were skipped, and on how many of `hosts` no test passed."""
    figures: dict[str, float] = {
        f"tests_{kind}": sum(test.outcome == kind for test in tests)
        for kind in ("passed", "failed", "skipped")
    }
    tested = {test.host for test in tests if test.outcome == "passed"}
    return {**figures, "hosts_untested": len(set(hosts) - tested)}


def judged(tests: Sequence[HostTest], figures: Mapping[str, float], *, status: int) -> Judgement:
    """Return the verdict over the host tests, and why.

    + status: exit status of pytest; if it broke off, tests that would have failed may be missing
    """
    wrong = [test for test in tests if test.outcome == "failed"]
    broke_off = status not in _TESTS_RAN or (status == 1 and not wrong)
    told = [f"pytest broke off with status {status}; what it said is in pytest.log"] if broke_off else []
    return overall(
        (
            *evaluate(promised.of_verify(), figures),
            *failed("host_tests", (f"{test.host}: {test.name}: {test.message}" for test in wrong)),
            *unproved("pytest", told),
        )
    )


def _test(case: TestCase, addresses: Mapping[str, str]) -> HostTest:
    name, _, parameters = str(case.name).partition("[")
    words = [word for word in re.split(r"[\s\]/@:_,]+|-(?=\d)|(?<=\d)-", parameters) if word]
    host = next((addresses[word] for word in words if word in addresses), None)
    if host is None:
        host = next((known for key, known in addresses.items() if key in parameters), CONTROL)
    troubles = [result for result in case.result if isinstance(result, Failure | Error)]
    skipped = any(isinstance(result, Skipped) for result in case.result)
    message = str(troubles[0].message or "").strip() if troubles else ""
    return HostTest(
        host=host,
        name=f"{name.removeprefix('test_').replace('_', ' ')}{_rest(parameters, host, addresses)}",
        outcome="failed" if troubles else "skipped" if skipped else "passed",
        message=message.splitlines()[0] if message else "",
    )


def _rest(parameters: str, host: str, addresses: Mapping[str, str]) -> str:
    """Return the parameters other than the host, in brackets; "" if there are none."""
    rest = parameters.removesuffix("]")
    for key in (key for key, name in addresses.items() if name == host):
        rest = re.sub(rf"(\w+://)?(\w+@)?{re.escape(key)}(:\d+)?", "", rest)
    rest = rest.strip("-_ ")
    return f" [{rest}]" if rest else ""
