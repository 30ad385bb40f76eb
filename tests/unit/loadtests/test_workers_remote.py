"""Workers on hosts, with a script in place of ssh and processes in place of the hosts' units."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inventory import environment, qinghai
from inventory.places import PROJECT_ROOT
from inventory.purpose import CONSENT_VARIABLE, Purpose
from inventory.ssh import LOAD_TOKEN_VARIABLE, LOAD_WORKER
from loadtests.results import figures, hdr_log, run_info
from loadtests.results.judge import judge_record
from loadtests.workers import remote
from loadtests.workers.command import main
from loadtests.workers.merge import folder_of
from loadtests.workers.placement import Place
from proof.exits import ExitCode
from proof.files import LEDGER_FILE, read_lines
from proof.record import Write
from tests.unit.loadtests.test_locust import PATIENT, SLO, TIMEOUT_S, services
from tests.unit.loadtests.test_workers import wait_until

QINGHAI = environment("qinghai")
HOSTS = ("load-a1", "load-b1")

_SSH = f'''#!{sys.executable}
"""As ssh would: each host has its folder, and its units of systemd are processes on this machine."""
import os, re, shlex, subprocess, sys
hosts, command, target = os.environ["FAKE_HOSTS"], sys.argv[-1], sys.argv[-2]
folder = os.path.join(hosts, target)
os.makedirs(folder, exist_ok=True)
words = shlex.split(command)
if words[0] == "{LOAD_WORKER}":
    module = ["-m", "loadtests.workers.on_host", "--folder", folder]
    os.execv(sys.executable, [sys.executable, *module, *words[1:]])
if words[:2] == ["systemctl", "kill"]:
    os.kill(int(open(os.path.join(folder, "pid")).read()), 9)
    sys.exit(0)
host, is_b = ("load-b1", True) if "10.63.0.149" in target else ("load-a1", False)
slot = re.search("load@([0-9]+)", command)[1]
port = sys.argv[sys.argv.index("-R") + 1].rsplit(":", 1)[1]
os.makedirs(os.path.join(folder, slot))
locust = [sys.executable, "-m", "locust", "-f", "{PATIENT}/locustfile.py", "--headless", "--worker"]
master = ["--master-host", "127.0.0.1", "--master-port", port, "--place", f"{{host}}/{{slot}}"]
own = ["--run-folder", os.path.join(folder, slot), "--host", os.environ["FAKE_TARGET"]]
ahead = {{"FAKE_AHEAD_S": os.environ.get("FAKE_AHEAD_S", "0")}} if is_b else {{}}
# A unit outlives the session that waits for it.
given = dict(line.split("=", 1) for line in sys.stdin.read().splitlines())
os.environ.pop("{LOAD_TOKEN_VARIABLE}", None)
unit = subprocess.Popen([*locust, *master, *own], env={{**os.environ, "FAKE_AHEAD_S": "0", **ahead, **given}},
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
open(os.path.join(folder, "pid"), "w").write(str(unit.pid))
status = unit.wait()
print(f"ExecMainCode={{2 if status < 0 else 1}}", f"ExecMainStatus={{abs(status)}}", sep=os.linesep)
'''


def surroundings(folder: Path, target: str, ssh: str = _SSH) -> dict[str, str]:
    """Return the environment of a control machine whose `ssh` is this script."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "ssh").write_text(ssh)
    (programs / "ssh").chmod(0o755)
    paths = f"{programs}:{os.environ['PATH']}"
    return {**os.environ, "PATH": paths, "FAKE_HOSTS": str(folder / "hosts"), "FAKE_TARGET": target}


def command(folder: Path, *more: str, hosts: str = ",".join(HOSTS)) -> list[str]:
    own = ["--environment", "qinghai", "--workers", hosts, "--run-folder", str(folder / "run")]
    asked = [*own, "--run-seed", "1", "--users", "12", "--warm-up", "0s", *more]
    return [sys.executable, str(PATIENT / "run.py"), "loadtests.workers.command", *asked]


