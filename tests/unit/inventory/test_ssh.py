"""What runs on a host through a session, and ends with it."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from inventory.ssh import WHILE_CONNECTED


def test_a_loop_ends_with_the_session_though_nobody_minds_what_it_writes(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    loop = f"while {WHILE_CONNECTED}; do echo $$ >> {beats}; sleep 0.05; done"
    # The outer shell stands for the session's sshd, whose child the user's shell is.
    with subprocess.Popen(["bash", "-c", 'bash -c "$1" & wait', "session", loop]) as session:
        until(lambda: beats.exists() and beats.read_text().count("\n") >= 2, "the loop runs while it lives")
        session.kill()
    pid = int(beats.read_text().split()[0])
    until(lambda: not is_running(pid), "the loop has ended")


def until(reached: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + 120.0
    while not reached():
        assert time.monotonic() < until_s, what
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
