"""Several workers as users start them, in processes of their own, against fake services."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from inventory.places import PROJECT_ROOT
from inventory.ssh import LOAD_TOKEN_VARIABLE
from loadtests.results import figures, hdr_log, run_info
from loadtests.results.judge import judge_record
from loadtests.workers.command import main
from loadtests.workers.merge import folder_of
from loadtests.workers.placement import NO_ABORT
from proof.exits import ExitCode
from proof.files import LEDGER_FILE, READS_FILE, read_lines
from proof.record import Write
from proof.verdict import Verdict
from tests.unit.loadtests.test_locust import PATIENT, SLO, TIMEOUT_S, services

_TOKEN = f"{LOAD_TOKEN_VARIABLE}=".encode()


def command(host: str, folder: Path, number: int, *more: str) -> list[str]:
    own = ["--workers", str(number), "--host", host, "--run-folder", str(folder), "--run-seed", "1"]
    return [
        sys.executable,
        str(PATIENT / "run.py"),
        "loadtests.workers.command",
        *own,
        "--users",
        "12",
        "--warm-up",
        "0s",
        *more,
    ]


def run(
    host: str, folder: Path, number: int, *more: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(host, folder, number, *more),
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@contextmanager
def under_way(
    folder: Path,
    number: int,
    environment: Mapping[str, str] | None = None,
    *,
    plan: tuple[str, ...] = ("--rate", "100", "--duration", "300s"),
) -> Iterator["subprocess.Popen[str]"]:
    """A load, of five minutes unless planned otherwise, of which every worker has recorded something."""
    with services() as host:
        process = subprocess.Popen(
            command(host, folder, number, *plan),
            cwd=PROJECT_ROOT,
            env={**os.environ, **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            ledgers = [folder_of(folder, each) / LEDGER_FILE for each in range(1, number + 1)]
            wait_until(
                lambda: all(path.exists() and path.stat().st_size for path in ledgers), "a write of each"
            )
            yield process
        finally:
            process.kill()
            process.communicate(timeout=TIMEOUT_S)
            wait_until(lambda: not pids(folder), "the end of all workers")


def wait_until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not reached():
        assert time.monotonic() < deadline, f"no {what} within {TIMEOUT_S} s"
        time.sleep(0.05)


def pids(folder: Path) -> dict[int, int]:
    """Return {worker: process} of those that run into `folder`."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if not {"--place", "--run-folder"} <= set(words):
            continue
        if Path(words[words.index("--run-folder") + 1]).parent.parent == folder:
            found[int(words[words.index("--place") + 1].split("/")[1])] = int(path.parent.name)
    return found


def test_two_workers_make_the_load_of_one(tmp_path):
    with services() as host:
        done = run(host, tmp_path, 2, "--rate", "200", "--duration", "3s")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "600 acknowledged of 600 planned, 0 errors" in done.stderr
    known = run_info.read(tmp_path)
    writes = list(read_lines(tmp_path / LEDGER_FILE, Write))
    due = [round((write.planned_s - known.start_s) * 200, 3) for write in writes]
    assert sorted(due) == list(range(600))
    assert [write.ended_s for write in writes] == sorted(write.ended_s for write in writes)
    assert len({write.key for write in writes}) == 600
    touched = [set(), set()]
    for number in (1, 2):
        own = list(read_lines(folder_of(tmp_path, number) / LEDGER_FILE, Write))
        assert {round((write.planned_s - known.start_s) * 200) % 2 for write in own} == {number - 1}
        touched[number - 1] = {write.customer_id for write in own}
        assert run_info.read(folder_of(tmp_path, number)).start_s == known.start_s
    assert not touched[0] & touched[1]
    found = figures.of_folder(tmp_path)
    assert (found.values["transactions_acknowledged"], found.values["errors"]) == (600, 0)
    assert [pair.count for pair in hdr_log.read(tmp_path)] == [600, 600]
    assert found.values["latency_p99_ms"] == pytest.approx(hdr_log.read(tmp_path)[0].percentile_ms(99.0))
    assert [(one.users, one.writes_recorded, one.lost) for one in known.workers] == [(6, 300, None)] * 2
    assert all(0.0 < one.cpu_percent < known.cpu_percent for one in known.workers)
    assert all(one.clock_ahead_ms is not None for one in known.workers)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "said nothing for 5 s")],
)
def test_a_lost_worker_ends_the_load_at_once_and_the_rest_of_the_record_is_whole(tmp_path, number, words):
    with under_way(tmp_path, 3, {"SILENT_S": "5"} if number == signal.SIGSTOP else {}) as process:
        os.kill(pids(tmp_path)[2], number)
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == ExitCode.INVALID, said
        assert not pids(tmp_path)
    assert f"worker 2 of 3 {words}" in said
    known = run_info.read(tmp_path)
    assert [one.lost for one in known.workers] == [None, words, None]
    assert known.stopped_s is not None
    kept = Counter()
    for name in (LEDGER_FILE, READS_FILE):
        merged = (tmp_path / name).read_bytes().splitlines()
        parts = [(folder_of(tmp_path, each) / name).read_bytes().splitlines() for each in (1, 2, 3)]
        assert sorted(merged) == sorted(line for part in parts for line in part)
        kept.update(orjson.loads(line)["outcome"] for line in merged)
    assert set(kept) == {"acknowledged"}
    judgement = judge_record(figures.of_folder(tmp_path), SLO)
    assert judgement.verdict is Verdict.INVALID
    assert judgement.reasons[0] == f"worker 2 of 3 {words}"


