"""Faults on hosts: what is sent there, that it is bash, and that nothing in it is taken for systemd's own."""

import subprocess
from pathlib import Path

import pytest

from chaos.catalogue import drills
from chaos.catalogue.small_disk import disk_mib, full_disk, small_disk
from chaos.system import host_fault
from chaos.system.host_fault import (
    CHANGING_TABLES,
    LOST_ETCD_MEMBER,
    PAUSED_DATABASE,
    UNITS,
    HostFault,
    begin_argv,
    undo_argv,
)
from chaos.system.hosts import _RESIDUE
from chaos.system.pair import find_topology
from inventory.lab import ENVIRONMENT
from tests.unit.chaos.fake_world import pair

SMALL_DISK, FULL_DISK = small_disk(disk_mib(ENVIRONMENT)), full_disk(disk_mib(ENVIRONMENT))


def begun() -> tuple[HostFault, ...]:
    """Every fault that some drill of the catalogue makes on a host."""
    found: dict[str, HostFault] = {}
    for drill in drills.drills(ENVIRONMENT).values():
        world = pair()
        topology = find_topology(ENVIRONMENT, world.databases)
        if drill.fault.prepare is not None:
            drill.fault.prepare(world, topology)
            topology = find_topology(ENVIRONMENT, world.databases)
        drill.fault.inject(world, topology, 5.0)
        found |= {fault.name: fault for fault in world.begun}
    return tuple(found.values())


ALL = begun()


def test_the_catalogue_makes_faults_of_every_kind() -> None:
    assert {PAUSED_DATABASE, LOST_ETCD_MEMBER, CHANGING_TABLES, SMALL_DISK, FULL_DISK} < set(ALL)
    assert len(ALL) >= 10


def complaints(script: str) -> str:
    """What bash says about a script that it only reads."""
    done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)
@pytest.mark.parametrize("part", ["make", "undo", "seen"])
def test_scripts_are_bash(fault: HostFault, part: str) -> None:
    done = subprocess.run(
        ["bash", "-n", "-c", getattr(fault, part)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_looks_for_residue_is_bash() -> None:
    done = subprocess.run(["bash", "-n", "-c", _RESIDUE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_names_are_the_drills_own_and_differ() -> None:
    assert len({fault.name for fault in ALL}) == len(ALL)
    for fault in ALL:
        assert fault.name.replace("-", "").isalnum()
        for unit in (word for word in fault.make.split() if word.startswith("--unit=")):
            assert unit.removeprefix("--unit=").startswith(UNITS)


PRETENDED = """#!/bin/bash
printf '%s' "$(basename "$0")" >>"$LOG"
printf ' <%s>' "$@" >>"$LOG"
echo >>"$LOG"
"""


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """An environment in which systemd and nft only write down what they are asked."""
    for name in ("systemctl", "systemd-run", "nft", "loanstack-db"):
        (tmp_path / name).write_text(PRETENDED)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "log").touch()
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}


def asked(host: dict[str, str], argv: list[str]) -> list[str]:
    done = subprocess.run(argv, env=host, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(host["LOG"]).read_text().splitlines()


def test_the_timer_is_set_before_the_fault_is_made(host: dict[str, str]) -> None:
    lines = asked(host, begin_argv(PAUSED_DATABASE, for_s=80.0))
    timer = next(n for n, line in enumerate(lines) if line.startswith("systemd-run"))
    made = next(n for n, line in enumerate(lines) if "SIGSTOP" in line)
    assert timer < made
    assert f"<--unit={UNITS}undo-paused-database>" in lines[timer]
    assert "<--on-active=80s>" in lines[timer]
    assert lines[timer].endswith(f"</bin/bash> <-c> <{PAUSED_DATABASE.undo}>")


def test_undoing_stops_the_timer_first(host: dict[str, str]) -> None:
    assert asked(host, undo_argv(PAUSED_DATABASE)) == [
        f"systemctl <stop> <{UNITS}undo-paused-database.timer>",
        f"systemctl <kill> <--signal=SIGCONT> <{host_fault.DATABASE_UNIT}>",
    ]


def test_a_timer_that_cannot_be_set_makes_no_fault(host: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "systemd-run").write_text("#!/bin/bash\nexit 1\n")
    done = subprocess.run(begin_argv(PAUSED_DATABASE, for_s=5.0), env=host, capture_output=True, check=False)
    assert done.returncode == 1
    assert "SIGSTOP" not in Path(host["LOG"]).read_text()


def test_a_dollar_of_the_undoing_script_survives_systemd() -> None:
    # systemd turns $$ into $ and puts its own variables in the place of $name.
    *_, undo = begin_argv(SMALL_DISK, for_s=5.0)
    assert undo.replace("$$", "") == SMALL_DISK.undo.replace("$", "")
    assert "$$(loanstack-db role)" in undo


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)
def test_what_is_given_to_systemd_run_has_no_variable(fault: HostFault) -> None:
    for line in fault.make.splitlines():
        if "/bin/bash -c" in line:
            # Of these systemd takes ${name} for its own variable wherever it stands.
            assert "${" not in line


def test_only_a_file_system_of_its_own_is_ever_filled() -> None:
    lines = [line for line in FULL_DISK.make.splitlines() if line]
    guard = lines.index(f"mountpoint --quiet {host_fault.DATABASE_DIR}")
    assert "set -e" in lines[:guard]
    assert all("remount" not in line for line in lines[:guard])
    assert "dd " not in FULL_DISK.make
    assert "fallocate" not in FULL_DISK.make


def test_the_file_system_is_large_enough_for_the_database_to_start_on() -> None:
    database = ENVIRONMENT.database
    assert disk_mib(ENVIRONMENT) > database.log_disk_size_mib + database.datafile_size_mib
