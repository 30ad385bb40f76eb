"""loanstack-db's own decisions, with stand-ins for the tools it calls."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploys.content import TEMPLATES
from failover.host.tool import LOCK_FILE

_SCRIPT = TEMPLATES / "oceanbase" / "loanstack-db"
_MARIADB = """#!/bin/bash
# Answers as the file for its host says: one line of output, or "refused" or "silent".
host=local
for word in "$@"; do case $word in --host=*) host=${word#--host=} ;; esac; done
statement=$(cat)
echo "$host: $statement" >> "$ANSWERS/log"
answer=$(cat "$ANSWERS/$host" 2>/dev/null || echo refused)
case $answer in
    refused) echo "ERROR 2002 (HY000): Can't connect to server on '$host' (111)" >&2; exit 1 ;;
    silent) echo "ERROR 2002 (HY000): Can't connect to server on '$host' (110)" >&2; exit 1 ;;
    *) case $statement in
        *role*) echo "$answer" ;;
        *LAST_SCN*) # as the file says, a line for each time it is asked
            head -n 1 "$ANSWERS/$host.merged"
            [[ $(wc -l <"$ANSWERS/$host.merged") == 1 ]] || sed -i 1d "$ANSWERS/$host.merged" ;;
        *END_SCN*) cat "$ANSWERS/$host.scn" ;;
        *start_service_time*) echo 60 ;;
        *table_type*) cat "$ANSWERS/$host.without-base" 2>/dev/null || echo 0 ;;
        *type=3*) cat "$ANSWERS/$host.in-memory" 2>/dev/null || echo 0 ;;
    esac ;;