def test_a_stranger_at_the_masters_port_upsets_nothing(tmp_path):
    with under_way(tmp_path, 2, plan=("--rate", "15", "--duration", "10s")) as process:
        come_as_a_stranger(tmp_path)
        _, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == ExitCode.PASS, said
    assert "150 acknowledged of 150 planned, 0 errors" in said
    assert said.count("a stranger at the master's port, 'stranger', came when all workers were there") == 1


def test_a_stranger_that_comes_first_takes_no_worker_s_place(tmp_path):
    open_door = tmp_path / "go"
    with (
        services() as host,
        subprocess.Popen(
            command(host, tmp_path / "run", 2, "--rate", "20", "--duration", "2s"),
            cwd=PROJECT_ROOT,
            env={**os.environ, "HELLO_AFTER": str(open_door)},
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            wait_until(lambda: 1 in pids(tmp_path / "run"), "a worker")
            come_as_a_stranger(tmp_path / "run")
            assert process.stderr is not None
            named = process.stderr.readline()
            open_door.touch()
            _, said = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
            wait_until(lambda: not pids(tmp_path / "run"), "the end of all workers")
    why = "said it was 'here/1', without the token of this load: it is not heard"
    assert named == f"load: a stranger at the master's port, 'stranger', {why}\n"
    assert process.returncode == ExitCode.PASS, said
    assert "a stranger" not in said
    assert "40 acknowledged of 40 planned, 0 errors" in said


def test_the_token_of_a_load_is_its_own_and_in_no_command_line(tmp_path):
    found = []
    for each in ("one", "other"):
        with under_way(tmp_path / each, 2) as process:
            tokens = set()
            for pid in pids(tmp_path / each).values():
                variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                (token,) = (line.partition(b"=")[2] for line in variables if line.startswith(_TOKEN))
                tokens.add(token)
            (token,) = tokens
            assert len(token) >= 32
            assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if token in readable(path)]
            found.append(token)
            process.kill()
    assert found[0] != found[1]


def come_as_a_stranger(folder: Path) -> None:
    """Send the master of the load into `folder` what no worker would."""
    words = Path(f"/proc/{pids(folder)[1]}/cmdline").read_bytes().decode().split("\0")
    port = words[words.index("--master-port") + 1]
    stranger = [sys.executable, str(Path(__file__).with_name("stranger.py")), port]
    assert subprocess.run(stranger, check=False, timeout=TIMEOUT_S).returncode == 0


def readable(path: Path) -> bytes:
    """Return the content of a file; nothing of one that is gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_load_whose_workers_all_stood_still_for_a_while_comes_to_its_end(tmp_path):
    with under_way(tmp_path, 2, plan=("--rate", "20", "--duration", "10s")) as process:
        stopped = pids(tmp_path).values()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        # By Locust's own rule they would be missing by now, and their users be stopped.
        time.sleep(6.0)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        _, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == ExitCode.PASS, said
    assert "200 acknowledged of 200 planned" in said
    assert run_info.read(tmp_path).stall_ms > 1000.0
    reasons = judge_record(figures.of_folder(tmp_path), SLO).reasons
    assert any("the load generator itself stood still for" in reason for reason in reasons), reasons


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert refused("http://127.0.0.1:9", tmp_path / "file" / "run", 2) == ExitCode.USAGE
    assert "file/run" in capsys.readouterr().err


def test_all_mistakes_are_named_at_once(tmp_path, capsys):
    asked = ("--abort-on-fail", "--processes-per-host", "2", "--start-at", "inf", "--rate", "0.001")
    assert refused("http://127.0.0.1:9", tmp_path / "run", 2, *asked) == ExitCode.USAGE
    said = capsys.readouterr().err
    for word in (NO_ABORT, "--processes-per-host with", "--start-at inf", "plans no write"):
        assert word in said


def test_workers_that_are_told_too_late_begin_nothing(tmp_path):
    with services() as host:
        done = run(host, tmp_path, 2, "--rate", "20", "--duration", "300s", START_LEAD_S="-1")
    assert done.returncode == ExitCode.INVALID, done.stderr
    assert re.search(r"worker 1 of 2 refused: the order to begin came \d+ ms too late", done.stderr)
    assert (tmp_path / LEDGER_FILE).read_bytes() == b""
    assert judge_record(figures.of_folder(tmp_path), SLO).verdict is Verdict.INVALID


def test_a_worker_with_a_broken_user_is_lost(tmp_path):
    with services() as host:
        done = run(host, tmp_path, 2, "--rate", "20", "--duration", "2s", BROKEN_USER="1")
    assert done.returncode == ExitCode.INVALID, done.stderr
    lost = "ended with status 1 when the load was over"
    assert [one.lost for one in run_info.read(tmp_path).workers] == [lost, lost]


def test_five_workers_share_twelve_users(tmp_path):
    with services() as host:
        done = run(host, tmp_path, 5, "--rate", "50", "--duration", "2s")
    assert done.returncode == ExitCode.PASS, done.stderr
    assert [one.users for one in run_info.read(tmp_path).workers] == [3, 3, 2, 2, 2]
    assert len(list(read_lines(tmp_path / LEDGER_FILE, Write))) == 100


def test_ctrl_c_ends_all_workers_and_leaves_a_whole_record(tmp_path):
    with under_way(tmp_path, 2) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, said
        assert not pids(tmp_path)
    known = run_info.read(tmp_path)
    assert [one.lost for one in known.workers] == [None, None]
    assert known.stopped_s is not None
    writes = list(read_lines(tmp_path / LEDGER_FILE, Write))
    assert {write.outcome for write in writes} == {"acknowledged"}
    for number in (1, 2):
        own = folder_of(tmp_path, number)
        stopped_s = run_info.read(own).stopped_s
        assert stopped_s is not None
        last_s = max(write.planned_s for write in read_lines(own / LEDGER_FILE, Write))
        assert last_s <= stopped_s + 1.0, "nothing but what was due"
    assert "ended after" in judge_record(figures.of_folder(tmp_path), SLO).reasons[0]


def test_workers_end_by_themselves_when_nobody_is_left_to_end_them(tmp_path):
    with under_way(tmp_path, 2) as process:
        process.kill()
        wait_until(lambda: not pids(tmp_path), "end of the workers")
    assert all(run_info.read(folder_of(tmp_path, number)).stopped_s for number in (1, 2))


@pytest.mark.parametrize(
    ("number", "options", "complaint"),
    [
        (0, (), "--workers 0; allowed: 1 to 12, the users that they share"),
        (13, (), "--workers 13; allowed: 1 to 12, the users that they share"),
        (-1, (), "--workers -1; allowed: 1 to 12"),
        (2, ("--frequency", "5"), "unrecognized arguments: --frequency 5"),
        (2, ("--rate", "0"), "argument --rate: '0'"),
        (2, ("--shape", "wave"), "shape 'wave'; allowed: constant"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_started(
    tmp_path, capsys, number, options, complaint
):
    assert refused("http://127.0.0.1:9", tmp_path / "run", number, *options) == ExitCode.USAGE
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def refused(*asked) -> int | str | None:
    """Ask for a load here, without a process of its own, and return its exit code."""
    try:
        return main(command(*asked)[3:])
    except SystemExit as end:
        return end.code


def test_what_the_workers_refuse_is_said_once_in_their_words(tmp_path):
    done = run("http://127.0.0.1:9", tmp_path, 2)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.count("http://127.0.0.1:9/v1/products for QH01: connect: Connection refused") == 1
    assert "Traceback" not in done.stderr


def test_the_record_of_another_run_is_kept(tmp_path, capsys):
    (tmp_path / LEDGER_FILE).write_text("evidence\n")
    assert refused("http://127.0.0.1:9", tmp_path, 2) == ExitCode.USAGE
    assert "is the record of another run; choose another --run-folder" in capsys.readouterr().err
    assert (tmp_path / LEDGER_FILE).read_text() == "evidence\n"
