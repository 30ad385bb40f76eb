"""A validation passes only where every host was validated, to the end."""

from pathlib import Path

import pytest

from loanstack.commands.verify import host_tests_command
from loanstack.results.host_tests import HostTest, counted, judged
from proof.verdict import Verdict

HOSTS = ("gw-a", "ob-a")


def of(**outcomes: str) -> list[HostTest]:
    """A test a host: `gw_a="passed"`."""
    return [
        HostTest(host=host.replace("_", "-"), name="it runs", outcome=outcome, message="boom")
        for host, outcome in outcomes.items()
    ]


def verdict_of(tests: list[HostTest], *, status: int = 0) -> tuple[Verdict, tuple[str, ...]]:
    return judged(tests, counted(tests, HOSTS), status=status)


def test_a_passed_test_on_each_host_is_a_pass() -> None:
    tests = of(gw_a="passed", ob_a="passed")
    assert counted(tests, HOSTS) == {
        "tests_passed": 2,
        "tests_failed": 0,
        "tests_skipped": 0,
        "hosts_untested": 0,
    }
    assert verdict_of(tests) == (Verdict.PASS, ())


@pytest.mark.parametrize("other", [of(), of(ob_a="skipped")], ids=["not collected", "skipped"])
def test_a_host_that_no_test_passed_on_is_not_validated(other: list[HostTest]) -> None:
    verdict, reasons = verdict_of([*of(gw_a="passed"), *other])
    assert verdict is Verdict.FAIL
    assert reasons == ("Hosts without a test that passed: 1; promised: at most 0",)


def test_a_failure_that_the_record_does_not_hold_proves_nothing() -> None:
    assert verdict_of(of(gw_a="passed", ob_a="passed"), status=1)[0] is Verdict.INVALID


def test_a_failed_test_is_named_with_its_host_and_message() -> None:
    verdict, reasons = verdict_of([*of(gw_a="passed", ob_a="passed"), *of(ob_a="failed")], status=1)
    assert verdict is Verdict.FAIL
    assert reasons[-1] == "ob-a: it runs: boom"


@pytest.mark.parametrize("status", [2, 3, 4, 5, -9])
def test_a_session_that_broke_off_proves_nothing(status: int) -> None:
    tests = of(gw_a="passed", ob_a="passed")
    verdict, reasons = verdict_of(tests, status=status)
    assert verdict is Verdict.INVALID
    assert reasons[-1] == f"pytest broke off with status {status}; what it said is in pytest.log"
    assert verdict_of([*tests, *of(ob_a="failed")], status=status)[0] is Verdict.FAIL


def test_host_tests_run_on_several_workers_and_pass_on_the_name_that_was_typed() -> None:
    command = " ".join(host_tests_command("qinghai", Path("junit.xml")))
    assert " -n auto " in command
    assert " --environment qinghai --yes qinghai " in command
