"""This machine's own build of a program in the place of one that cannot be emulated."""

import subprocess
from pathlib import Path

import pytest

from lab import native_program
from lab.errors import LabError


def test_it_runs_from_its_own_folder_with_its_own_libraries(tmp_path: Path) -> None:
    place = tmp_path / "usr/bin/printf"
    place.parent.mkdir(parents=True)
    place.write_text("a program for another machine")
    native_program.put(tmp_path, "usr/bin/printf")
    folder = tmp_path / native_program.FOLDER / "printf"
    assert {"printf", "libc.so.6", "ld-linux-x86-64.so.2"} <= {path.name for path in folder.iterdir()}
    # In a host the folder lies at the root.
    text = place.read_text().replace(f"/{native_program.FOLDER}", f"{tmp_path}/{native_program.FOLDER}")
    place.write_text(text)
    said = subprocess.run(
        [str(place), "%s|", "two words", "three"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "two words|three|"
    assert "stand-in" in text


def test_what_ldd_says_is_read_as_files() -> None:
    said = (
        "\tlinux-vdso.so.1 (0x00007f55d6c8d000)\n"
        "\tlibmnl.so.0 => /lib/x86_64-linux-gnu/libmnl.so.0 (0x00007f55d6976000)\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f55d6c8f000)\n"
    )
    assert [str(path) for path in native_program.libraries(said)] == [
        "/lib/x86_64-linux-gnu/libmnl.so.0",
        "/lib64/ld-linux-x86-64.so.2",
    ]


def test_one_that_is_not_installed_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="/usr/sbin/no-such-program"):
        native_program.put(tmp_path, "usr/sbin/no-such-program")
