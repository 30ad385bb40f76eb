"""The command as a user or another program meets it: exit codes, standard output, secrets."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from inventory import environment, secrets
from inventory.places import PROJECT_ROOT
from loadtests.workers.placement import NO_ABORT
from loanstack.cli import main
from loanstack.runs import junit, secrecy
from loanstack.runs.console import Console
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, complete_secrets
from proof.objectives import Objective
from proof.verdict import Verdict
from tests.unit.loanstack import example

DEADLINE_S = 60
LOANSTACK = Path(sys.executable).with_name("loanstack")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(LOANSTACK), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
        timeout=240,
    )


class Here:
    """The command in this process: an interpreter for each mistake would cost more than all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        monkeypatch.setattr(main, "interrupt_on_signals", lambda: None)
        monkeypatch.chdir(PROJECT_ROOT)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        self._monkeypatch.setattr(sys, "argv", ["loanstack", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = self._capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code or 0, out, err)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(monkeypatch, capsys)


@pytest.mark.parametrize("arguments", [("load", "--help"), ("deploy", "tibet"), ()])
def test_a_process_of_its_own_says_the_same(here: Here, arguments: tuple[str, ...]) -> None:
    alone, beside = run(*arguments), here.run(*arguments)
    assert (alone.returncode, alone.stdout, alone.stderr) == (
        beside.returncode,
        beside.stdout,
        beside.stderr,
    )


@pytest.mark.parametrize(
    "command", ["plan", "deploy", "verify", "load", "drill", "drills", "prove", "report", "lab"]
)
def test_every_command_explains_itself(here: Here, command: str) -> None:
    done = here.run(command, "--help")
    assert done.returncode == 0
    assert "Usage: loanstack" in done.stdout
    if command not in {"lab", "drills"}:
        assert f"loanstack {command}" in done.stdout.split("Examples:")[1]
        assert "--json" in done.stdout


def test_the_end_of_a_drill_is_a_command_of_its_own(here: Here) -> None:
    done = here.run("drill", "stop", "--help")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Usage: loanstack drill stop [OPTIONS] ENV")
    assert "wait until it has healed" in done.stdout
    assert "--repeat" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Usage"),
        (("nonsense",), "nonsense"),
        (("deploy", "tibet"), "lab, qinghai"),
        (("deploy", "lab", "--limit", "ob-z"), "ob-a"),
        (("deploy", "lab", "--only", "tomcat"), "oceanbase"),
        (("load", "lab", "--duration", "20"), "120s"),
        (("load", "lab", "--rate", "0"), "rate"),
        (("load", "lab", "--scenario", "x"), "journey"),
        (("load", "lab", "--workers", "0"), "allowed: 1 to 1024, the users that they share"),
        (("load", "lab", "--workers", "1025"), "allowed: 1 to 1024, the users that they share"),
        (("load", "lab", "--workers", "gw-a,gw-b"), "gw-a has role gateway; allowed: a number"),
        (("load", "lab", "--workers", "2,gw-a"), "'2' is a number among hosts"),
        (("load", "lab", "--workers", "2", "--processes-per-host", "2"), "that is for hosts"),
        (("load", "lab", "--processes-per-host", "2"), "without --workers HOSTS"),
        (("load", "lab", "--workers", "2", "--abort-on-fail"), NO_ABORT),
        (("drill", "stop"), "Usage: loanstack drill stop [OPTIONS] ENV"),
        (("drill", "stop", "tibet"), "lab, qinghai"),
        (("drill", "stop", "lab", "primary-crash"), "unexpected extra argument"),
        (("drill", "lab", "primary-crush"), "primary-crash"),
        (("drill", "lab", "primary-crash", "--repeat", "0"), "repeat"),
        (("drill", "lab", "primary-crash", "--steady-within", "4s"), "must hold for 5 s"),
        (("report", "/nonexistent"), "does not exist"),
        (("report", "/"), "results.json"),
        (("verify", "qinghai"), "does not exist"),
    ],
)
def test_a_users_mistake_ends_with_two_says_what_is_allowed_and_shows_no_traceback(
    here: Here, arguments: tuple[str, ...], words: str
) -> None:
    done = here.run(*arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_json_output_is_only_json(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run").path
    for arguments in (("drills", "--json"), ("report", str(folder), "--json")):
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout), dict)


