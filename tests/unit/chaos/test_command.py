"""`python -m chaos` with wrong words: a clear refusal, and nothing is changed."""

import fcntl
from pathlib import Path

import pytest
from click.testing import CliRunner

import chaos.__main__ as command
from chaos.catalogue import drills
from chaos.recorders import write_probe
from inventory.lab import ENVIRONMENT


def invoke(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command.main, words)
    return done.exit_code, done.output


def test_the_drills_are_listed() -> None:
    code, output = invoke("list")
    assert code == 0
    assert [line.split("\t")[0] for line in output.splitlines()] == list(drills.drills(ENVIRONMENT))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "nowhere", "primary-crash", "--run-folder", "x"), "no environment 'nowhere'"),
        (("run", "lab", "earthquake", "--run-folder", "x"), "no drill 'earthquake'; known: primary-crash"),
        (("run", "lab", "primary-crash"), "--run-folder"),
        (("run", "lab", "primary-crash", "--run-folder", "x", "--rate", "0"), "--rate"),
        (("heal", "nowhere"), "no environment 'nowhere'"),
    ],
)
def test_wrong_words_are_refused(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    code, output = invoke(*words)
    assert code == 2
    assert says in output
    assert not (tmp_path / "x").exists()


def test_an_environment_that_is_not_up_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "record_path", lambda env: tmp_path / "not up" / "drill-heal.json")
    code, output = invoke("run", "lab", "primary-crash", "--run-folder", str(tmp_path / "run"))
    assert code == 2
    assert "is not up; bring it up first" in output


def test_a_second_drill_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "record_path", lambda env: tmp_path / "drill-heal.json")
    with (tmp_path / "drill-heal.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, output = invoke("run", "lab", "primary-crash", "--run-folder", str(tmp_path / "run"))
    assert code == 2
    assert "environment 'lab': another drill is running" in output
    assert "loanstack drill stop lab" in output


def test_a_used_run_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "load").mkdir()
    code, output = invoke("run", "lab", "primary-crash", "--run-folder", str(tmp_path))
    assert code == 2
    assert "already holds a drill" in output


def test_nothing_to_heal_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "record_path", lambda env: tmp_path / "drill-heal.json")
    assert invoke("heal", "lab") == (0, "nothing to heal\n")


def test_production_is_neither_drilled_nor_probed(tmp_path: Path) -> None:
    code, output = invoke("run", "qinghai", "primary-crash", "--run-folder", str(tmp_path / "run"))
    assert (code, "is for production" in output) == (2, True)
    done = CliRunner().invoke(write_probe.main, ["qinghai", "--out", str(tmp_path / "probes.jsonl")])
    assert (done.exit_code, "is for production" in done.output) == (2, True)
    assert not list(tmp_path.iterdir())
