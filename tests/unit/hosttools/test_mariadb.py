"""loanstack-mariadb's own decisions, with stand-ins for the tools it calls."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT

_CLIENT = """#!/bin/bash
# Answers SHOW GLOBAL STATUS as the file of that name says; refuses as long as there is no `up`.
[[ -f $ANSWERS/up ]] || { echo "ERROR 2002 (HY000): Can't connect" >&2; exit 1; }
for word in "$@"; do
    case $word in
        *"LIKE '"*)
            name=${word#*\\'}; name=${name%\\'}
            [[ -f $ANSWERS/$name ]] && printf '%s\\t%s\\n' "$name" "$(<"$ANSWERS/$name")"
            exit 0 ;;
        *SLAVE*) echo "Last_IO_Error: access denied"; exit 0 ;;
    esac
done
cat >> "$ANSWERS/applied.sql"
cat "$ANSWERS/refuses" >&2 2>/dev/null
[[ ! -f $ANSWERS/refuses ]]
"""
_INSTALL = """#!/bin/bash
echo "$*" >> "$ANSWERS/installed"
touch "$DATA/ibdata1"
[[ ! -f $ANSWERS/broken ]] || { echo "no space left"; exit 1; }
"""


class Host:
    """A pretended database host: say what answers, run the tool."""

    def __init__(self, folder: Path, *, is_primary: bool) -> None:
        self.data = folder / "data" / "mariadb"
        self.answers = folder / "answers"
        tools = folder / "tools"
        for made in (self.data, self.answers, tools):
            made.mkdir(parents=True)
        for name, text in (("mariadb", _CLIENT), ("mariadb-install-db", _INSTALL)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.script = folder / "mariadb.sql"
        self.script.write_text("SELECT 1;\n")
        settings = folder / "mariadb.json"
        says = {
            "config": "/x.cnf",
            "script": str(self.script),
            "data_dir": str(self.data),
            "service_user": "nobody",
            "is_primary": is_primary,
        }
        settings.write_text(json.dumps(says))
        self._environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT_ROOT),
            "LOANSTACK_MARIADB_SETTINGS": str(settings),
            "ANSWERS": str(self.answers),
            "DATA": str(self.data),
        }

    def says(self, **status: str) -> None:
        (self.answers / "up").touch()
        for name, value in status.items():
            (self.answers / name).write_text(value)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hosttools.mariadb", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def status(self) -> dict[str, object]:
        found = json.loads(self.run("status").stdout)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def primary(tmp_path: Path) -> Host:
    return Host(tmp_path, is_primary=True)


def test_a_host_without_data_says_so(primary: Host) -> None:
    assert primary.status() == {"is_made": False, "applied": "", "is_paired": False}


def test_data_are_made_once(primary: Host) -> None:
    assert primary.run("make").returncode == 0
    assert primary.run("make").returncode == 0
    (installed,) = (primary.answers / "installed").read_text().splitlines()
    assert "--skip-log-bin" in installed, "transactions of its own would keep it from ever following"
    assert primary.status()["is_made"] is True
    assert (primary.data / "ibdata1").exists()


def test_half_made_data_are_begun_anew(primary: Host) -> None:
    (primary.answers / "broken").touch()
    failed = primary.run("make")
    assert (failed.returncode, "no space left" in failed.stderr) == (1, True)
    assert primary.status()["is_made"] is False
    (primary.data / "half").touch()
    (primary.answers / "broken").unlink()
    assert primary.run("make").returncode == 0
    assert not (primary.data / "half").exists()


def test_what_was_applied_is_remembered_by_its_hash(primary: Host) -> None:
    assert primary.run("apply").returncode == 1, "it is down"
    assert primary.status()["applied"] == ""
    primary.says()
    assert primary.run("apply").returncode == 0
    assert (primary.answers / "applied.sql").read_text() == "SELECT 1;\n"
    assert primary.status()["applied"] == sha256(b"SELECT 1;\n").hexdigest()


def test_a_script_that_was_refused_is_not_remembered(primary: Host) -> None:
    primary.says(refuses="")
    assert primary.run("apply").returncode == 1
    assert primary.status()["applied"] == ""


_NEAR = "You have an error in your SQL syntax; check the manual near 'BY\\n'open-Sesame_1'' at line 1"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (f"ERROR 1064 (42000) at line 3: {_NEAR}\n", "ERROR 1064 (42000) at line 3: its words are not shown"),
        (f"WARNING: old\nERROR 1396 (HY000): {_NEAR}\n", "ERROR 1396 (HY000): its words are not shown"),
        ("ERROR 2006 (HY000) at line 3: Server has gone away\n", "line 3: Server has gone away"),
        ("open-Sesame_1?\n", "the client ended with 1; its words are not shown"),
    ],
)
def test_a_refusal_shows_its_number_and_line_and_no_password(primary: Host, words: str, shown: str) -> None:
    primary.says(refuses=words.replace("\\n", "\n"))
    refused = primary.run("apply")
    assert (refused.returncode, shown in refused.stderr) == (1, True), refused.stderr
    assert "Sesame" not in refused.stderr


@pytest.mark.parametrize(
    ("clients", "on", "is_paired"), [("1", "ON", True), ("0", "ON", False), ("1", "OFF", False)]
)
def test_a_primary_is_paired_while_a_replica_acknowledges(
    primary: Host, clients: str, on: str, is_paired: bool
) -> None:
    primary.says(Rpl_semi_sync_master_clients=clients, Rpl_semi_sync_master_status=on)
    assert primary.status()["is_paired"] is is_paired


def test_a_replica_is_paired_while_it_follows_and_acknowledges(tmp_path: Path) -> None:
    replica = Host(tmp_path, is_primary=False)
    replica.says(Slave_running="ON", Rpl_semi_sync_slave_status="OFF")
    waited = replica.run("wait-paired", "0")
    assert waited.returncode == 1
    assert "access denied" in waited.stderr
    replica.says(Rpl_semi_sync_slave_status="ON")
    assert replica.run("wait-paired", "0").returncode == 0


def test_commits_that_nobody_acknowledged_are_counted(primary: Host) -> None:
    primary.says(Rpl_semi_sync_master_no_tx="21")
    assert primary.run("unacknowledged").stdout.strip() == "21"


def test_an_unknown_command_is_refused(primary: Host) -> None:
    done = primary.run("drop")
    assert done.returncode == 2
    assert "Usage: loanstack-mariadb" in done.stderr


_HOSTILE = ("a[$(touch injected)0]", "$(touch injected)", "1\n2", "9" * 30, "-1", "")


@pytest.mark.parametrize("said", _HOSTILE)
def test_what_the_server_says_in_place_of_a_number_is_refused(primary: Host, said: str) -> None:
    primary.says(Rpl_semi_sync_master_no_tx=said)
    refused = primary.run("unacknowledged")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "allowed: a whole number" in refused.stderr
    primary.says(Rpl_semi_sync_master_clients=said, Rpl_semi_sync_master_status="ON")
    assert primary.status()["is_paired"] is False


@pytest.mark.parametrize("limit", _HOSTILE)
def test_a_limit_that_is_no_number_is_refused(primary: Host, limit: str) -> None:
    refused = primary.run("wait-paired", "--", limit)
    assert refused.returncode == 2
    assert "Invalid value for 'LIMIT_S'" in refused.stderr


def test_links_of_the_service_in_its_folder_hurt_nothing(primary: Host, tmp_path: Path) -> None:
    theirs = tmp_path / "shadow"
    theirs.write_text("root's\n")
    (primary.data / "loanstack-applied").symlink_to(theirs)
    (primary.data / "folder").symlink_to(tmp_path)
    primary.says()
    assert primary.run("apply").returncode == 0
    assert primary.status()["applied"] == sha256(b"SELECT 1;\n").hexdigest()
    assert primary.run("make").returncode == 0
    assert theirs.read_text() == "root's\n"
    assert not (primary.data / "folder").is_symlink()


def test_a_hash_that_the_service_wrote_is_only_text(primary: Host) -> None:
    (primary.data / "loanstack-applied").write_text('", "is_paired": true, "x": "$(touch injected)')
    assert primary.status()["is_paired"] is False
