"""The reader of ELF files, on real ones.

Each library in the folder `elf` calls one function of glibc. They were made by ziglang 0.17.1 with
`zig cc -target x86_64-linux-gnu.2.29 -shared -s -Os`, with the version and the architecture of its name.
"""

import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests import elf

FOLDER = Path(__file__).with_name("elf")
OLD, ARM, NEW = "glibc_2_2_5_x86_64.so", "glibc_2_17_aarch64.so", "glibc_2_29_x86_64.so"


def read(name: str) -> elf.Elf:
    return elf.read(name, (FOLDER / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "machine", "glibc"),
    [(OLD, "x86_64", "GLIBC_2.2.5"), (ARM, "aarch64", "GLIBC_2.17"), (NEW, "x86_64", "GLIBC_2.29")],
)
def test_architecture_and_needed_versions_are_read(name: str, machine: str, glibc: str) -> None:
    assert read(name) == elf.Elf(path=name, machine=machine, glibc=frozenset({glibc}))


def test_a_library_without_section_headers_is_refused_and_not_taken_to_need_nothing() -> None:
    content = bytearray((FOLDER / NEW).read_bytes())
    content[0x28:0x30] = bytes(8)  # e_shoff
    content[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    with pytest.raises(ValueError, match=r"stripped\.so has no section headers"):
        elf.read("stripped.so", bytes(content))


def test_what_needs_a_newer_glibc_than_kylins_is_unfit() -> None:
    both = [read(OLD), read(NEW)]
    assert elf.unfit(both, arch="x86_64") == [f"{NEW} needs GLIBC_2.29"]
    assert elf.unfit(both, arch="x86_64", glibc=(2, 29)) == []


def test_what_is_for_another_architecture_is_unfit() -> None:
    assert elf.unfit([read(ARM)], arch="x86_64") == [f"{ARM} is for aarch64, not x86_64"]
    assert elf.unfit([read(ARM)], arch="aarch64") == []


@pytest.mark.parametrize("name", ["GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"])
def test_a_version_without_a_number_is_unfit(name: str) -> None:
    asking = replace(read(OLD), glibc=frozenset({"GLIBC_2.3", name}))
    assert elf.unfit([asking], arch="x86_64") == [f"{OLD} needs {name}"]
    assert elf.newest([asking]) == "GLIBC_2.3"


def test_versions_are_compared_as_numbers() -> None:
    assert elf.newest([read(OLD), read(ARM)]) == "GLIBC_2.17"
    assert elf.newest([replace(read(OLD), glibc=frozenset())]) is None
    assert elf.unfit([replace(read(OLD), glibc=frozenset({"GLIBC_2.3.4", "GLIBC_2.4"}))], arch="x86_64") == []


def test_elves_are_found_in_a_tarball_and_in_archives_inside_it(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.write(FOLDER / NEW, "native/new.so")
        packed.writestr("readme", "text")
    artifact = tmp_path / "thing-1-x86_64.tar.gz"
    with tarfile.open(artifact, "w:gz") as tar:
        tar.add(FOLDER / OLD, "thing-1/lib/old.so")
        entry = tarfile.TarInfo("thing-1/lib/some.jar")
        entry.size = len(inner.getvalue())
        tar.addfile(entry, io.BytesIO(inner.getvalue()))
    (tmp_path / "some.jar").write_bytes(inner.getvalue())
    assert [each.path for each in elf.elves_of(artifact)] == [
        "thing-1/lib/old.so",
        "thing-1/lib/some.jar!native/new.so",
    ]
    assert [each.path for each in elf.elves_of(tmp_path / "some.jar")] == ["some.jar!native/new.so"]
