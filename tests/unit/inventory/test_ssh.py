"""What runs on a host through a session, and ends with it."""

import subprocess
import time
from pathlib import Path

from inventory.ssh import WHILE_CONNECTED


def test_a_loop_ends_with_the_session_though_nobody_minds_what_it_writes(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    loop = f"while {WHILE_CONNECTED}; do echo beat >> {beats}; sleep 0.05; done"
    # The outer shell stands for the session's sshd, whose child the user's shell is.
    with subprocess.Popen(["bash", "-c", 'bash -c "$1" & wait', "session", loop]) as session:
        until_s = time.monotonic() + 10.0
        while not beats.exists():
            assert time.monotonic() < until_s, "the loop runs while the session lives"
            time.sleep(0.02)
        session.kill()
    time.sleep(0.5)
    counted = len(beats.read_text())
    time.sleep(0.5)
    assert len(beats.read_text()) == counted
