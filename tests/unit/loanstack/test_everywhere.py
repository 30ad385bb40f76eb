"""Commands on many hosts at once; SSH is a shell of this machine."""

from pathlib import Path

import pytest

from inventory import environment
from inventory.model import Environment, Host
from loanstack.system import everywhere
from loanstack.system.everywhere import Answer


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    def argv(env: Environment, host: Host, command: str) -> list[str]:
        return ["sh", "-c", f"host={host.name}; {command}"]

    monkeypatch.setattr(everywhere, "ssh_argv", argv)


def test_each_says_its_own_in_the_order_asked_and_all_run_at_once(tmp_path: Path) -> None:
    env = environment("lab")
    # None of them ends before all have begun.
    meet = (
        f"touch {tmp_path}/$host; until [ $(ls {tmp_path} | wc -l) = {len(env.hosts)} ]; do sleep 0.05; done"
    )
    commands = [(host, f"{meet}; echo $host; echo no >&2") for host in env.hosts]
    found = everywhere.ask(env, commands, within_s=120.0)
    assert found == [(host, Answer(printed=f"{host.name}\n", complained="no\n")) for host in env.hosts]


def test_one_that_does_not_end_in_time_is_ended_and_the_others_are_heard() -> None:
    env = environment("lab")
    slow, quick = env.hosts[:2]
    commands = [(slow, "exec sleep 600"), (quick, "echo here")]
    found = dict(everywhere.ask(env, commands, within_s=3.0))
    assert found == {slow: None, quick: Answer(printed="here\n", complained="")}
