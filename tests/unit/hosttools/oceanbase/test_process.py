"""The tool as a process of its own: signals, the lock, and what it becomes."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inventory.places import PROJECT_ROOT
from tests.unit.hosttools.fake_mysql import Answer, serving
from tests.unit.hosttools.oceanbase.host import settings_in

_PROGRAM = '#!/bin/sh\nprintf "%s\\n" "$(basename "$0") $*" >> "$LOG"\n'
_SHOWN = """#!/bin/sh
{ printf '%s\\n' "$@"; printf 'LC_CTYPE=%s\\n' "$LC_CTYPE"; grep SigIgn /proc/$$/status; } > "$LOG"
"""
_PATIENCE_S = 120


class Process:
    """The tool on a host whose programs only note that they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base_dir = folder / "data" / "oceanbase"
        for made in (self.base_dir / "run", folder / "run", folder / "bin", folder / "seekdb" / "bin"):
            made.mkdir(parents=True)
        for name in ("nft", "ss", "systemctl"):
            self.program(f"bin/{name}", _PROGRAM)
        (folder / "root.cnf").write_text("[client]\nuser=root\npassword=p\n")
        (folder / "oceanbase.json").write_text(json.dumps(settings_in(folder, peers=[])))
        (self.base_dir / "loanstack-role").write_text("STANDBY\n")
        self.environment = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT_ROOT),
            "LOANSTACK_DB_SETTINGS": str(folder / "oceanbase.json"),
            "LOG": str(folder / "log"),
        }

    def program(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)
        (self.folder / path).chmod(0o755)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hosttools.oceanbase", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def socket(self) -> Path:
        return self.base_dir / "run" / "sql.sock"

    @property
    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def process() -> Iterator[Process]:
    # Not tmp_path: the path of a socket has at most 108 bytes.
    with tempfile.TemporaryDirectory(prefix="db-") as name:
        yield Process(Path(name))


def until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def is_waited_for(lock: Path) -> bool:
    """Say whether a process waits for the lock, as the kernel tells it."""
    locks = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{lock.stat().st_ino} " in line for line in locks)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_promotion_that_is_ended_gives_the_source_back_and_dies_of_the_signal(
    process: Process, number: signal.Signals
) -> None:
    hangs, over = threading.Event(), threading.Event()

    def answer(statement: str) -> Answer:
        if "ACTIVATE" in statement:
            hangs.set()
            over.wait(_PATIENCE_S)
            return None
        return "STANDBY"

    with serving(answer, socket=process.socket):
        promoting = process.begin("promote", "--fenced")
        assert hangs.wait(_PATIENCE_S)
        promoting.send_signal(number)
        stderr = promoting.communicate(timeout=_PATIENCE_S)[1]
        over.set()
    assert (promoting.returncode, stderr) == (-number, "")
    assert process.log[-1] == "nft delete table ip loanstack_promote"
    assert process.log.count(process.log[-1]) == 2
    assert (process.base_dir / "loanstack-role").read_text() == "STANDBY\n"


def test_a_promotion_over_the_database_s_socket(process: Process) -> None:
    roles = ["STANDBY", "PRIMARY"]
    with serving(lambda said: None if "ACTIVATE" in said else roles.pop(0), socket=process.socket):
        promoting = process.begin("promote", "--fenced")
        stdout, stderr = promoting.communicate(timeout=_PATIENCE_S)
    assert (promoting.returncode, stdout, stderr) == (0, "", "")
    assert (process.base_dir / "loanstack-role").read_text() == "PRIMARY\n"


def test_two_of_them_do_not_work_at_once(process: Process) -> None:
    """A deploy that was broken off may still be at work when the next one comes."""
    lock = process.folder / "run" / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = process.begin("bootstrap", "auto")
        until(lambda: is_waited_for(lock), "it to wait for the lock")
        assert second.poll() is None
        assert process.log == [], "it does nothing before it has the lock"
    assert second.communicate(timeout=_PATIENCE_S)[1].startswith("loanstack-db: already a STANDBY")


