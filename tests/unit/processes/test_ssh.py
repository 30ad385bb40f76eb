"""Commands on one host and on many at once; SSH is a shell of this machine."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from inventory import environment
from inventory.model import Environment, Host
from inventory.ssh import ssh_argv
from processes import ssh
from tests.unit.processes.running import DEADLINE_S as WITHIN_S
from tests.unit.processes.running import pids_in, wait_gone


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    def argv(env: Environment, host: Host, command: str) -> list[str]:
        return ["sh", "-c", f"host={host.name}; {command}"]

    monkeypatch.setattr(ssh, "ssh_argv", argv)


def test_each_says_its_own_in_the_order_asked_and_all_run_at_once(tmp_path: Path) -> None:
    env = environment("lab")
    # None of them ends before all have begun.
    meet = (
        f"touch {tmp_path}/$host; until [ $(ls {tmp_path} | wc -l) = {len(env.hosts)} ]; do sleep 0.05; done"
    )
    commands = [(host, f"{meet}; echo $host; echo no >&2") for host in env.hosts]
    found = ssh.run_on_all(env, commands, within_s=WITHIN_S)
    said = [(host, done and (done.returncode, done.stdout, done.stderr)) for host, done in found]
    assert said == [(host, (0, f"{host.name}\n", "no\n")) for host in env.hosts]


def test_one_that_does_not_end_in_time_is_ended_and_the_others_are_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment("lab")
    slow, quick = env.hosts[:2]
    commands = [
        (host, f"echo $$ > {tmp_path}/$host; {command}")
        for host, command in ((slow, "exec sleep 600"), (quick, "echo here"))
    ]
    begun = iter([0.0])

    def monotonic() -> float:
        """The deadline passes as soon as the quick one has ended and the slow one runs."""
        if (now_s := next(begun, None)) is not None:
            return now_s
        pids = [pids_in(tmp_path / host.name, 1)[0] for host in (slow, quick)]
        assert wait_gone(pids[1:]) == []
        return 2 * WITHIN_S

    monkeypatch.setattr(ssh, "time", SimpleNamespace(monotonic=monotonic))
    found = dict(ssh.run_on_all(env, commands, within_s=WITHIN_S))
    heard = found[quick]
    assert heard is not None
    assert (found[slow], heard.stdout) == (None, "here\n")
    assert wait_gone(pids_in(tmp_path / slow.name, 1)) == []


def test_a_command_gets_its_input_and_its_output_can_go_to_a_file(tmp_path: Path) -> None:
    env = environment("lab")
    host = env.hosts[0]
    done = ssh.run(env, host, "cat; echo no >&2; exit 3", within_s=WITHIN_S, stdin="SELECT 1;\n")
    assert done is not None
    assert (done.returncode, done.stdout, done.stderr) == (3, "SELECT 1;\n", "no\n")
    kept = ssh.run(env, host, "echo rows", within_s=WITHIN_S, stdout=tmp_path / "rows")
    assert kept is not None
    assert (kept.stdout, (tmp_path / "rows").read_text()) == ("", "rows\n")


def test_a_command_that_does_not_end_in_time_is_none_and_ended(tmp_path: Path) -> None:
    env = environment("lab")
    assert ssh.run(env, env.hosts[0], f"sleep 600; : {tmp_path}", within_s=0.0) is None
    assert [path for path in Path("/proc").glob("[0-9]*/cmdline") if names(path, str(tmp_path))] == []


def names(command_line: Path, word: str) -> bool:
    """Say whether the command line of a process has `word` in it."""
    try:
        return word in command_line.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(("is_terminal", "asked"), [(False, "-T"), (True, "-tt")])
def test_at_a_terminal_the_host_gets_one_too(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, asked: str
) -> None:
    argvs: list[list[str]] = []

    def run(argv: list[str], *, check: bool) -> SimpleNamespace:
        argvs.append(argv)
        return SimpleNamespace(returncode=ssh.UNREACHABLE)

    env = environment("lab")
    monkeypatch.setattr(ssh, "ssh_argv", ssh_argv)
    monkeypatch.setattr(ssh, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: is_terminal)))
    monkeypatch.setattr(ssh, "subprocess", SimpleNamespace(run=run))
    assert ssh.run_attached(env, env.hosts[0], "status") == ssh.UNREACHABLE
    assert argvs == [[asked if part == "-T" else part for part in ssh_argv(env, env.hosts[0], "status")]]
