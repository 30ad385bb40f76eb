"""Commands, their usage, and the settings that the deploy wrote."""

import json
from pathlib import Path

import pytest

from chaos.system.hosts import _RESIDUE
from failover.host import local_state, tool
from hosttools.errors import ToolError
from hosttools.oceanbase.promotion import TABLE
from hosttools.oceanbase.settings import load
from tests.unit.hosttools.oceanbase.host import Host, settings_in


def test_help_names_every_command(host: Host) -> None:
    commands = "sql query role peer-role scn status bootstrap promote hand-over take-over follow rejoin start"
    for asked in ("--help", "-h", "help"):
        said = host.run(asked)
        assert said.returncode == 0
        for command in (*commands.split(), "merge", "wait-healthy", "run", "guard"):
            assert f"\n  {command}" in said.stdout
        assert "..." not in said.stdout.partition("Commands:")[2], "a sentence is cut off"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("frobnicate",),
        ("bootstrap", "somehow"),
        ("bootstrap", "standby"),
        ("bootstrap", "primary", "198.18.2.23"),
        ("take-over",),
        ("take-over", "-1"),
        ("take-over", "a[$(id)]"),
        ("follow",),
        ("wait-healthy", "500"),
        ("wait-healthy", "$(id)", "1"),
        ("merge", "soon"),
    ],
)
def test_wrong_usage_ends_with_2_and_touches_nothing(host: Host, arguments: tuple[str, ...]) -> None:
    assert host.run(*arguments).returncode == 2
    assert host.calls == []


@pytest.mark.parametrize(
    "source", ["", "ob-a", "198.18.2.23; drop", "198.18.2", "0x7f.1", "198.18.2.23\n", "$(id)", "::1"]
)
@pytest.mark.parametrize("command", [("follow",), ("rejoin",), ("bootstrap", "standby")])
def test_a_source_is_an_address_and_nothing_else(host: Host, command: tuple[str, ...], source: str) -> None:
    refused = host.run(*command, source)
    assert refused.returncode == 2
    assert "allowed: an IPv4 address" in refused.stderr
    assert host.calls == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_dir", "/data"),
        ("base_dir", "/data/../etc"),
        ("base_dir", "data/oceanbase"),
        ("peers", ["198.18.2.23; reboot"]),
        ("peers", ["ob-a"]),
        ("rpc_port", 0),
        ("rpc_port", "2882; }"),
        ("sql_port", 65536),
        ("inventory_role", "LEADER"),
        ("parameters", ["cpu_count=2"]),
        ("made_up", 1),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: object
) -> None:
    path = tmp_path / "oceanbase.json"
    path.write_text(json.dumps(settings_in(tmp_path, **{field: value})))
    monkeypatch.setenv("LOANSTACK_DB_SETTINGS", str(path))
    with pytest.raises(ToolError, match="run the deploy, which writes it anew"):
        load()


def test_agent_and_drills_look_at_what_the_tool_writes(host: Host) -> None:
    assert host.settings.lock.name == tool.LOCK_FILE.name
    assert host.settings.role_file.name == local_state._ROLE_FILE
    assert TABLE in _RESIDUE
