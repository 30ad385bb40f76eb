"""What the process becomes: the database with its arguments, or the SQL client."""

import shutil
from collections.abc import Sequence
from typing import Any

import pytest

from hosttools import programs
from hosttools.errors import ToolError
from hosttools.oceanbase import launch, lock
from tests.unit.hosttools.oceanbase.host import PEER, Host


def test_data_know_their_role_and_sizes_themselves(host: Host) -> None:
    common = [f"{host.folder}/seekdb/bin/seekdb", "--nodaemon", "--base-dir", str(host.base_dir)]
    common += ["--log-level", "ERROR"]
    assert launch.arguments(host.settings, request=None, source=None) == common
    assert launch.arguments(host.settings, request=None, source=f"{PEER}\n") == [
        *common,
        "--parameter",
        f"log_restore_source={PEER}:2882",
    ]


def test_a_new_database_is_told_all(host: Host) -> None:
    assert launch.arguments(host.settings, request=f"STANDBY {PEER}\n", source="ignored")[6:] == [
        "--port",
        "2881",
        "--role=STANDBY",
        *("--parameter", "enable_rpc_service=true"),
        *("--parameter", "rpc_port=2882"),
        *("--parameter", "cpu_count=2"),
        *("--parameter", "memory_budget=1024M"),
        *("--parameter", f"log_restore_source={PEER}:2882"),
    ]
    primary = launch.arguments(host.settings, request="PRIMARY \n", source=None)
    assert "--role=PRIMARY" in primary
    assert not any(each.startswith("log_restore_source") for each in primary)


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """What the process became."""
    made: list[Sequence[str]] = []

    def become(command: Sequence[str]) -> Any:
        made.append(command)

    monkeypatch.setattr(programs, "become", become)
    return made


def test_a_start_believes_what_it_is_told_while_the_command_is_at_work(
    host: Host, became: list[Sequence[str]]
) -> None:
    host.run_dir.mkdir(exist_ok=True)
    host.recorded("STANDBY")
    (host.run_dir / "source").write_text(f"{PEER}\n")
    with lock.one_at_a_time(host.settings):
        assert host.run("run").returncode == 0
    assert host.run("run").returncode == 0
    assert [f"log_restore_source={PEER}:2882" in command for command in became] == [True, False]


def test_a_database_is_made_only_while_the_command_is_at_work(
    host: Host, became: list[Sequence[str]]
) -> None:
    host.run_dir.mkdir(exist_ok=True)
    (host.run_dir / "bootstrap").write_text("PRIMARY\n")
    with lock.one_at_a_time(host.settings):
        assert host.run("run").returncode == 0
    assert "--role=PRIMARY" in became.pop()
    refused = host.run("run")
    assert (refused.returncode, became) == (1, [])
    assert "holds no complete database" in refused.stderr


@pytest.mark.parametrize(
    ("request_", "source"),
    [
        ("LEADER\n", None),
        ("STANDBY 198.18.2.23 --role=PRIMARY\n", None),
        ("STANDBY $(id)\n", None),
        (None, "--role=PRIMARY"),
        (None, "198.18.2.23;id"),
        (None, ""),
    ],
)
def test_what_a_start_is_told_is_a_role_and_an_address(
    host: Host, request_: str | None, source: str | None
) -> None:
    with pytest.raises(ToolError, match="allowed: "):
        launch.arguments(host.settings, request=request_, source=source)


def test_the_client_reads_the_password_from_its_file_and_gets_the_options(
    host: Host, became: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "mysql" else None)
    assert host.run("sql", "--force", "-e", "SELECT 1", "--help").returncode == 0
    options = [f"--defaults-file={host.folder}/root.cnf", f"--socket={host.base_dir}/run/sql.sock"]
    options += ["--batch", "--skip-column-names", "--unbuffered", "--force", "-e", "SELECT 1", "--help"]
    assert became == [["/usr/bin/mysql", *options]]