@contextmanager
def under_way(folder: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A load of five minutes, of which every worker has recorded something on its host."""
    with services() as target:
        process = subprocess.Popen(
            command(folder, "--rate", "100", "--duration", "300s"),
            cwd=PROJECT_ROOT,
            env=surroundings(folder, target) | {"MASTER_SILENT_S": "10"} | environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_until(
                lambda: sum(path.stat().st_size > 0 for path in folder.glob(f"hosts/*/1/{LEDGER_FILE}")) == 2,
                "a write of each",
            )
            yield process
        finally:
            process.kill()
            process.communicate(timeout=TIMEOUT_S)
            wait_until(lambda: not left(folder), "the end of all workers")


def left(folder: Path, program: str = "locust") -> dict[str, int]:
    """Return {place: process} of workers, or of the sessions to them, that run for `folder`."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().decode()
        except OSError:
            continue
        words = text.split("\0")
        if program == "locust" and "--place" in words and str(folder) in text:
            found[words[words.index("--place") + 1]] = int(path.parent.name)
        elif program == "ssh" and f"{folder}/bin/ssh" in words and "load@" in text:
            host = "load-b1" if "10.63.0.149" in text else "load-a1"
            found[f"{host}/{re.findall('load@([0-9]+)', text)[0]}"] = int(path.parent.name)
    return found


def test_two_hosts_make_the_load_of_one_and_their_records_come_here(tmp_path):
    with services() as target:
        done = subprocess.run(
            command(tmp_path, "--rate", "100", "--duration", "3s", "--processes-per-host", "2"),
            cwd=PROJECT_ROOT,
            env=surroundings(tmp_path, target),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "300 acknowledged of 300 planned, 0 errors" in done.stderr
    run = tmp_path / "run"
    known = run_info.read(run)
    assert [(one.host, one.writes_recorded, one.lost) for one in known.workers] == [
        (host, 75, None) for host in (*HOSTS, *HOSTS)
    ]
    assert all(one.clock_ahead_ms is not None for one in known.workers)
    due = [round((one.planned_s - known.start_s) * 100) for one in read_lines(run / LEDGER_FILE, Write)]
    assert sorted(due) == list(range(300))
    assert [pair.count for pair in hdr_log.read(run)] == [300, 300]
    assert figures.of_folder(run).values["transactions_acknowledged"] == 300
    assert not left(tmp_path)


@pytest.mark.parametrize("ahead_s", ["0.5", "-3"])
def test_hosts_whose_clocks_are_apart_begin_nothing(tmp_path, ahead_s):
    with services() as target:
        done = subprocess.run(
            command(tmp_path, "--rate", "100", "--duration", "300s"),
            cwd=PROJECT_ROOT,
            env=surroundings(tmp_path, target) | {"FAKE_AHEAD_S": ahead_s, "CLOCK_APART_MS_MAX": "20"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert done.returncode == ExitCode.FAIL, done.stderr
    told = re.search(r"the clock of worker 2 of 2 on load-b1 is (.+) ms \(give or take (.+)\)", done.stderr)
    assert told is not None, done.stderr
    assert float(told[1]) == pytest.approx(float(ahead_s) * 1000, abs=float(told[2]) + 0.1)
    assert "from the control machine's; allowed: at most 20 ms" in done.stderr
    assert not (tmp_path / "run" / LEDGER_FILE).exists()
    assert not left(tmp_path)


def test_a_worker_that_is_killed_on_its_host_ends_the_load_and_what_it_had_recorded_comes_here(tmp_path):
    with under_way(tmp_path) as process:
        os.kill(left(tmp_path)["load-b1/1"], signal.SIGKILL)
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == ExitCode.INVALID, said
        assert not left(tmp_path)
    run = tmp_path / "run"
    lost = "worker 2 of 2 on load-b1 was killed by SIGKILL"
    assert lost in said
    assert judge_record(figures.of_folder(run), SLO).reasons[0] == lost
    assert [one.writes_recorded > 0 for one in run_info.read(run).workers] == [True, True]
    assert (folder_of(run, 2) / LEDGER_FILE).stat().st_size > 0


def test_a_worker_whose_session_ends_is_lost_and_ends_when_its_master_is_silent(tmp_path):
    with under_way(tmp_path) as process:
        os.kill(left(tmp_path, "ssh")["load-a1/1"], signal.SIGKILL)
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == ExitCode.INVALID, said
        assert not left(tmp_path)
    assert [one.lost for one in run_info.read(tmp_path / "run").workers] == ["was killed by SIGKILL", None]


def test_a_worker_that_hangs_on_its_host_is_killed_there(tmp_path):
    with under_way(tmp_path, SILENT_S="5") as process:
        os.kill(left(tmp_path)["load-a1/1"], signal.SIGSTOP)
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == ExitCode.INVALID, said
        assert not left(tmp_path)
    assert [one.lost for one in run_info.read(tmp_path / "run").workers] == ["said nothing for 5 s", None]


def test_workers_end_by_themselves_when_the_control_machine_is_gone(tmp_path):
    with under_way(tmp_path) as process:
        process.kill()
        wait_until(lambda: not left(tmp_path), "end of the workers")
    for found in (tmp_path / "hosts").iterdir():
        assert run_info.read(found / "1").stopped_s is not None


def test_ctrl_c_ends_all_workers_and_fetches_their_records(tmp_path):
    with under_way(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, said
        assert not left(tmp_path)
    known = run_info.read(tmp_path / "run")
    assert ([one.lost for one in known.workers], known.stopped_s is not None) == ([None, None], True)


@pytest.mark.parametrize(
    ("ssh", "words"),
    [
        ("echo 'load: load-a1: makes another load' >&2; exit 2", "load-a1: makes another load"),
        ("echo 'no such file' >&2; exit 127", "load-a1: no load generator is deployed there; run: loanstack"),
        ("echo 'Connection refused' >&2; exit 255", "load-a1 does not let us in: Connection refused"),
        ("exit 255", "load-a1 does not let us in: ssh says nothing; is it up?"),
        ("echo oops >&2; exit 2", "load-a1: the load generator ended with status 2: oops"),
        ("exit 0", None),
    ],
)
def test_a_host_that_cannot_make_load_is_named_with_the_reason(tmp_path, monkeypatch, ssh, words):
    monkeypatch.setenv("PATH", surroundings(tmp_path, "", f"#!/bin/sh\n{ssh}\n")["PATH"])
    found = remote.problems(QINGHAI, [QINGHAI.host("load-a1")], version="1")
    assert (not found) == (words is None), found
    assert words is None or found[0].startswith(words)


def test_what_cannot_be_run_is_refused_before_anything_is_started(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", surroundings(tmp_path, "", "#!/bin/sh\nexit 127\n")["PATH"])
    monkeypatch.setattr(qinghai, "ENVIRONMENT", replace(QINGHAI, purpose=Purpose.REHEARSAL))
    monkeypatch.setenv(CONSENT_VARIABLE, "qinghai")
    day = tmp_path / "day.csv"
    day.write_text("0,5\n1,7\n")
    for more, words in (
        ((), "no load generator is deployed"),
        (("--shape", f"replay:{day}"), "day.csv: the file is on this machine"),
        (("--host", "http://127.0.0.1:9"), "the environment's gateways only"),
        (("--processes-per-host", "7"), "allowed: 1 to 12, the users that they share"),
    ):
        assert main(command(tmp_path, *more)[3:]) == ExitCode.USAGE
        assert words in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("ssh", "why"),
    [
        ("exit 255", "did not send its record"),
        ("echo 'load: the worker has not ended' >&2; exit 1", "(load: the worker has not ended)"),
        ("printf nonsense", "did not send its record ("),
        ("head -c 200 /dev/urandom > x; tar -cz x | head -c 150", "did not send its record ("),
    ],
)
def test_a_record_that_does_not_come_whole_is_said_to_be_missing(tmp_path, monkeypatch, ssh, why):
    monkeypatch.setenv("PATH", surroundings(tmp_path, "", f"#!/bin/sh\ncd {tmp_path}\n{ssh}\n")["PATH"])
    place = Place(host=QINGHAI.host("load-a1"), slot=1)
    monkeypatch.setattr(remote, "_RECORD_WITHIN_S", 10_000.0)
    assert why in (remote.fetch(QINGHAI, place, into=tmp_path) or "")


def test_a_record_of_which_nothing_more_comes_is_given_up(tmp_path, monkeypatch):
    ssh = "#!/bin/sh\nexec tail -f /dev/null\n"
    monkeypatch.setenv("PATH", surroundings(tmp_path, "", ssh)["PATH"])
    monkeypatch.setattr(remote, "_RECORD_WITHIN_S", 0.0)
    place = Place(host=QINGHAI.host("load-a1"), slot=1)
    assert remote.fetch(QINGHAI, place, into=tmp_path) == "did not send its record within 0 s"


def test_nothing_but_the_record_is_taken_from_a_host(tmp_path, monkeypatch):
    (tmp_path / "sent").mkdir()
    for name in (LEDGER_FILE, "evil.py"):
        (tmp_path / "sent" / name).write_text("x\n")
    ssh = f"#!/bin/sh\ntar -C {tmp_path}/sent -cz {LEDGER_FILE} evil.py\n"
    monkeypatch.setenv("PATH", surroundings(tmp_path, "", ssh)["PATH"])
    (tmp_path / "into").mkdir()
    place = Place(host=QINGHAI.host("load-a1"), slot=1)
    assert remote.fetch(QINGHAI, place, into=tmp_path / "into") is None
    assert [path.name for path in (tmp_path / "into").iterdir()] == [LEDGER_FILE]


def test_a_worker_on_a_host_is_started_with_variables_that_root_alone_can_read(tmp_path):
    programs, seen = tmp_path / "bin", tmp_path / "seen"
    programs.mkdir()
    variables = tmp_path / "run" / "loanstack-load-2.env"
    variables.parent.mkdir()
    systemctl = f"#!/bin/sh\n[ $1 = start ] && stat -c %a {variables} >{seen} && cat {variables} >>{seen}\n"
    for name, text in (("systemctl", systemctl), ("journalctl", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    argv = remote.work_argv(QINGHAI, Place(host=QINGHAI.host("load-a1"), slot=2), master_port=4000)
    subprocess.run(
        ["sh", "-c", argv[-1].replace("/run/", f"{variables.parent}/")],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        input=b"LOANSTACK_LOAD_TOKEN=of-this-load\n",
        check=False,
    )
    assert seen.read_text() == "600\nLOANSTACK_LOAD_TOKEN=of-this-load\n"
    assert not variables.exists()
