"""The set-up's endings: each in one sentence, and none with a traceback."""

import pytest

from lab import setup

ASKED = ["--venv", "/nowhere/.venv", "--uv-version", "1"]


def test_an_interruption_is_said_and_promises_that_the_next_run_completes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "_check_machine", interrupted)
    assert setup.main(ASKED) == 130
    assert capsys.readouterr().err == "setup: interrupted; the next run completes the set-up\n"


def test_what_a_machine_lacks_ends_with_the_code_of_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unfit() -> str:
        raise setup.SetupError("this machine cannot run the lab yet; nothing was changed")

    monkeypatch.setattr(setup, "_check_machine", unfit)
    assert setup.main(ASKED) == 2
    assert "nothing was changed" in capsys.readouterr().err


def test_go_is_installed_only_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert {"golang-go", "nftables"} <= set(setup.wanted_packages())
    monkeypatch.setattr("shutil.which", lambda _: "/usr/local/go/bin/go")
    assert "golang-go" not in setup.wanted_packages()
    assert "nftables" in setup.wanted_packages()
