"""A host, an inventory and a program that do not fit together are refused before anything is copied."""

import struct
import subprocess
import tarfile
from pathlib import Path

import pytest
from pyinfra.facts.server import Arch as UnameMachine

from deploys.operations import versions
from inventory.model import Arch
from tests.plan.kit import Site, fresh, told

_ELF = struct.pack("<4sBBBB8xHH", b"\x7fELF", 2, 1, 1, 0, 2, 0x3E)
_NUMBERS = {"x86_64": 0x3E, "aarch64": 0xB7, "ELF machine 243": 243}


def test_a_host_of_another_architecture_is_refused_first(qinghai_site: Site) -> None:
    planned = qinghai_site.plan("app-a1", told(fresh(), {UnameMachine: lambda: "x86_64"}))
    (refused,) = planned[0].commands
    assert "app-a1: uname -m says x86_64, and the inventory aarch64" in str(refused)
    assert str(refused).endswith("exit 1")


def test_a_host_that_is_what_the_inventory_says_goes_on(qinghai_site: Site) -> None:
    for name in ("app-a1", "app-a2"):
        assert qinghai_site.plan(name, fresh())[0].commands == ()


def _archive(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    target = folder / "thing.tar.gz"
    with tarfile.open(target, "w:gz") as tar:
        tar.add(folder / "top", arcname="top")
    return target


def _checked(archive: Path, arch: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", versions.fits(str(archive), arch=arch, url="http://depot/thing.tar.gz")],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("arch", Arch)
@pytest.mark.parametrize("name", _NUMBERS)
def test_an_archive_for_another_machine_is_deleted_and_refused(tmp_path: Path, name: str, arch: str) -> None:
    """Its first program says so; an archive is built for one machine."""
    program = _ELF[:18] + struct.pack("<H", _NUMBERS[name]) + b"\0" * 100
    files = {"bin/a-script": b"#!/bin/sh\n" * 40, "bin/program": program, "lib/library": _ELF + b"\0" * 100}
    archive = _archive(tmp_path, files)
    done = _checked(archive, arch)
    assert (done.returncode == 0) is (name == arch)
    assert archive.exists() is (name == arch)
    if name != arch:
        assert f"this host is {arch}, and the programs in http://depot/thing.tar.gz are" in done.stderr


def test_what_holds_no_program_is_for_every_machine(tmp_path: Path) -> None:
    archive = _archive(tmp_path, {"portal.war": b"PK\x03\x04" * 30})
    assert [_checked(archive, arch).returncode for arch in Arch] == [0, 0]


def test_a_real_program_is_what_this_machine_runs(tmp_path: Path) -> None:
    archive = _archive(tmp_path, {"bin/true": Path("/bin/true").read_bytes()})
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    assert _checked(archive, machine).returncode == 0


@pytest.mark.parametrize("host", ["app-a1", "tw-a1", "ob-a1"])
def test_every_archive_is_checked_before_it_is_unpacked(qinghai_site: Site, host: str) -> None:
    commands = [str(c) for p in qinghai_site.plan(host, fresh()) for c in p.commands]
    unpacking = [each for each in commands if "--directory" in each]
    assert unpacking
    for each in unpacking:
        assert 0 < each.index("b7 00") < each.index("--directory")
