"""Sessions to hosts, with bash on this machine in the place of ssh."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.system import shells, sql_session
from chaos.system.shells import Shell
from chaos.system.sql_session import SqlSession
from chaos.system.world import WorldError
from inventory.lab import ENVIRONMENT
from inventory.ssh import ssh_argv

HOST = ENVIRONMENT.host("ob-a")
WITHIN_S = 120.0
"""For what comes at once, if the machine is not starved."""


def _local(_env: object, _host: object, command: str) -> list[str]:
    return ["bash", "-c", command]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.setattr(shells, "ssh_argv", _local)
    opened = Shell(ENVIRONMENT, HOST)
    yield opened
    opened.close()


def test_a_command_returns_its_end_and_its_output(shell: Shell) -> None:
    done = shell.run(["bash", "-c", "echo out; echo err >&2; exit 3"], within_s=WITHIN_S)
    assert done.returncode == 3
    assert sorted(done.stdout.splitlines()) == ["err", "out"]


def test_output_without_a_newline_at_its_end(shell: Shell) -> None:
    assert shell.run(["printf", "%s", "no newline"], within_s=WITHIN_S).stdout == "no newline"


@pytest.mark.parametrize("nasty", ["a b", "'", '"; echo hacked', "$(id)", "`id`", "*", "", "\\", "名"])
def test_arguments_cross_the_shell_unchanged(shell: Shell, nasty: str) -> None:
    assert shell.run(["printf", "<%s>", nasty], within_s=WITHIN_S).stdout == f"<{nasty}>"


def test_a_command_that_reads_its_input_does_not_eat_the_session(shell: Shell) -> None:
    assert shell.run(["cat"], within_s=WITHIN_S).stdout == ""
    assert shell.run(["echo", "still here"], within_s=WITHIN_S).stdout == "still here"


def test_a_time_out_is_kept_and_the_next_command_works(shell: Shell) -> None:
    with pytest.raises(WorldError, match=r"ob-a: .* did not end within 0.2 s"):
        shell.run(["sleep", "600"], within_s=0.2)
    assert shell.run(["echo", "again"], within_s=WITHIN_S).stdout == "again"


def test_a_session_that_ended_is_opened_anew(shell: Shell) -> None:
    with pytest.raises(WorldError, match="the session ended"):
        shell.run(["bash", "-c", "kill -9 $PPID"], within_s=WITHIN_S)
    assert shell.run(["echo", "again"], within_s=WITHIN_S).stdout == "again"


def test_several_commands_share_one_session(shell: Shell) -> None:
    first = shell.run(["bash", "-c", "echo $PPID"], within_s=WITHIN_S).stdout
    assert shell.run(["bash", "-c", "echo $PPID"], within_s=WITHIN_S).stdout == first


def test_a_host_is_reached_by_its_management_address_with_a_known_key() -> None:
    argv = ssh_argv(ENVIRONMENT, HOST, "true")
    assert argv[-2:] == [f"root@{HOST.management_address}", "true"]
    assert "StrictHostKeyChecking=yes" in argv
    assert "BatchMode=yes" in argv


FAKE_CLIENT = """#!/bin/bash
# A database that dies when the file 'dead' appears, and whose client then ends with an error.
[ -e {folder}/dead ] && {{ echo "ERROR 2002 (HY000): cannot connect"; exit 1; }}
while read -r select number rest; do
    [ -e {folder}/dead ] && {{ echo "ERROR 2013 (HY000): Lost connection"; exit 1; }}
    while [ -e {folder}/slow ]; do sleep 0.02; done
    printf '%s\\t%s\\t%s\\n' "${{number%,}}" PRIMARY 1700000000000000000
done
exit 0
"""


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    client = tmp_path / "loanstack-db"
    client.write_text(FAKE_CLIENT.format(folder=tmp_path))
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(sql_session, "ssh_argv", _local)
    return tmp_path


@pytest.fixture
def session(database: Path) -> Iterator[SqlSession]:
    opened = SqlSession(ENVIRONMENT, HOST)
    yield opened
    opened.close()


def _eventually(session: SqlSession, within_s: float = WITHIN_S) -> str | None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        reading = session.read(10)
        if reading is not None:
            return reading.role
        time.sleep(0.05)
    return None


def test_a_database_says_its_role_and_position(session: SqlSession) -> None:
    reading = session.read(WITHIN_S)
    assert reading is not None
    assert (reading.role, reading.scn) == ("PRIMARY", 1700000000000000000)


def test_a_database_that_dies_is_seen_at_once_and_found_again(session: SqlSession, database: Path) -> None:
    assert session.read(WITHIN_S) is not None
    (database / "dead").touch()
    assert session.read(10_000) is None, "it is seen at once: nobody waits for that long"
    assert session.read(0.3) is None
    (database / "dead").unlink()
    assert _eventually(session) == "PRIMARY"


def test_an_answer_that_comes_late_is_not_taken_for_the_next_one(session: SqlSession, database: Path) -> None:
    assert session.read(WITHIN_S) is not None
    (database / "slow").touch()
    assert session.read(0.1) is None
    (database / "slow").unlink()
    session.ask()
    asked = session._asked
    assert session.answer(WITHIN_S) is not None
    assert asked == 3


def test_a_host_that_is_gone_answers_nothing_and_is_tried_again(
    session: SqlSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_session, "ssh_argv", lambda *_: ["false"])
    assert session.read(0.3) is None
    assert session.read(0.3) is None
    monkeypatch.setattr(sql_session, "ssh_argv", _local)
    assert _eventually(session) == "PRIMARY"
