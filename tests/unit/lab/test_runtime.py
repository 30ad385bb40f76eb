"""The runtime of bundles: unpacked as its module lists it, and refused if it is another than ours."""

import gzip
import json
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from inventory.artifacts import BUNDLE_LIBRARIES, BUNDLE_PYTHON
from lab import architecture, runtime
from lab.errors import LabError

FOLDER, LINK = 0o755 | 1 << 31, 1 << 27
PROGRAM, FILE = 0o775, 0o664
LIBRARY = f"lib/python{BUNDLE_PYTHON}"


def listed(name: str, perm: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "size": 1, "perm": perm, **more}


def module(folder: Path, *entries: dict[str, Any]) -> Path:
    """Write a module's folder, with one word in each file: its name."""
    for entry in entries:
        path = folder / entry["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.get("compressed"):
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(entry["name"].encode()))
        elif entry["perm"] in (PROGRAM, FILE):
            path.write_text(entry["name"])
    (folder / "files.json").write_text(json.dumps({"contentHash": "0", "files": entries}))
    return folder


PYTHON = (
    listed("bin", FOLDER),
    listed("bin/python3", LINK, symlink=f"python{BUNDLE_PYTHON}"),
    listed(f"bin/python{BUNDLE_PYTHON}", PROGRAM, compressed=True),
    listed(LIBRARY, FOLDER),
    listed(f"{LIBRARY}/os.py", FILE),
)


def test_files_are_unpacked_with_links_and_permissions(tmp_path: Path) -> None:
    target = tmp_path / "runtime"
    runtime.unpack(module(tmp_path / "module", *PYTHON), target)
    program = target / "bin" / f"python{BUNDLE_PYTHON}"
    assert program.read_text() == f"bin/python{BUNDLE_PYTHON}"
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert (target / "bin/python3").resolve() == program
    assert stat.S_IMODE((target / LIBRARY / "os.py").stat().st_mode) == 0o644


def test_only_what_services_need_is_unpacked(tmp_path: Path) -> None:
    more = (
        listed("bin/pip3", PROGRAM),
        listed(f"lib/libpython{BUNDLE_PYTHON}.so.1.0", PROGRAM, compressed=True),
        listed(f"{LIBRARY}/config-{BUNDLE_PYTHON}-x86_64-linux-gnu/Makefile", FILE),
        listed(f"{LIBRARY}/lib-dynload/_testcapi.cpython.so", PROGRAM, compressed=True),
        listed(f"{LIBRARY}/lib-dynload/_dbm.cpython.so", PROGRAM, compressed=True),
        listed(f"{LIBRARY}/site-packages/pip/__init__.py", FILE),
        listed(f"{LIBRARY}/unittest/__init__.py", FILE),
    )
    target = tmp_path / "runtime"
    runtime.unpack(module(tmp_path / "module", *PYTHON, *more), target)
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == {
        "bin/python3",
        f"bin/python{BUNDLE_PYTHON}",
        f"{LIBRARY}/os.py",
        f"{LIBRARY}/lib-dynload/_dbm.cpython.so",
        f"{LIBRARY}/unittest/__init__.py",
    }


def test_a_module_with_another_python_is_refused(tmp_path: Path) -> None:
    other = module(tmp_path / "module", listed("bin/python2.7", PROGRAM))
    with pytest.raises(LabError, match=rf"no bin/python{BUNDLE_PYTHON}; make MODULE and BUNDLE_PYTHON agree"):
        runtime.unpack(other, tmp_path / "runtime")


def test_a_list_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    source = module(tmp_path / "module", listed(f"{LIBRARY}/os.py", FILE))
    listing = (source / "files.json").read_text().replace("os.py", "../../../os.py")
    (source / "files.json").write_text(listing)
    with pytest.raises(LabError, match="outside of the runtime"):
        runtime.unpack(source, tmp_path / "runtime")
    assert not (tmp_path / "os.py").exists()


def test_the_module_and_the_folder_of_libraries_are_of_one_python() -> None:
    assert f"-{BUNDLE_PYTHON}." in runtime.MODULE
    assert BUNDLE_LIBRARIES.startswith(f"{LIBRARY}/")


Answer = Callable[[dict[str, Any]], dict[str, Any]]


def go_answers(
    monkeypatch: pytest.MonkeyPatch, source: Path, change: Answer = lambda said: said
) -> list[str]:
    """Replace other programs; return the list of those that ran, which grows."""
    ran: list[str] = []

    def run(command: Sequence[str], *, environment: Mapping[str, str] | None = None, **_: Any) -> str:
        ran.append(Path(command[0]).name if command[0] == "go" else command[0])
        if command[0] != "go":
            return ""
        assert environment is not None
        assert command[-1] == runtime.MODULE
        # In a shared module cache, files could have been changed since Go hashed them.
        assert Path(environment["GOMODCACHE"]).parent.name.startswith("building-")
        return json.dumps(change({"Dir": str(source), "Sum": runtime._MODULE_HASH}))

    monkeypatch.setattr(runtime, "run", run)
    return ran


def test_a_module_with_another_hash_is_refused_and_leaves_nothing_that_is_taken_for_a_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_answers(monkeypatch, tmp_path, lambda said: {**said, "Sum": "h1:other="})
    with pytest.raises(LabError, match=r"has the hash h1:other=, not h1:.*do not use it"):
        runtime.ensure(tmp_path / "cache")
    assert not runtime.folder_of(tmp_path / "cache").exists()


def test_a_runtime_is_made_once_and_this_machines_own_compiles_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in architecture.ALL:
        module(tmp_path / f"module/python/internal/data/linux-{each.debian}", *PYTHON)
    ran = go_answers(monkeypatch, tmp_path / "module")
    cache = tmp_path / "cache"
    other = runtime.ensure(cache, architecture.AARCH64)
    native = runtime.ensure(cache)
    assert (other, native) == (
        runtime.folder_of(cache, architecture.AARCH64),
        runtime.folder_of(cache, architecture.NATIVE),
    )
    building = cache / "runtimes" / f"building-{native.name}"
    assert ran == ["go", str(building / "unpacked/bin/python3"), "go", str(native / "bin/python3")]
    assert sorted(path.name for path in (cache / "runtimes").iterdir()) == sorted([other.name, native.name])
