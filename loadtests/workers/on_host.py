"""What the control machine asks a host of role loadgen before and after a load, over SSH.

    loanstack-load-worker check --version V     may a load begin? 0: yes; 2: no, and says why
    loanstack-load-worker record --slot 1       what the worker recorded, as a tarball, once it has ended

The workers themselves are units of systemd (`inventory.ssh.LOAD_UNIT`).
"""

import argparse
import gzip
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from inventory.ssh import LOAD_UNIT
from loadtests.results.hdr_log import HDR_FILE
from loadtests.results.run_info import LOAD_FILE
from loadtests.workers import fingerprint
from proof.exits import ExitCode
from proof.files import LEDGER_FILE, READS_FILE

RECORD = (LEDGER_FILE, READS_FILE, HDR_FILE, LOAD_FILE)
"""What a worker leaves; the last is there only if the others are whole."""
_LOOK_EVERY_S = 0.2
_ENDED_WITHIN_S = 20.0
_ANY_SLOT = "*"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what was asked for and return the exit code."""
    parser = argparse.ArgumentParser(prog="loanstack-load-worker", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where workers record")
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="say whether a load may begin")
    check.add_argument("--version", required=True, help="what the control machine has")
    record = verbs.add_parser("record", help="write what a worker recorded to standard output")
    record.add_argument("--slot", type=int, required=True, help="which of this host's workers, from 1")
    asked = parser.parse_args(argv)
    if asked.verb == "record":
        return record_of(asked.folder, asked.slot, is_active=unit_is_active)
    why = refusal(asked.version, is_active=unit_is_active)
    if why is not None:
        _say(why)
        return ExitCode.USAGE
    return ExitCode.PASS


def refusal(version: str, *, is_active: Callable[[str], bool]) -> str | None:
    """Return why no load may begin here; None: it may.

    + version: that of the control machine's load generator
    + is_active: says whether a worker's unit runs
    """
    has = fingerprint.of_code()
    if has != version:
        return (
            f"has load generator {has}, the control machine {version}: they would plan differently; "
            "fill the depot from this checkout (lab: loanstack lab up), and deploy load_generator"
        )
    if is_active(LOAD_UNIT.format(slot=_ANY_SLOT)):
        return "makes another load right now; wait for its end"
    return None


def record_of(folder: Path, slot: int, *, is_active: Callable[[str], bool]) -> ExitCode:
    """Write what a worker recorded to standard output, once it has ended."""
    deadline_s = time.monotonic() + _ENDED_WITHIN_S
    while is_active(LOAD_UNIT.format(slot=slot)):
        if time.monotonic() >= deadline_s:
            _say(f"the worker has not ended within {_ENDED_WITHIN_S:g} s")
            return ExitCode.FAIL
        time.sleep(_LOOK_EVERY_S)
    # Little, because it is fast: a ledger shrinks to a fifth all the same.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=sys.stdout.buffer, compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        for name in RECORD:
            if (folder / str(slot) / name).exists():
                tar.add(folder / str(slot) / name, arcname=name)
    return ExitCode.PASS


def unit_is_active(unit: str) -> bool:
    """Say whether systemd runs `unit`, or one that the pattern fits."""
    done = subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False)
    return done.returncode == 0


def _say(line: str) -> None:
    sys.stderr.write(f"load: {socket.gethostname()}: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