esac
"""
_QUIET = '#!/bin/bash\necho "$(basename "$0") $*" >> "$ANSWERS/log"\nexit 0\n'
_PEER = "198.18.2.23"
VIRTUAL_TIME = Path(__file__).with_name("virtual_time.sh")


class Host:
    """A pretended database host: say what answers, run the tool, read what it called."""

    def __init__(self, folder: Path) -> None:
        self.base_dir = folder / "data" / "oceanbase"
        self.answers = folder / "answers"
        tools = folder / "tools"
        self.run_dir = folder / "run"
        for made in (self.base_dir, self.answers, tools, self.run_dir):
            made.mkdir(parents=True)
        (tools / "mariadb").write_text(_MARIADB)
        for name in ("systemctl", "nft", "ss", "chown", "install"):
            (tools / name).write_text(_QUIET)
        for tool in tools.iterdir():
            tool.chmod(0o755)
        settings = folder / "oceanbase.conf"
        settings.write_text(
            f"BASE_DIR={self.base_dir}\nPROGRAM=/none\nRUN_DIR={folder}/run\nROOT_OPTIONS=/dev/null\n"
            "SERVICE_USER=nobody\nUNIT=u.service\nLOG_LEVEL=ERROR\nSQL_PORT=2881\nRPC_PORT=2882\n"
            f'PEERS="{_PEER}"\nINVENTORY_ROLE=PRIMARY\nBOOTSTRAP_DEADLINE_S=1\nPEER_DEADLINE_S=1\nPARAMETERS="cpu_count=2"\n'
        )
        self.environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "LOANSTACK_DB_SETTINGS": str(settings),
            "ANSWERS": str(self.answers),
        }

    def says(self, host: str, answer: str, scn: int | None = None) -> None:
        (self.answers / host).write_text(answer + "\n")
        if scn is not None:
            (self.answers / f"{host}.scn").write_text(f"{scn}\n")

    def recorded(self, role: str) -> None:
        (self.base_dir / "loanstack-role").write_text(role + "\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the tool; its time passes only while it sleeps, which then takes none."""
        return subprocess.run(
            ["bash", str(_SCRIPT), *arguments],
            env=self.environment | {"BASH_ENV": str(VIRTUAL_TIME)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    @property
    def called(self) -> str:
        log = self.answers / "log"
        return log.read_text() if log.exists() else ""


def until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def is_waited_for(lock: Path) -> bool:
    """Say whether a process waits for the lock, as the kernel tells it."""
    locks = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{lock.stat().st_ino} " in line for line in locks)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_help_names_every_command(host: Host) -> None:
    said = host.run("--help").stdout
    commands = "sql role peer-role scn status bootstrap promote hand-over take-over follow rejoin start"
    for command in commands.split():
        assert f"\n  {command}" in said
    assert host.run("frobnicate").returncode == 2


@pytest.mark.parametrize(
    ("answer", "role"),
    [("PRIMARY", "PRIMARY"), ("STANDBY", "STANDBY"), ("refused", "DOWN"), ("silent", "UNREACHABLE")],
)
def test_a_refused_connection_is_down_and_silence_is_unknown(host: Host, answer: str, role: str) -> None:
    host.says(_PEER, answer)
    assert host.run("peer-role").stdout == f"{role}\n"


def test_an_old_primary_does_not_start_beside_a_new_one(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(_PEER, "PRIMARY")
    refused = host.run("guard")
    assert refused.returncode == 1
    assert f"a peer is PRIMARY now; run: loanstack-db rejoin {_PEER}" in refused.stderr


@pytest.mark.parametrize("answer", ["STANDBY", "refused"])
def test_a_primary_starts_when_no_peer_can_be_one(host: Host, answer: str) -> None:
    host.recorded("PRIMARY")
    host.says(_PEER, answer)
    assert host.run("guard").returncode == 0


def test_a_primary_does_not_start_while_its_peer_is_silent(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(_PEER, "silent")
    refused = host.run("guard")
    assert refused.returncode == 1
    assert "may be PRIMARY; when sure that it is not: loanstack-db start --alone" in refused.stderr


def test_a_standby_starts_without_asking(host: Host) -> None:
    host.recorded("STANDBY")
    assert host.run("guard").returncode == 0
    assert host.called == ""


def test_a_half_made_base_dir_is_never_started(host: Host) -> None:
    assert "no complete database" in host.run("guard").stderr


def test_data_are_not_bootstrapped_over(host: Host) -> None:
    host.recorded("STANDBY")
    (host.base_dir / "store").mkdir()
    assert "already a STANDBY: nothing to make" in host.run("bootstrap", "auto").stderr
    for how in (("primary",), ("standby", _PEER)):
        refused = host.run("bootstrap", *how)
        assert (refused.returncode, (host.base_dir / "store").exists()) == (1, True)
        assert "already holds a STANDBY" in refused.stderr


def test_a_standby_is_begun_only_once_its_source_has_every_table_on_disk(host: Host) -> None:
    """A table that is in the primary's memory alone arrives without its base, and cannot be read, ever."""
    host.says(_PEER, "PRIMARY")
    host.says("local", "STANDBY")
    (host.answers / f"{_PEER}.in-memory").write_text("1\n")
    process = subprocess.Popen(["bash", str(_SCRIPT), "bootstrap", "standby", _PEER], env=host.environment)
    until(lambda: host.called.count("type=3") >= 2, "it to look twice")
    assert f"{_PEER}: ALTER SYSTEM MINOR FREEZE" in host.called
    assert "systemctl start" not in host.called
    (host.answers / f"{_PEER}.in-memory").write_text("0\n")
    assert process.wait(timeout=240) == 0
    assert "systemctl start u.service" in host.called
    assert (host.base_dir / "loanstack-role").read_text() == "STANDBY\n"


def test_a_standby_that_lacks_a_table_is_not_called_one(host: Host) -> None:
    host.says(_PEER, "PRIMARY")
    host.says("local", "STANDBY")
    (host.answers / "local.without-base").write_text("1\n")
    failed = host.run("bootstrap", "standby", _PEER)
    assert failed.returncode == 1
    assert "waited 15 s for the standby to have its tables" in failed.stderr
    assert not (host.base_dir / "loanstack-role").exists()


def test_two_of_them_do_not_work_at_once(host: Host) -> None:
    """A deploy that was broken off may still be at work when the next one comes."""
    host.recorded("STANDBY")
    lock = host.run_dir / LOCK_FILE.name
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = subprocess.Popen(
            ["bash", str(_SCRIPT), "bootstrap", "auto"], env=host.environment, stderr=subprocess.PIPE
        )
        until(lambda: is_waited_for(lock), "it to wait for the lock")
        assert second.poll() is None
    assert second.communicate(timeout=240)[1].decode().startswith("loanstack-db: already a STANDBY")


def test_rejoin_keeps_the_data_while_the_source_is_no_primary(host: Host) -> None:
    host.recorded("PRIMARY")
    (host.base_dir / "store").mkdir()
    host.says(_PEER, "STANDBY")
    refused = host.run("rejoin", _PEER)
    assert refused.returncode == 1
    assert "does not say PRIMARY: the local data stay as they are" in refused.stderr
    assert (host.base_dir / "store").exists()
    assert "systemctl" not in host.called


def test_promotion_is_refused_while_a_peer_is_primary(host: Host) -> None:
    host.recorded("STANDBY")
    host.says("local", "STANDBY")
    host.says(_PEER, "PRIMARY")
    refused = host.run("promote")
    assert refused.returncode == 1
    assert "would make two" in refused.stderr
    assert "ACTIVATE" not in host.called


def test_fenced_promotion_cuts_the_log_source_and_does_not_ask_the_peer(host: Host) -> None:
    host.recorded("STANDBY")
    host.says("local", "STANDBY")
    process = subprocess.Popen(["bash", str(_SCRIPT), "promote", "--fenced"], env=host.environment)
    until(lambda: "ACTIVATE" in host.called, "the promotion")
    host.says("local", "PRIMARY")
    assert process.wait(timeout=240) == 0
    assert (host.base_dir / "loanstack-role").read_text() == "PRIMARY\n"
    assert _PEER + ":" not in host.called
    calls = host.called.splitlines()
    cut = next(i for i, c in enumerate(calls) if c.startswith("nft table ip loanstack_promote"))
    assert f"ip daddr {_PEER} tcp dport 2882 reject with tcp reset; }};}}" in calls[cut]
    assert cut < next(i for i, c in enumerate(calls) if "ACTIVATE" in c)
    assert calls[-1] == "nft delete table ip loanstack_promote"


def test_a_primary_hands_over_once_it_may_and_says_how_far_it_got(host: Host) -> None:
    host.says("local", "PRIMARY", scn=4711)
    assert host.run("hand-over").stdout == "4711\n"
    assert (host.base_dir / "loanstack-role").read_text() == "STANDBY\n"
    asked = [line for line in host.called.splitlines() if "SWITCHOVER" in line]
    assert [line.removeprefix("local: ALTER SYSTEM ") for line in asked] == [
        "SWITCHOVER TO STANDBY VERIFY",
        "SWITCHOVER TO STANDBY",
    ]


def test_a_dry_run_of_a_hand_over_changes_nothing(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says("local", "PRIMARY", scn=4711)
    assert host.run("hand-over", "--dry-run").returncode == 0
    assert (host.base_dir / "loanstack-role").read_text() == "PRIMARY\n"
    assert host.called.count("SWITCHOVER") == 1
    assert "VERIFY" in host.called


@pytest.mark.parametrize(("role", "command"), [("STANDBY", ("hand-over",)), ("PRIMARY", ("take-over", "1"))])
def test_the_wrong_side_changes_no_role(host: Host, role: str, command: tuple[str, ...]) -> None:
    host.says("local", role, scn=4711)
    assert host.run(*command).returncode == 1
    assert "SWITCHOVER" not in host.called


def test_a_standby_takes_over_only_once_it_has_everything(host: Host) -> None:
    host.says("local", "STANDBY", scn=4710)
    behind = host.run("take-over", "4711")
    assert behind.returncode == 1
    assert "waited 2 s for the standby to have everything up to 4711" in behind.stderr
    assert "SWITCHOVER" not in host.called
    host.says("local", "STANDBY", scn=4711)
    assert host.run("take-over", "4711").returncode == 0
    assert (host.base_dir / "loanstack-role").read_text() == "PRIMARY\n"


def test_following_needs_a_primary_and_a_standbys_data(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(_PEER, "STANDBY")
    assert "nothing to follow" in host.run("follow", _PEER).stderr
    host.recorded("PRIMARY")
    host.says(_PEER, "PRIMARY")
    assert "only a standby's data can follow" in host.run("follow", _PEER).stderr
    assert "systemctl" not in host.called


def test_a_standby_is_started_again_on_its_data_with_the_source_it_shall_follow(host: Host) -> None:
    host.recorded("STANDBY")
    host.says("local", "STANDBY")
    host.says(_PEER, "PRIMARY")
    source = host.run_dir / "source"
    systemctl = Path(host.environment["PATH"].partition(":")[0]) / "systemctl"
    systemctl.write_text(
        f'#!/bin/bash\necho "systemctl $* [$(cat {source} 2>/dev/null)]" >> "$ANSWERS/log"\n'
        'case $1 in is-active) [[ $(grep -c "systemctl kill" "$ANSWERS/log") == 0 ]] ;; esac\n'
    )
    done = host.run("follow", _PEER)
    assert done.returncode == 0, done.stderr
    calls = [
        line for line in host.called.splitlines() if line.startswith(("systemctl kill", "systemctl start"))
    ]
    assert calls == [
        "systemctl kill --kill-who=main --signal=SIGTERM u.service []",
        f"systemctl start u.service [{_PEER}]",
    ]
    assert not source.exists()


def test_one_that_dies_at_its_start_after_a_hand_over_is_started_again(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(_PEER, "PRIMARY")
    systemctl = Path(host.environment["PATH"].partition(":")[0]) / "systemctl"
    systemctl.write_text(
        '#!/bin/bash\necho "systemctl $*" >> "$ANSWERS/log"\n'
        "[[ $1 == is-active ]] && exit 1\n"
        '[[ $(grep -c "systemctl start" "$ANSWERS/log") == 2 ]] && echo STANDBY > "$ANSWERS/local"\nexit 0\n'
    )
    assert host.run("follow", _PEER).returncode == 0
    assert host.called.count("systemctl start") == 2


def test_status_gives_the_lag_of_a_standby(host: Host) -> None:
    host.recorded("STANDBY")
    host.says("local", "STANDBY", scn=1_000_000_000)
    host.says(_PEER, "PRIMARY", scn=1_087_500_000)
    assert host.run("status").stdout == (
        '{"role": "STANDBY", "recorded_role": "STANDBY", "peer_role": "PRIMARY", '
        '"scn": 1000000000, "lag_ms": 87, "has_tables": true}\n'
    )


def test_what_was_waited_for_is_printed_as_it_was_seen(host: Host) -> None:
    host.recorded("STANDBY")
    host.says("local", "STANDBY", scn=1_000_000_000)
    host.says(_PEER, "PRIMARY", scn=1_087_500_000)
    assert host.run("wait-healthy", "87", "1").stdout == host.run("status").stdout
    assert host.run("wait-healthy", "86", "1").returncode == 1
    host.says("local", "PRIMARY", scn=1)
    assert host.run("wait-healthy", "500", "1").returncode == 1, "its peer is a primary too"
    host.says(_PEER, "STANDBY", scn=1)
    assert '"role": "PRIMARY"' in host.run("wait-healthy", "500", "1").stdout


def test_waiting_for_health_says_what_it_waited_for(host: Host) -> None:
    host.says("local", "STANDBY", scn=1)
    refused = host.run("wait-healthy", "500", "1")
    assert refused.returncode == 1
    assert "waited 1 s for this to be the only primary, or a standby at most 500 ms behind" in refused.stderr
    assert '"peer_role": "DOWN"' in refused.stderr


MERGES = "ALTER SYSTEM SET enable_major_freeze = "


MINUTE_NS = 60_000_000_000


def merged(host: Host, *counts: int) -> None:
    """Have the database count these merges, one after the other; the last one for ever."""
    (host.answers / "local.merged").write_text("".join(f"{count}\n" for count in counts))


@pytest.mark.parametrize(("role", "freezes"), [("PRIMARY", 1), ("STANDBY", 0)])
def test_a_merge_is_allowed_for_as_long_as_it_takes_and_frozen_by_the_primary_alone(
    host: Host, role: str, freezes: int
) -> None:
    host.says("local", role, scn=5 * MINUTE_NS)
    merged(host, 0, 0, 0, 1)
    done = host.run("merge")
    assert done.returncode == 0, done.stderr
    called = host.called
    assert called.count("ALTER SYSTEM MAJOR FREEZE") == freezes
    assert called.index(f"{MERGES}True") < called.index("LAST_SCN") < called.rindex(f"{MERGES}False")
    # One of the day before does not count, one that the other side began a moment ago does.
    assert called.count(f"LAST_SCN >= {4 * MINUTE_NS}\n") == 4
    assert called.count(MERGES) == 2


def test_a_merge_that_does_not_end_is_said_and_none_is_allowed_afterwards(host: Host) -> None:
    host.says("local", "PRIMARY", scn=5 * MINUTE_NS)
    merged(host, 0)
    done = host.run("merge", "600")
    assert done.returncode == 1
    assert "waited 600 s for a merge of this PRIMARY to end" in done.stderr
    assert host.called.rstrip().endswith(f"{MERGES}False")


def test_a_database_that_is_down_is_not_merged(host: Host) -> None:
    host.says("local", "refused")
    done = host.run("merge")
    assert (done.returncode, host.called.count(MERGES)) == (1, 0)
    assert "nothing to merge" in done.stderr
