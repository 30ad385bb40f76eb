"""The database's processes: real ones, found by a list as a control group has it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from failover import clock
from failover.host.processes import GroupError, Processes, group_file_of, is_open


@pytest.fixture
def begin() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    begun: list[subprocess.Popen[bytes]] = []

    def one(*command: str) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(command or ("sleep", "60")))
        return begun[-1]

    yield one
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "cgroup.procs", tmp_path / "seekdb.pid"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_without_a_unit_and_a_pid_file_nothing_runs(files: tuple[Path, Path]) -> None:
    found = Processes(*files).look()
    assert (found.pids, found.identity) == ((), None)


def test_every_process_of_the_group_is_found_and_killed(files: tuple[Path, Path], begin) -> None:
    group, pid_file = files
    before_ms = clock.steady_ms()
    them = [begin(), begin()]
    group.write_text("".join(f"{p.pid}\n" for p in them))
    processes = Processes(group, pid_file)
    found = processes.look()
    assert found.pids == tuple(p.pid for p in them)
    # The kernel counts in steps of 10 ms.
    assert before_ms - 10 <= found.started_at_ms <= clock.steady_ms()
    processes.kill()
    # Nobody has waited for them yet: what is dead does not run, all the same.
    until(lambda: processes.look().identity is None)
    assert processes.kill() == ()
    assert [p.wait() for p in them] == [-signal.SIGKILL, -signal.SIGKILL]


def test_a_process_that_was_stopped_is_seen_and_dies_too(files: tuple[Path, Path], begin) -> None:
    group, pid_file = files
    process = begin()
    group.write_text(f"{process.pid}\n")
    processes = Processes(group, pid_file)
    process.send_signal(signal.SIGSTOP)
    until(lambda: processes.look().stopped)
    processes.kill()
    until(lambda: processes.look().identity is None)


def test_a_database_that_was_started_by_hand_is_found_by_its_pid_file(
    files: tuple[Path, Path], begin, tmp_path: Path
) -> None:
    group, pid_file = files
    program = tmp_path / "seekdb"
    program.symlink_to("/bin/sleep")
    process = begin(str(program), "60")
    pid_file.write_text(f"{process.pid}")
    processes = Processes(group, pid_file)
    until(lambda: processes.look().pids == (process.pid,))
    # Listed twice, it is one.
    group.write_text(f"{process.pid}\n")
    assert processes.look().pids == (process.pid,)


def test_a_pid_that_came_again_as_another_program_is_left_alone(files: tuple[Path, Path], begin) -> None:
    group, pid_file = files
    process = begin()
    pid_file.write_text(f"{process.pid}\n")
    processes = Processes(group, pid_file)
    assert processes.look().identity is None
    assert processes.kill() == ()
    assert process.poll() is None


def test_a_process_of_a_strange_name_is_read_rightly(files: tuple[Path, Path], begin, tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    process = begin(str(program), "60")
    files[0].write_text(f"{process.pid}\n")
    assert Processes(*files).look().pids == (process.pid,)


V1 = """cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "own_groups", "expected"),
    [
        (
            V2,
            "0::/system.slice/loanstack-failover.service\n",
            "/sys/fs/cgroup/system.slice/db.service/cgroup.procs",
        ),
        (
            V1,
            "9:memory:/x\n1:name=systemd:/system.slice/loanstack-failover.service\n0::/system.slice/a.service\n",
            "/sys/fs/cgroup/systemd/system.slice/db.service/cgroup.procs",
        ),
        (
            V2,
            "0::/machine/ob-a/system.slice/loanstack-failover.service\n",
            "/sys/fs/cgroup/machine/ob-a/system.slice/db.service/cgroup.procs",
        ),
    ],
)
def test_the_units_group_is_beside_the_agents_own(mounts: str, own_groups: str, expected: str) -> None:
    assert group_file_of("db.service", mounts=mounts, own_groups=own_groups) == Path(expected)


@pytest.mark.parametrize(("mounts", "own_groups"), [("", "0::/x\n"), (V1, "0::/x\n")])
def test_a_host_whose_groups_cannot_be_told_is_refused(mounts: str, own_groups: str) -> None:
    with pytest.raises(GroupError):
        group_file_of("db.service", mounts=mounts, own_groups=own_groups)


def test_a_port_is_open_while_somebody_listens() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        assert not is_open(port)
        listening.listen()
        assert is_open(port)
    assert not is_open(port)


def test_killing_waits_for_nothing(files: tuple[Path, Path], begin, monkeypatch: pytest.MonkeyPatch) -> None:
    process = begin()
    files[0].write_text(f"{process.pid}\n")
    sent: list[tuple[int, int]] = []
    with monkeypatch.context() as undelivered:
        undelivered.setattr("failover.host.processes.os.kill", lambda *told: sent.append(told))
        assert Processes(*files).kill() == (process.pid,), "it lives, and is waited for by nobody"
    assert sent == [(process.pid, signal.SIGKILL)]
    Processes(*files).kill()
    assert os.waitpid(process.pid, 0)[1] == signal.SIGKILL
    process.returncode = -9