def test_a_machine_gets_the_contract_and_the_folder_and_nothing_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    console = Console(machine_readable=True)
    console.say("working [on] it")
    console.note("a line of a log")
    with console.doing("something"):
        console.say("more")
    console.result(Results(verb="load", environment="lab", verdict=Verdict.PASS, reasons=("中文",)), tmp_path)
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["verdict"] == "PASS"
    assert found["reasons"] == ["中文"]
    assert found["run_folder"] == str(tmp_path)
    assert "working [on] it" in err


def test_a_human_gets_a_verdict_and_every_reason_as_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    results = Results(
        verb="load", environment="lab", verdict=Verdict.FAIL, reasons=("[red]p99[/red] is high",)
    )
    Console().result(results, tmp_path)
    out, _ = capsys.readouterr()
    assert "FAIL load lab" in out
    assert "[red]p99[/red] is high" in out
    assert str(tmp_path / "report.html") in out.replace("\n", "")


def test_a_secret_in_any_file_is_found_blotted_out_and_named_but_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    known = secrets.ensure(file)
    folder = tmp_path / "run"
    (folder / "deep").mkdir(parents=True)
    harmless = b"x" * (1 << 20)
    # Across the border of two pieces, where a careless search misses it.
    (folder / "deep" / "big.log").write_bytes(harmless[:-7] + known.loan_app_password.encode() + harmless)
    (folder / "clean.log").write_text("nothing")
    found = secrecy.leaks(folder, file)
    assert len(found) == 1
    assert "deep/big.log" in found[0]
    assert "loan_app_password" in found[0]
    assert known.loan_app_password not in found[0]
    assert known.loan_app_password.encode() not in (folder / "deep" / "big.log").read_bytes()
    assert secrecy.leaks(folder, file) == ()


def test_a_command_completes_the_secrets_of_an_earlier_version_and_makes_no_file(tmp_path: Path) -> None:
    env = replace(environment("lab"), secrets_file=tmp_path / "secrets.json")
    complete_secrets(env)
    assert not env.secrets_file.exists()
    first = asdict(secrets.ensure(env.secrets_file, fences=env.fences))
    older = {name: value for name, value in first.items() if name != "report_password"}
    env.secrets_file.write_text(json.dumps(older))
    complete_secrets(env)
    again = asdict(secrets.load(env.secrets_file))
    assert {**again, **older} == again
    env.secrets_file.chmod(0o644)
    with pytest.raises(CommandError, match="allowed: 0600"):
        complete_secrets(env)


def test_without_a_secrets_file_there_is_nothing_to_look_for(tmp_path: Path) -> None:
    assert secrecy.leaks(tmp_path, tmp_path / "none.json") == ()


def test_junit_tells_a_pipeline_the_same(tmp_path: Path) -> None:
    results = Results(
        verb="load",
        environment="lab",
        verdict=Verdict.FAIL,
        reasons=("p99 <too> high",),
        figures={"latency_p99_ms": 300.0},
    )
    objectives = (
        Objective(figure="latency_p99_ms", limit=250),
        Objective(figure="errors", limit=0),
    )
    findings = [{"name": "ledger_balances", "verdict": "PASS", "reasons": []}]
    junit.write(tmp_path / "junit.xml", results, objectives, findings)
    text = (tmp_path / "junit.xml").read_text()
    assert text.startswith("<?xml")
    assert text.count("<testcase") == 4
    assert text.count("<failure") == 2
    assert text.count("<error") == 1
    assert "p99 &lt;too&gt; high" in text
