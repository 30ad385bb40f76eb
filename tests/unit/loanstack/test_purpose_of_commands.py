"""Commands that load or break an environment are refused before anything of it is contacted or written."""

import os
from dataclasses import replace

import pytest
from click.testing import CliRunner

from inventory import environment
from inventory.purpose import CONSENT_VARIABLE, Action, Purpose
from loanstack.cli import main
from loanstack.commands import verb
from loanstack.runs.task import CommandError, require_allowed
from proof.exits import ExitCode

REHEARSAL = replace(environment("qinghai"), purpose=Purpose.REHEARSAL)
DANGEROUS = {
    "drill": ["drill", "qinghai", "primary-crash"],
    "all drills": ["drill", "qinghai", "all"],
    "load": ["load", "qinghai", "--rate", "10"],
    "capacity": ["load", "qinghai", "--find-capacity"],
    "seed": ["seed", "qinghai"],
    "compare": ["compare", "qinghai"],
    "prove": ["prove", "qinghai"],
}


@pytest.fixture(autouse=True)
def nothing_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    def contacted(*_: object) -> None:
        raise AssertionError("the environment was looked at")

    monkeypatch.delenv(CONSENT_VARIABLE, raising=False)
    for name in ("require_reachable", "complete_secrets", "new_run"):
        monkeypatch.setattr(verb, name, contacted)


@pytest.mark.parametrize("argv", DANGEROUS.values(), ids=DANGEROUS)
@pytest.mark.parametrize("yes", [[], ["--yes", "qinghai"]], ids=["", "named"])
def test_production_is_refused_whatever_was_said(
    argv: list[str], yes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONSENT_VARIABLE, "")
    done = CliRunner().invoke(main.cli, [*argv, *yes], standalone_mode=False)
    assert isinstance(done.exception, CommandError)
    assert done.exception.code is ExitCode.USAGE
    assert "is for production" in str(done.exception)


def test_a_rehearsal_is_refused_where_nobody_can_be_asked() -> None:
    with pytest.raises(CommandError, match="--yes qinghai"):
        require_allowed(REHEARSAL, [Action.DRILL])


@pytest.mark.parametrize(("typed", "is_refused"), [("qinghai", False), ("lab", True)])
def test_at_a_terminal_its_name_is_asked_for_once(
    typed: str, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONSENT_VARIABLE, "")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: typed)
    if is_refused:
        with pytest.raises(CommandError, match="another name was typed"):
            require_allowed(REHEARSAL, [Action.LOAD])
        return
    require_allowed(REHEARSAL, [Action.LOAD])
    assert os.environ[CONSENT_VARIABLE] == "qinghai"
    REHEARSAL.require_allowed(*Action)


def test_what_harms_nobody_is_not_asked_about() -> None:
    require_allowed(environment("qinghai"), [])
    require_allowed(environment("qinghai"), [Action.UPGRADE])
    require_allowed(environment("lab"), list(Action))
