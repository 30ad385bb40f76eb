"""The generator as users start it: plain Locust in its own process, against fake services."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from inventory import environment
from inventory.places import PROJECT_ROOT
from loadtests.results import figures, run_info
from loadtests.results.judge import judge_record
from proof.files import read_lines
from proof.record import Read, Write
from proof.verdict import Verdict

SLO = environment("lab").load_slo
_LOCUSTFILE = "loadtests/locustfile.py"
PATIENT = Path(__file__).with_name("patient")
"""What has no production time-outs, which a starved machine may exceed."""
TIMEOUT_S = 240
_FAKE = Path(__file__).with_name("fake_services.py")


@contextmanager
def services(fault: str = "none", delays_ms: Sequence[float] = ()) -> Iterator[str]:
    delays = ("--delays-ms", *map(str, delays_ms)) if delays_ms else ()
    process = subprocess.Popen(
        [sys.executable, str(_FAKE), "--fault", fault, *delays], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def command(host: str, folder: Path, *more: str, is_patient: bool = True) -> list[str]:
    locustfile = str(PATIENT / "locustfile.py") if is_patient else _LOCUSTFILE
    return [
        *(sys.executable, "-m", "locust", "-f", locustfile, "--headless"),
        "--host",
        host,
        "--run-folder",
        str(folder),
        "--run-seed",
        "1",
        "--warm-up",
        "0s",
        *more,
    ]


def run(
    host: str, folder: Path, *more: str, is_patient: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(host, folder, *more, is_patient=is_patient),
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_a_load_as_planned(tmp_path):
    with services() as host:
        done = run(host, tmp_path, "--rate", "200", "--duration", "3s", "--users", "16")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "600 acknowledged of 600 planned, 0 errors" in done.stderr
    found = figures.of_folder(tmp_path)
    assert found.values["transactions_acknowledged"] == found.values["writes_recorded"] == 600
    assert found.values["tps_acknowledged"] == 200.0
    assert found.values["errors"] == 0
    assert found.values["generator_cpu_ms_per_request"] > 0.0
    writes = list(read_lines(tmp_path / "ledger.jsonl", Write))
    assert len({write.key for write in writes}) == 600
    assert {write.entity for write in writes} == {"QH01", "QH02", "QH03", "QH04"}
    start_s = run_info.read(tmp_path).start_s
    assert sorted(round((write.planned_s - start_s) * 200, 3) for write in writes) == list(range(600))
    mix = Counter(write.operation for write in writes)
    assert mix["drawdown"] > mix["repayment"] > mix["admission"] > mix["freeze"] > 0
    frozen = [read for read in read_lines(tmp_path / "reads.jsonl", Read) if read.planned_s > start_s]
    assert len(frozen) >= mix["freeze"] + 600 * 0.05 * 0.9
    # The lag of a standby is measured elsewhere; without it nothing passes.
    judgement = judge_record(found, SLO)
    assert judgement.verdict is not Verdict.PASS
    assert "the standby's lag was measured 0 times; needed: at least 2" in judgement.reasons


@pytest.mark.parametrize(
    ("fault", "outcome", "error"),
    [
        ("reset", "indeterminate", "connection closed."),
        ("refuse", "indeterminate", "HTTP 500 internal"),
        ("unavailable", "rejected", "HTTP 503 unavailable"),
        ("wrong-amount", "acknowledged", "body: "),
    ],
)
def test_faults_are_recorded_for_what_they_are(tmp_path, fault, outcome, error):
    with services(fault) as host:
        done = run(host, tmp_path, "--rate", "200", "--duration", "2s", "--users", "16")
    assert done.returncode == 0, done.stderr
    failed = [write for write in read_lines(tmp_path / "ledger.jsonl", Write) if write.is_error]
    assert failed
    assert {write.outcome for write in failed} == {outcome}
    assert all(write.error.startswith(error) for write in failed)
    found = figures.of_folder(tmp_path)
    assert found.values["writes_recorded"] == 400
    reasons = judge_record(found, SLO).reasons
    assert any(reason.startswith(f"Errors: {len(failed)} (") for reason in reasons)


def test_a_thousand_users_are_no_problem(tmp_path):
    with services() as host:
        done = run(host, tmp_path, "--rate", "300", "--duration", "5s", "--users", "1100")
    assert done.returncode == 0, done.stderr
    found = figures.of_folder(tmp_path)
    assert (found.values["transactions_acknowledged"], found.values["errors"]) == (1500, 0)
    start_s = run_info.read(tmp_path).start_s
    before = [read for read in read_lines(tmp_path / "reads.jsonl", Read) if read.planned_s < start_s]
    assert len(before) >= 1100, "each connection has carried a request before the first arrival"


@pytest.mark.parametrize("host", ["https://198.18.255.1:443", "http://192.0.2.7:8080"])
def test_nothing_but_the_environments_gateways_is_loaded(tmp_path, host):
    done = run(host, tmp_path / "run", "--rate", "5", "--duration", "2s", "--users", "2")
    assert done.returncode == 2
    assert "is no gateway of lab; allowed: https://198.19.0." in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_ends_once_a_promise_cannot_be_kept_any_more(tmp_path):
    with services("refuse") as host:
        asked = ("--rate", "200", "--duration", "180s", "--users", "16", "--abort-on-fail")
        done = run(host, tmp_path, *asked)
    assert done.returncode == 0, done.stderr
    assert "ended early: " in done.stderr
    found = figures.of_folder(tmp_path)
    assert found.run_info.measured_s < 60.0
    assert "errors; the whole run may have 0" in str(found.run_info.aborted)
    reasons = judge_record(found, SLO).reasons
    assert any(reason.startswith("ended after ") for reason in reasons)
    assert not any("the load was ended" in reason for reason in reasons), "it was not spoiled, it failed"


def test_a_run_that_keeps_its_promises_goes_on_to_its_end(tmp_path):
    with services() as host:
        done = run(host, tmp_path, "--rate", "100", "--duration", "2s", "--users", "8", "--abort-on-fail")
    assert done.returncode == 0, done.stderr
    assert figures.of_folder(tmp_path).run_info.stopped_s is None


def test_a_warm_up_is_recorded_and_not_measured(tmp_path):
    with services() as host:
        done = run(host, tmp_path, "--rate", "100", "--duration", "1s", "--users", "8", "--warm-up", "2s")
    assert done.returncode == 0, done.stderr
    writes = list(read_lines(tmp_path / "ledger.jsonl", Write))
    assert Counter(write.warm_up for write in writes) == {True: 150, False: 100}
    start_s = run_info.read(tmp_path).start_s
    assert all(write.warm_up == (write.planned_s < start_s) for write in writes)
    found = figures.of_folder(tmp_path)
    assert found.values["writes_planned"] == found.values["writes_recorded"] == 100
    assert (found.values["tps_acknowledged"], found.values["warm_up_s"]) == (100.0, 2.0)


def test_tables_of_locust_itself_are_kept_for_whoever_asks(tmp_path):
    with services() as host:
        done = run(
            *(host, tmp_path / "run", "--rate", "50", "--duration", "1s", "--users", "4"),
            *("--csv", str(tmp_path / "table")),
        )
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "table_stats.csv").read_text().splitlines()
    assert any(row.startswith("POST,/v1/limits/{id}/drawdowns,") for row in rows)


@pytest.mark.parametrize("more", [("--processes", "2"), ("--master", "--master-bind-port", "15579")])
def test_a_master_without_our_workers_is_refused_and_says_how_it_is_done(tmp_path, more):
    done = run("http://127.0.0.1:9", tmp_path / "run", *more)
    assert done.returncode == 2, done.stderr
    assert "python -m loadtests.workers --workers N" in done.stderr
    assert not (tmp_path / "run").exists()
    left = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            left += [path] if str(tmp_path).encode() in path.read_bytes() else []
    assert left == []


def test_a_broken_user_makes_no_load(tmp_path):
    with services() as host:
        asked = ("--rate", "50", "--duration", "1s", "--users", "4")
        done = run(host, tmp_path / "run", *asked, BROKEN_USER="1")
    assert done.returncode == 1, done.stderr
    assert run_info.read(tmp_path / "run").requests > 0, "its record is whole"


def test_a_service_that_hangs_slows_nothing_down_in_silence(tmp_path):
    with services("slow") as host:
        asked = ("--rate", "100", "--duration", "3s", "--users", "16")
        done = run(host, tmp_path, *asked, is_patient=False)
    assert done.returncode == 0, done.stderr
    outcomes = Counter(write.outcome for write in read_lines(tmp_path / "ledger.jsonl", Write))
    assert outcomes.total() == 300
    assert outcomes["indeterminate"] == 16
    assert outcomes["unsent"] > 200
    assert figures.of_folder(tmp_path).values["errors"] == 300 - outcomes["acknowledged"]


def test_a_load_that_is_ended_early_leaves_a_whole_record(tmp_path):
    with services() as host:
        process = subprocess.Popen(
            command(host, tmp_path, "--rate", "100", "--duration", "300s", "--users", "16"),
            cwd=PROJECT_ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        ledger = tmp_path / "ledger.jsonl"
        deadline = time.monotonic() + TIMEOUT_S
        while not (ledger.exists() and ledger.stat().st_size):
            assert time.monotonic() < deadline, f"no write was recorded within {TIMEOUT_S} s"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, errors
    known = run_info.read(tmp_path)
    writes = list(read_lines(ledger, Write))
    assert known.stopped_s is not None
    assert all(write.planned_s <= known.stopped_s + 1.0 for write in writes), "nothing but what was due"
    due = sum(write.planned_s <= known.stopped_s for write in writes)
    assert due == pytest.approx(known.measured_s * 100, abs=3)
    judgement = judge_record(figures.of_folder(tmp_path), SLO)
    assert judgement.verdict is Verdict.INVALID
    assert "ended after" in judgement.reasons[0]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--rate", "0"), "argument --rate: '0'; allowed: a number of writes a second above 0"),
        (("--users", "20000"), "--users 20000; allowed: 1 to 10000"),
        ((), "http://127.0.0.1:9/v1/products for QH01: connect: Connection refused"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(tmp_path, options, complaint):
    folder = tmp_path / "run"
    done = run("http://127.0.0.1:9", folder, *options)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not folder.exists()


def test_the_record_of_another_run_is_kept(tmp_path):
    (tmp_path / "ledger.jsonl").write_text("evidence\n")
    with services() as host:
        done = run(host, tmp_path)
    assert done.returncode == 2
    assert "is the record of another run; choose another --run-folder" in done.stderr
    assert (tmp_path / "ledger.jsonl").read_text() == "evidence\n"


def test_pure_parts_load_without_locust():
    script = (
        "import sys, loadtests.results.figures, loadtests.results.judge, loadtests.results.run_info;"
        "sys.exit(any(name in sys.modules for name in ('gevent', 'locust', 'geventhttpclient')))"
    )
    environ = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    assert subprocess.run([sys.executable, "-c", script], env=environ, check=False).returncode == 0
