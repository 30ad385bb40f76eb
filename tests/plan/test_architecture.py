"""A host, an inventory and a program that do not fit together are refused before anything is copied."""

import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from pyinfra.facts.server import Arch

from deploys.facts.machine import ElfMachine
from tests.plan.kit import Planned, Site, fresh, told

_ELF = struct.pack("<4sBBBB8xHH", b"\x7fELF", 2, 1, 1, 0, 2, 0x3E)
_NUMBERS = {"x86_64": 0x3E, "aarch64": 0xB7, "ELF machine 243": 243}


def _copying(planned: list[Planned]) -> list[str]:
    return [str(c) for p in planned for c in p.commands if "curl" in str(c) and "--output" in str(c)]


def test_a_host_of_another_architecture_is_refused_first(qinghai_site: Site) -> None:
    planned = qinghai_site.plan("app-a1", told(fresh(), {Arch: lambda: "x86_64"}))
    (refused,) = planned[0].commands
    assert "app-a1: uname -m says x86_64, and the inventory aarch64" in str(refused)
    assert str(refused).endswith("exit 1")


def test_a_host_that_is_what_the_inventory_says_goes_on(qinghai_site: Site) -> None:
    for name in ("app-a1", "app-a2"):
        assert qinghai_site.plan(name, fresh())[0].commands == ()


@pytest.mark.parametrize(
    ("name", "installs"),
    [
        ("app-a1", "Loan services | Install the loan services"),
        ("tw-a1", "TongWeb and the channel portal | Unpack TongWeb"),
    ],
)
def test_programs_for_another_machine_are_not_copied(qinghai_site: Site, name: str, installs: str) -> None:
    planned = qinghai_site.plan(name, told(fresh(), {ElfMachine: lambda url: "x86_64"}))
    (refused,) = next(p.commands for p in planned if p.name == installs)
    assert "are built for x86_64, and this host is aarch64; nothing was copied" in str(refused)
    assert not [each for each in _copying(planned) if ".tar.gz" in each]


def test_what_holds_no_program_is_for_every_machine(qinghai_site: Site) -> None:
    planned = qinghai_site.plan("tw-a1", told(fresh(), {ElfMachine: lambda url: None}))
    assert any("channel-portal" in each for each in _copying(planned))


def _archive(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    target = folder / "thing.tar.gz"
    with tarfile.open(target, "w:gz") as tar:
        tar.add(folder / "top", arcname="top")
    return target


def _look(archive: Path) -> str | None:
    fact = ElfMachine()
    done = subprocess.run(
        ["sh", "-c", fact.command(url=archive.as_uri())],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return fact.process(done.stdout.splitlines())


@pytest.mark.parametrize("name", _NUMBERS)
def test_the_machine_is_read_from_the_first_program(tmp_path: Path, name: str) -> None:
    program = _ELF[:18] + struct.pack("<H", _NUMBERS[name]) + b"\0" * 100
    files = {"bin/a-script": b"#!/bin/sh\n" * 40, "bin/program": program, "lib/library": _ELF + b"\0" * 100}
    assert _look(_archive(tmp_path, files)) == name


def test_without_a_program_nothing_is_known(tmp_path: Path) -> None:
    assert _look(_archive(tmp_path, {"portal.war": b"PK\x03\x04" * 30})) is None


def test_a_real_program_is_what_this_machine_runs(tmp_path: Path) -> None:
    files = {"bin/true": Path("/bin/true").read_bytes()}
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    assert _look(_archive(tmp_path, files)) == machine