def test_one_that_waited_for_too_long_says_so(process: Process) -> None:
    lock = process.folder / "run" / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = process.begin("bootstrap", "auto")
        until(lambda: is_waited_for(lock), "it to wait for the lock")
        second.send_signal(signal.SIGALRM)
        stderr = second.communicate(timeout=_PATIENCE_S)[1]
    assert (second.returncode, stderr) == (
        1,
        "loanstack-db: another loanstack-db has been at work here for 240 s\n",
    )


def test_one_that_is_killed_leaves_no_lock(process: Process) -> None:
    hangs, over = threading.Event(), threading.Event()

    def answer(statement: str) -> Answer:
        hangs.set()
        over.wait(_PATIENCE_S)
        return "STANDBY"

    with serving(answer, socket=process.socket):
        first = process.begin("promote", "--fenced")
        assert hangs.wait(_PATIENCE_S)
        lock = (process.folder / "run" / "lock").open()
        with lock, pytest.raises(BlockingIOError):
            # As the agent looks at it.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        first.kill()
        first.communicate(timeout=_PATIENCE_S)
        over.set()
    with (process.folder / "run" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)


@pytest.mark.parametrize(("command", "program"), [("run", "seekdb/bin/seekdb"), ("sql", "bin/mariadb")])
def test_what_it_becomes_finds_the_environment_and_signals_untouched(
    process: Process, command: str, program: str
) -> None:
    """Python adds LC_CTYPE where no locale is set, and ignores SIGPIPE and SIGXFSZ.

    Whoever started these tests may ignore other signals (a shell's background job, a container's first
    process): all processes inherit that, and it stays.
    """
    process.program(program, _SHOWN)
    became = process.begin(command)
    assert became.communicate(timeout=_PATIENCE_S) == ("", "")
    *_, locale, ignored = process.log
    assert locale == "LC_CTYPE="
    assert ignored == f"SigIgn:\t{_inherited_ignored_signals():016x}"


def _inherited_ignored_signals() -> int:
    """A bit mask as in `/proc/PID/status`: what this process ignores, without what Python itself ignores."""
    status = Path("/proc/self/status").read_text()
    ignored = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:"))
    by_python = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    return ignored & ~by_python


def test_a_client_by_its_older_name_is_found(process: Process, tmp_path: Path) -> None:
    process.program("bin/mysql", _SHOWN)
    process.program("bin/sh", f'#!{Path("/bin/sh").resolve()}\nexec {Path("/bin/sh").resolve()} "$@"\n')
    (process.folder / "bin" / "grep").symlink_to("/bin/grep")
    process.environment["PATH"] = f"{process.folder}/bin"
    became = process.begin("sql", "--force")
    assert became.communicate(timeout=_PATIENCE_S) == ("", "")
    assert process.log[0] == f"--defaults-file={process.folder}/root.cnf"
    assert "--force" in process.log


def test_a_host_without_a_client_says_so(process: Process) -> None:
    process.environment["PATH"] = str(process.folder / "nothing")
    refused = process.begin("sql")
    said = "loanstack-db: this host has none of these programs: mariadb, mysql; install one of them\n"
    assert (refused.communicate(timeout=_PATIENCE_S), refused.returncode) == (("", said), 1)


def test_nothing_needs_a_program_to_ask_the_database(process: Process) -> None:
    process.environment["PATH"] = ""
    with serving(lambda statement: "PRIMARY", socket=process.socket):
        asked = process.begin("role")
        assert asked.communicate(timeout=_PATIENCE_S) == ("PRIMARY\n", "")


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [("run", "pymysql"), ("sql", "pymysql"), ("guard", "pymysql"), ("status", "shutil"), ("role", "json")],
)
def test_a_command_imports_only_what_it_needs(process: Process, command: str, unwanted: str) -> None:
    """Each start of the database and each plan waits for these imports."""
    process.program("seekdb/bin/seekdb", _SHOWN)
    process.program("bin/mariadb", _SHOWN)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "hosttools.oceanbase", command],
        env=process.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=_PATIENCE_S,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "hosttools.oceanbase.settings" in imported
    assert unwanted not in imported
