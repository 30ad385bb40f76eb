"""JSON files of a run folder: read with their types checked, or refused with words that help."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos.engine import results as drill_files
from chaos.engine.heal import load_record
from chaos.system.world import WorldError
from loadtests.results import run_info
from loanstack.judging import readings
from loanstack.results.ended import ENDED_FILE, read_ended
from loanstack.runs.folder import RunFolder
from proof.files import FileError, RecordError, read_if_there, read_json, read_lines


@dataclass(frozen=True, kw_only=True)
class Saved:
    status: int


def test_what_was_saved_comes_back_without_fields_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text('{"status": 3, "of_a_later_version": 1}')
    assert read_json(path, Saved) == Saved(status=3)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("", "truncated"), ("{", "truncated"), ("[]", "Expected `object`"), ('{"status": "x"}', r"\$\.status")],
)
def test_a_damaged_file_says_which_what_is_wrong_and_what_to_do(
    text: str, wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "saved.json"
    path.write_text(text)
    with pytest.raises(FileError, match=rf"saved\.json is no Saved: .*{wrong}.*; restore it from the run"):
        read_json(path, Saved)


def test_a_missing_file_says_which_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"saved\.json is missing; look elsewhere$"):
        read_json(tmp_path / "saved.json", Saved, remedy="look elsewhere")
    with pytest.raises(FileNotFoundError, match=r"saved\.jsonl is missing; restore it from the run$"):
        list(read_lines(tmp_path / "saved.jsonl", Saved))


def test_a_folder_in_place_of_a_file_is_damage(tmp_path: Path) -> None:
    for name in ("saved.json", "saved.jsonl", "saved.jsonl.gz", "results.json"):
        (tmp_path / name).mkdir()
    remedied = r" cannot be read: Is a directory; restore it from the run$"
    with pytest.raises(FileError, match=r"saved\.json" + remedied):
        read_json(tmp_path / "saved.json", Saved)
    with pytest.raises(FileError, match=r"results\.json" + remedied):
        RunFolder(path=tmp_path).read_results()
    for name in ("saved.jsonl", "saved.jsonl.gz"):
        with pytest.raises(FileError, match=name + remedied):
            list(read_lines(tmp_path / name, Saved))
        with pytest.raises(FileError, match=name + remedied):
            read_if_there(tmp_path / name, Saved)


def test_what_is_nested_too_deeply_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    # An unknown field is skipped, also by recursion.
    deep = "[" * 100_000 + "]" * 100_000
    path.write_text(f'{{"of_a_later_version": {deep}, "status": 3}}')
    with pytest.raises(FileError, match=r"saved\.json is no Saved: .*recursion.*; restore it from the run"):
        read_json(path, Saved)
    with pytest.raises(RecordError, match=r"saved\.json line 1: not a Saved: .*recursion"):
        list(read_lines(path, Saved))
    with pytest.raises(FileError, match=r"saved\.json is not JSON .*recursion.*; restore it from the run"):
        RunFolder(path=tmp_path).read_json("saved.json")


def test_every_file_of_one_object_is_read_so(tmp_path: Path) -> None:
    for name in (run_info.LOAD_FILE, readings.READINGS_FILE, drill_files.RUN_FILE, ENDED_FILE, "heal.json"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(FileError, match=r"load\.json is no RunInfo.*run the load again"):
        run_info.read(tmp_path)
    with pytest.raises(FileError, match=r"readings\.json is no Readings.*restore it"):
        readings.read(tmp_path)
    with pytest.raises(FileError, match=r"run\.json is no Run.*restore it"):
        drill_files.read_run(tmp_path)
    with pytest.raises(FileError, match=r"ended\.json is no Ended.*restore it"):
        read_ended(RunFolder(path=tmp_path))
    with pytest.raises(WorldError, match=r"heal\.json is no HealRecord.*delete the file"):
        load_record(tmp_path / "heal.json")
