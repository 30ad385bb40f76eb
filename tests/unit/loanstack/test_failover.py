"""`loanstack failover ...` hands each command to an agent over SSH, with its exit code."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from inventory.lab import ENVIRONMENT
from lab import state
from loanstack.cli import failover as failover_cli
from loanstack.cli.main import cli, main
from loanstack.runs import task
from processes import ssh

ENV = "lab"


@pytest.fixture
def hosts_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether this machine's lab is up right now is no matter of these tests."""
    monkeypatch.setattr(failover_cli, "require_reachable", lambda env: None)


@pytest.fixture
def ran(
    monkeypatch: pytest.MonkeyPatch, hosts_are_there: None
) -> Callable[[dict[str, int]], list[tuple[str, str]]]:
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


@pytest.mark.parametrize("phase", [None, state.Phase.FALLING])
def test_without_a_lab_it_refuses_at_once(
    phase: state.Phase | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Keys alone are no lab: after a restart of the machine they are still there."""

    def contacted(*_: object, **__: object) -> None:
        raise AssertionError("a host was contacted")

    key, known = tmp_path / "key", tmp_path / "known_hosts"
    key.touch()
    known.touch()
    lab = replace(ENVIRONMENT, ssh=replace(ENVIRONMENT.ssh, key_file=key, known_hosts_file=known))
    if phase is not None:
        state.save(
            tmp_path / "lab", state.LabState(phase=phase, image_key="k", boot_id=state.boot_id(), since_s=0)
        )
    monkeypatch.setenv("LOANSTACK_STATE", str(tmp_path))
    monkeypatch.setattr(task, "environment", lambda name: lab)
    monkeypatch.setattr(ssh.subprocess, "run", contacted)
    monkeypatch.setattr("sys.argv", ["loanstack", "failover", "status", ENV])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "environment lab: the lab is not up; run `loanstack lab up` first" in capsys.readouterr().err


def test_a_lab_of_an_earlier_boot_is_down(tmp_path: Path) -> None:
    up = state.LabState(phase=state.Phase.UP, image_key="k", boot_id=state.boot_id(), since_s=0)
    state.save(tmp_path, up)
    assert state.of_running(tmp_path) == up
    state.save(tmp_path, replace(up, boot_id="another"))
    assert state.of_running(tmp_path) is None
