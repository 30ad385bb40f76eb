"""Validation passes on what was deployed, and fails, naming the host, when something is broken."""

from inventory.model import Environment
from tests.lab.conftest import Run


def test_a_deployed_lab_is_valid(deployed: Environment, loanstack: Run) -> None:
    done = loanstack("verify", "lab", "--json")
    assert done.exit_code == 0, done.output
    assert done.results["verdict"] == "PASS"
    assert done.results["figures"]["tests_failed"] == 0
    assert done.results["figures"]["tests_passed"] >= 10 * len(deployed.hosts)
    assert done.results["figures"]["tests_skipped"] >= len(deployed.hosts), "CPU checks prove nothing here"


def test_a_broken_host_is_found_and_named(deployed: Environment, loanstack: Run, on_host: Run) -> None:
    assert on_host("gw-b", "systemctl stop nginx").exit_code == 0
    try:
        done = loanstack("verify", "lab", "--json")
    finally:
        assert on_host("gw-b", "systemctl start nginx").exit_code == 0
    assert done.exit_code == 1, done.output
    assert done.results["verdict"] == "FAIL"
    assert any("gw-b" in reason for reason in done.results["reasons"]), done.output
