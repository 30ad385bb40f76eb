"""The failover agents as operators meet them: asked, refused, shown."""

import json

import pytest

from inventory.model import Environment
from tests.lab.conftest import Run

PRIMARY, STANDBY = "ob-a", "ob-b"
HERE = "http://127.0.0.1:8008"


def leader(loanstack: Run) -> tuple[str, int]:
    said = json.loads(loanstack("failover", "status", "lab", "--json").stdout)
    return said["leader"]["host"], said["leader"]["epoch"]


@pytest.fixture(scope="module")
def leading(at_home: Environment, loanstack: Run) -> tuple[str, int]:
    """Who leads, and under which epoch: nothing here may change it."""
    return leader(loanstack)


def test_one_leads_and_the_other_follows(leading: tuple[str, int], loanstack: Run) -> None:
    status = loanstack("failover", "status", "lab")
    assert status.exit_code == 0, status.output
    assert f"{PRIMARY} leads under epoch" in status.stdout
    assert max(len(line) for line in status.stdout.splitlines()) <= 80
    assert leading[0] == PRIMARY


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("switchover", "lab", "--to", "ob-x"), "ob-x"),
        (("switchover", "lab", "--to", PRIMARY), PRIMARY),
        (("failover", "lab", "--to", STANDBY), "force"),
        (("failover", "lab", "--to", STANDBY, "--dry-run"), "force"),
        (("rejoin", "lab", PRIMARY), PRIMARY),
    ],
)
def test_the_wrong_moment_is_refused_with_a_reason_and_changes_nothing(
    leading: tuple[str, int], loanstack: Run, arguments: tuple[str, ...], reason: str
) -> None:
    refused = loanstack("failover", *arguments)
    assert refused.exit_code == 1, refused.output
    assert reason in refused.stderr
    assert leader(loanstack) == leading


def test_a_dry_run_checks_both_sides_and_changes_nothing(leading: tuple[str, int], loanstack: Run) -> None:
    tried = loanstack("failover", "switchover", "lab", "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert leader(loanstack) == leading


@pytest.mark.parametrize(
    ("host", "address", "status"), [(PRIMARY, HERE, "401"), (STANDBY, "http://198.18.1.13:8008", "403")]
)
def test_commands_must_be_signed_and_come_from_the_host_itself(
    deployed: Environment, on_host: Run, host: str, address: str, status: str
) -> None:
    asked = (
        f"curl -s -o /dev/null -w '%{{http_code}}' -X POST -H 'Loanstack-Signature: wrong' "
        f"-H 'Content-Type: application/json' -d '{{}}' {address}/switchover"
    )
    assert on_host(host, asked).stdout == status


def test_maintenance_is_shown_and_ends(deployed: Environment, loanstack: Run) -> None:
    assert loanstack("failover", "pause", "lab").exit_code == 0
    try:
        assert "paused" in loanstack("failover", "status", "lab").stdout.lower()
    finally:
        assert loanstack("failover", "resume", "lab").exit_code == 0
    assert "paused" not in loanstack("failover", "status", "lab").stdout.lower()
