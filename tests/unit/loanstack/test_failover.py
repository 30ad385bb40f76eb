"""`loanstack failover ...` hands each command to an agent over SSH, with its exit code."""

import subprocess
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from loanstack.cli import failover as failover_cli
from loanstack.cli.main import cli
from processes import ssh

ENV = "lab"


@pytest.fixture(autouse=True)
def hosts_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether this machine's lab is up right now is no matter of these tests."""
    monkeypatch.setattr(failover_cli, "require_reachable", lambda env: None)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, int]], list[tuple[str, str]]]:
    """Answer ssh by host address with an exit code; returns the list of (host, command) that were run."""

    def answer(codes: dict[str, int]) -> list[tuple[str, str]]:
        calls: list[tuple[str, str]] = []

        def run(argv: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
            assert not check
            *_, target, command = argv
            calls.append((target, command))
            return subprocess.CompletedProcess(argv, codes[target])

        monkeypatch.setattr(ssh.subprocess, "run", run)
        return calls

    return answer


OB_A, OB_B = "root@198.18.0.13", "root@198.18.0.23"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["status", ENV], "loanstack-failover status"),
        (["status", ENV, "--watch", "--json"], "loanstack-failover status --watch --json"),
        (["history", ENV, "--json"], "loanstack-failover history --json"),
        (["switchover", ENV], "loanstack-failover switchover"),
        (
            ["switchover", ENV, "--to", "ob-b", "--dry-run"],
            "loanstack-failover switchover --to ob-b --dry-run",
        ),
        (
            ["failover", ENV, "--to", "ob-b", "--force", "--accept-loss", "--dry-run"],
            "loanstack-failover failover --to ob-b --force --accept-loss --dry-run",
        ),
        (["pause", ENV], "loanstack-failover pause"),
        (["resume", ENV], "loanstack-failover resume"),
    ],
)
def test_a_command_reaches_the_first_agent_as_it_was_given(ran, arguments: list[str], command: str) -> None:
    calls = ran({OB_A: 0})
    done = CliRunner().invoke(cli, ["failover", *arguments])
    assert done.exit_code == 0, done.output
    assert calls == [(OB_A, command)]


def test_a_host_that_is_away_is_passed_over(ran) -> None:
    calls = ran({OB_A: 255, OB_B: 0})
    assert CliRunner().invoke(cli, ["failover", "status", ENV]).exit_code == 0
    assert [target for target, _ in calls] == [OB_A, OB_B]


def test_what_an_agent_refuses_ends_with_its_code_and_asks_no_other(ran) -> None:
    calls = ran({OB_A: 1, OB_B: 0})
    assert CliRunner().invoke(cli, ["failover", "switchover", ENV]).exit_code == 1
    assert len(calls) == 1


def test_no_host_at_all_is_said(ran) -> None:
    ran({OB_A: 255, OB_B: 255})
    done = CliRunner().invoke(cli, ["failover", "status", ENV])
    assert "ob-a, ob-b" in str(done.exception)


def test_rejoin_goes_to_the_host_itself_and_to_no_other_role(ran) -> None:
    calls = ran({OB_B: 0})
    assert CliRunner().invoke(cli, ["failover", "rejoin", ENV, "ob-b"]).exit_code == 0
    assert calls == [(OB_B, "loanstack-failover rejoin")]
    refused = CliRunner().invoke(cli, ["failover", "rejoin", ENV, "gw-a"])
    assert "known: ob-a, ob-b" in str(refused.exception)


def test_a_host_name_cannot_smuggle_a_command(ran) -> None:
    calls = ran({OB_A: 2})
    CliRunner().invoke(cli, ["failover", "switchover", ENV, "--to", "x; reboot"])
    assert calls == [(OB_A, "loanstack-failover switchover --to 'x; reboot'")]
