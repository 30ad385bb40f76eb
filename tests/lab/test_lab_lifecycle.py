"""The lab's end, whatever brings it: `down`, kill -9 of hosts and of `up`, Ctrl-C, a second checkout.

In an order in which most tests leave the lab up or down as the next one needs it; each also runs by itself.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from inventory.model import Environment
from inventory.places import PROJECT_ROOT, lab_dir
from lab import cgroups, kernel, state, status
from lab.network import LAB_RANGE

UP_S_MAX = 60.0
"""Promised with a cached image."""
UP = (sys.executable, "-m", "lab", "up")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a lab could leave behind, seen without the lab's own eyes."""

    namespaces: frozenset[str]
    interfaces: frozenset[str]
    mounts: frozenset[str]
    processes: frozenset[str]
    routes: frozenset[str]
    groups: frozenset[str]
    settings: tuple[tuple[str, int], ...]


def lines(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def machine() -> Machine:
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    programs = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            programs.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    ours = (str(lab_dir()), "systemd-nspawn", "lab.depot_server", "lab.power_switch", "mmdebstrap")
    return Machine(
        namespaces=frozenset(line.split()[0] for line in lines("ip", "netns") if line.startswith("ls-")),
        interfaces=frozenset(line.split(":")[1].split("@")[0].strip() for line in lines("ip", "-o", "link")),
        mounts=frozenset(line.split()[1] for line in mounts if str(lab_dir()) in line or "netns" in line),
        processes=frozenset(p for p in programs if any(word in p for word in ours)),
        routes=frozenset(line for line in lines("ip", "route") if line.startswith("unreachable")),
        groups=frozenset(str(p) for p in Path("/sys/fs/cgroup").rglob("loanstack")),
        settings=tuple(kernel.read().items()),
    )


def gone() -> dict[str, object]:
    """What is still there of a lab; empty: nothing."""
    found = machine()
    left = {
        "namespaces": found.namespaces,
        "interfaces": {i for i in found.interfaces if i.startswith(("ls-", "m-"))},
        "mounts": {m for m in found.mounts if "/ls-" in m or str(lab_dir()) in m},
        "processes": found.processes,
        "groups": found.groups,
        "tables": {t for t in lines("nft", "list", "tables") if "loanstack" in t},
    }
    return {name: what for name, what in left.items() if what}


@pytest.fixture(scope="module")
def settings_before(lab: Environment) -> dict[str, int]:
    """The machine's kernel settings before this lab raised them."""
    found = state.load(lab_dir())
    assert found is not None
    return {**kernel.read(), **found.settings_before}


@pytest.fixture
def up(lab: Environment, settings_before: dict[str, int], lab_command) -> None:
    """The lab is up: brought up unless the test before has left it so."""
    if not is_up(lab):
        done = lab_command("up")
        assert done.exit_code == 0, done.output


@pytest.fixture
def downed(lab: Environment, settings_before: dict[str, int], lab_command) -> None:
    """The lab is down: taken down unless the test before has left it so."""
    if lab_dir().exists() or gone():
        assert lab_command("down").exit_code == 0
        assert gone() == {}


def is_up(lab: Environment) -> bool:
    found = state.load(lab_dir())
    if found is None or found.phase is not state.Phase.UP:
        return False
    return {host.state for host in status.of_hosts(lab)} == {status.HostState.UP}


def answer_of(address: str) -> str:
    try:
        socket.create_connection((address, 22), timeout=1.5).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


def test_a_host_without_power_is_silent_and_comes_back_with_its_disk(
    up: None, lab: Environment, lab_command, on_host
) -> None:
    host = lab.host("mon-c")
    assert on_host("mon-c", "echo kept > /root/marker; sync").exit_code == 0
    assert lab_command("power", "off", "mon-c").exit_code == 0
    assert answer_of(host.management_address) in ("TimeoutError", "OSError"), "no reset: nobody is there"
    states = {h["name"]: h["state"] for h in lab_command("status", "--json").results["hosts"]}
    assert states.pop("mon-c") == "off"
    assert set(states.values()) == {"up"}
    started = time.monotonic()
    assert lab_command("power", "on", "mon-c").exit_code == 0
    assert time.monotonic() - started < UP_S_MAX
    assert on_host("mon-c", "cat /root/marker && rm /root/marker").stdout == "kept\n"


def test_killing_a_hosts_processes_lets_its_kernel_answer_for_them(up: None, lab, lab_command) -> None:
    assert lab_command("power", "kill", "mon-c").exit_code == 0
    assert answer_of(lab.host("mon-c").management_address) == "ConnectionRefusedError"
    assert lab_command("power", "on", "mon-c").exit_code == 0
    assert answer_of(lab.host("mon-c").management_address) == "connected"


def test_up_boots_what_is_missing(up: None, lab_command) -> None:
    assert lab_command("power", "off", "gw-b").exit_code == 0
    done = lab_command("up")
    assert done.exit_code == 0, done.output
    assert "Boot gw-b" in done.stderr
    assert {h["state"] for h in lab_command("status", "--json").results["hosts"]} == {"up"}


def test_a_second_lab_is_refused_with_who_where_and_what_to_do(up: None, tmp_path: Path, run) -> None:
    for name in ("inventory", "lab", "app_stub", "failover", "pyproject.toml"):
        source = PROJECT_ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    for verb in ("up", "down"):
        other = subprocess.run(
            [sys.executable, "-m", "lab", verb],
            cwd=tmp_path,
            env={**os.environ, "LOANSTACK_STATE": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert other.returncode == 2, other.stderr
        assert f"brought up from {PROJECT_ROOT} with its state in {lab_dir()}" in other.stderr
        assert f"`.venv/bin/loanstack lab down` in {PROJECT_ROOT}" in other.stderr
    assert not (tmp_path / "state").exists()
    assert {h["state"] for h in json.loads(run(*UP[:-1], "status", "--json").stdout)["hosts"]} == {"up"}


def test_two_commands_at_once_are_kept_apart(up: None, lab_command) -> None:
    with state.machine_lock():
        refused = lab_command("power", "off", "gw-a")
    assert refused.exit_code == 2
    assert f"process {os.getpid()}" in refused.stderr


def dead_registries(folder: Path) -> dict[str, str]:
    """An environment in which apt and pip, as they are set up, find nobody at home."""
    apt = folder / "apt.conf"
    apt.write_text(
        'Acquire::http::Proxy "http://127.0.0.1:9";\nAcquire::https::Proxy "http://127.0.0.1:9";\n'
    )
    pip = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}
    return {**os.environ, "APT_CONFIG": str(apt), **pip}


@pytest.mark.parametrize("command", [("-m", "lab.preflight"), ("-m", "lab", "up")])
def test_registries_that_do_not_answer_are_said_at_once_and_nothing_is_half_made(
    command: tuple[str, ...], up: None, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT_ROOT,
        env={**dead_registries(tmp_path), "LOANSTACK_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "Debian's package registry does not answer apt" in done.stderr
    assert "the Python package index does not answer pip" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 60
    assert not cache.exists() or [p.name for p in cache.iterdir()] == ["lock"]


def test_down_leaves_nothing_also_after_kill_9_of_a_host(up: None, settings_before, lab_command) -> None:
    killed = [pid for pid in cgroups.processes("ob-b") if _program(pid) in ("systemd-nspawn", "systemd")]
    assert killed, "the host runs"
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert lab_command("down").exit_code == 0
    assert gone() == {}
    assert dict(machine().settings) == settings_before
    assert f"unreachable {LAB_RANGE}" in {route.strip() for route in machine().routes}, (
        "no connection leaves later"
    )
    assert not lab_dir().exists()
    again = lab_command("down")
    assert again.exit_code == 0
    assert "there was no lab" in again.stderr


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def wait_for(path: Path, *, deadline_s: float = 30) -> None:
    deadline = time.monotonic() + deadline_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear within {deadline_s} s"
        time.sleep(0.02)


STAGES = {
    "record written": lambda: lab_dir() / "state.json",
    "depot served": lambda: lab_dir() / "depot-server.log",
    "first disk made": lambda: lab_dir() / "hosts" / "gw-a" / "console.log",
    "last disk made": lambda: lab_dir() / "hosts" / "mon-c" / "console.log",
}


@pytest.mark.parametrize("stage", STAGES)
def test_down_leaves_nothing_after_kill_9_of_up(
    stage: str, downed: None, settings_before, lab_command
) -> None:
    going = subprocess.Popen(UP, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL)
    wait_for(STAGES[stage]())
    going.kill()
    going.wait(timeout=10)
    assert lab_command("down").exit_code == 0
    assert gone() == {}
    assert dict(machine().settings) == settings_before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_that_is_stopped_undoes_what_it_made(
    number: signal.Signals, downed: None, settings_before
) -> None:
    going = subprocess.Popen(UP, cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True)
    wait_for(STAGES["first disk made"]())
    going.send_signal(number)
    time.sleep(0.1)
    # The impatient press a second time.
    going.send_signal(number)
    _, said = going.communicate(timeout=60)
    assert going.returncode == 130, said
    assert "Undo what was half made" in said
    assert gone() == {}
    assert dict(machine().settings) == settings_before


def test_up_with_a_cached_image_takes_less_than_promised(downed: None, lab_command) -> None:
    started = time.monotonic()
    done = lab_command("up")
    assert done.exit_code == 0, done.output
    assert time.monotonic() - started <= UP_S_MAX


def test_a_lab_that_died_with_its_machine_is_no_hindrance(up: None, lab_command) -> None:
    found = state.load(lab_dir())
    assert found is not None
    path = state.state_file(lab_dir())
    path.write_text(path.read_text().replace(found.boot_id, "another boot of this machine"))
    # A restart brings the kernel's own settings back.
    kernel.write(found.settings_before)
    done = lab_command("up")
    assert done.exit_code == 0, done.output
    assert "Remove what an earlier lab left" in done.stderr


def test_cuts_frozen_hosts_and_their_timers_end_with_the_lab(up: None, settings_before, lab_command) -> None:
    assert lab_command("power", "freeze", "ob-a", "--for", "600").exit_code == 0
    assert lab_command("net", "cut", "centre-b", "--for", "600").exit_code == 0
    assert lab_command("down").exit_code == 0
    assert gone() == {}


def test_up_after_kill_9_of_up_removes_the_half_and_makes_a_whole(downed: None, lab_command) -> None:
    going = subprocess.Popen(UP, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL)
    wait_for(STAGES["last disk made"]())
    going.kill()
    going.wait(timeout=10)
    done = lab_command("up")
    assert done.exit_code == 0, done.output
    assert "Remove what an earlier lab left" in done.stderr
    assert {h["state"] for h in lab_command("status", "--json").results["hosts"]} == {"up"}


def test_a_spoilt_record_does_not_keep_the_lab_up(up: None, lab_command) -> None:
    settings = state.load(lab_dir())
    assert settings is not None
    state.state_file(lab_dir()).write_text("{")
    refused = lab_command("up")
    assert refused.exit_code == 1
    assert "run: loanstack lab down" in refused.stderr
    assert lab_command("down").exit_code == 0
    # What to put back was in the record: that alone is lost, and put back here.
    kernel.write(settings.settings_before)
    assert gone() == {}
