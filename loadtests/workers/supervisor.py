"""A worker's keeper on a host of role loadgen: what the control machine starts there over SSH.

    loanstack-load-worker check --version V               may a load begin? 0: yes; 2: no, and says why
    loanstack-load-worker work --version V --slot 1 -- ...  a worker, with the options of the locustfile
    loanstack-load-worker record --slot 1                 what it recorded, as a tarball

Nothing here connects or listens: orders come on standard input, which is the SSH session (`worker_link`), and
what the worker says goes out through the same. It ends when that link does: at the end of the orders, and
where none comes for a while, because a control machine that was cut off says nothing.
"""

import argparse
import contextlib
import fcntl
import gzip
import os
import select
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from loadtests.results.hdr_log import HDR_FILE
from loadtests.results.run_info import LOAD_FILE
from loadtests.workers import fingerprint
from proof.files import LEDGER_FILE, READS_FILE

RECORD = (LEDGER_FILE, READS_FILE, HDR_FILE, LOAD_FILE)
"""What a worker leaves; the last is there only if the others are whole."""
OK, FAILED, USAGE = range(3)
LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
SILENT_S = 5.0
"""The control machine gives a sign of life every second."""
_LOOK_EVERY_S = 0.2
_RECORD_WITHIN_S = 20.0
_READ_BYTES = 65_536


def main(argv: Sequence[str] | None = None) -> int:
    """Do what was asked for and return the exit code."""
    parser = argparse.ArgumentParser(prog="loanstack-load-worker", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where workers record")
    parser.add_argument("--ca-dir", required=True, help="where ca.pem of the gateways' authority is")
    verbs = parser.add_subparsers(dest="verb", required=True)
    check, work, record = (verbs.add_parser(name) for name in ("check", "work", "record"))
    for verb in (check, work):
        verb.add_argument("--version", required=True, help="what the control machine has")
    for verb in (work, record):
        verb.add_argument("--slot", type=int, required=True, help="which of this host's workers, from 1")
    work.add_argument("--end-within", type=float, default=30.0, metavar="S", help="then it is killed")
    work.add_argument("options", nargs="*", help="those of the locustfile")
    asked = parser.parse_args(argv)
    if asked.verb == "record":
        return _record(asked.folder, asked.slot)
    has = fingerprint.of_code()
    if has != asked.version:
        return _refuse(
            f"has load generator {has}, the control machine {asked.version}: they would plan differently; "
            "fill the depot from this checkout (lab: loanstack lab up), and deploy load_generator"
        )
    if asked.verb == "check":
        return OK
    return _work(asked)


def _work(asked: argparse.Namespace) -> int:
    folder = asked.folder / str(asked.slot)
    with _held(asked.folder, asked.slot, within_s=0.0) as lock:
        if lock is None:
            return _refuse("makes another load right now; wait for its end")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        own = ["--run-folder", str(folder), "--ca-dir", asked.ca_dir, "--linked"]
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "locust", "-f", str(LOCUSTFILE), "--headless", *asked.options, *own],
            stdin=subprocess.PIPE,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"},
            # Held on as long as the worker lives, also where this keeper is killed.
            pass_fds=(lock,),
            # Its end is the end of its orders: what ends this keeper must not cut its record short.
            start_new_session=True,
        )
        status = keep(child, sys.stdin.fileno(), end_within_s=asked.end_within)
    with contextlib.suppress(BrokenPipeError):
        os.write(
            sys.stdout.fileno(),
            orjson.dumps({"said": "ended", "status": status}, option=orjson.OPT_APPEND_NEWLINE),
        )
    return status if status >= 0 else FAILED


def keep(child: "subprocess.Popen[bytes]", orders: int, *, end_within_s: float) -> int:
    """Hand orders on until they end, end the worker then, and return how it ended.

    + orders: file that they are read from
    + end_within_s: how long the worker may take to complete its record

    Returns:
        Exit code, or minus the signal that killed it.
    """
    assert child.stdin is not None
    heard_s, rest = time.monotonic(), b""
    with contextlib.suppress(BrokenPipeError):
        while child.poll() is None:
            if not select.select([orders], [], [], _LOOK_EVERY_S)[0]:
                if time.monotonic() - heard_s > SILENT_S:
                    _say(f"the control machine has said nothing for {SILENT_S:g} s: the worker is ended")
                    break
                continue
            data = os.read(orders, _READ_BYTES)
            if not data:
                break
            heard_s = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if orjson.loads(line)["order"] == "kill":
                    child.kill()
                else:
                    child.stdin.write(line + b"\n")
            child.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    try:
        return child.wait(end_within_s)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _record(folder: Path, slot: int) -> int:
    """Write what a worker recorded to standard output, once it has ended."""
    with _held(folder, slot, within_s=_RECORD_WITHIN_S) as lock:
        if lock is None:
            _say(f"the worker has not ended within {_RECORD_WITHIN_S:g} s")
            return FAILED
        # Little, because it is fast: a ledger shrinks to a fifth all the same.
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=sys.stdout.buffer, compresslevel=1) as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            for name in RECORD:
                if (folder / str(slot) / name).exists():
                    tar.add(folder / str(slot) / name, arcname=name)
    return OK


@contextlib.contextmanager
def _held(folder: Path, slot: int, *, within_s: float) -> Iterator[int | None]:
    """Hold a worker's place alone; None: another holds it, also after so many seconds."""
    with (folder / f"{slot}.lock").open("w") as file:
        deadline_s = time.monotonic() + within_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline_s:
                    yield None
                    return
                time.sleep(_LOOK_EVERY_S)
            else:
                yield file.fileno()
                return


def _refuse(why: str) -> int:
    _say(why)
    return USAGE


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stderr.fileno(), f"load: {socket.gethostname()}: {line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
