"""`prove` and `run_verb` with everything they run replaced: what happens on failure and on Ctrl-C."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from inventory.availability import Durability
from loanstack.cli import main
from loanstack.cli import prove as prove_cli
from loanstack.commands import prove as module
from loanstack.commands import verb
from loanstack.commands.drill import DrillParameters
from loanstack.commands.durability import under
from loanstack.commands.load import LoadParameters
from loanstack.commands.steps import StepOutcome
from loanstack.commands.verb import run_verb
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, Task
from proof.exits import ExitCode
from proof.verdict import Verdict

ASKED = LoadParameters(scenario="journey", rate_per_s=10, duration_s=1)
PASS = StepOutcome(verdict=Verdict.PASS)


class World:
    """Records what `prove` runs; each verb passes unless it is told otherwise."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.trouble: dict[str, BaseException | Results] = {}
        self.lab: dict[str, StepOutcome | CommandError] = {}
        self.drilled_at_per_s: set[float] = set()
        self.under: dict[str, tuple[str, str | None]] = {}

    def drill(self, task: Task, asked: DrillParameters) -> Results:
        self.drilled_at_per_s.add(asked.rate_per_s)
        return self.verb(task, "drill")

    def verb(self, task: Task, name: str) -> Results:
        step = task.folder.path.name.partition("-")[2]
        self.ran.append(step)
        self.under[step] = (task.env.failover.durability, os.environ.get("LOANSTACK_LAB_DURABILITY"))
        found = self.trouble.get(step)
        if isinstance(found, BaseException):
            raise found
        task.begin(())
        return task.end(found or Results(verb=name, environment="lab", verdict=Verdict.PASS))

    def run_lab(self, verb: str) -> StepOutcome:
        self.ran.append(f"lab {verb}")
        found = self.lab.get(verb, PASS)
        if isinstance(found, CommandError):
            raise found
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(module, "deploy", lambda task, **_: found.verb(task, "deploy"))
    monkeypatch.setattr(module, "_verify_while_seeding", lambda task: found.verb(task, "verify"))
    monkeypatch.setattr(module, "load", lambda task, asked: found.verb(task, "load"))
    monkeypatch.setattr(module, "drill", lambda task, name, asked, **_: found.drill(task, asked))
    monkeypatch.setattr(module, "_lab", lambda task, verb, timeout_s: found.run_lab(verb))
    return found


EVERYTHING = [
    *("lab down", "lab up", "deploy", "deploy-again", "verify", "load", "drill-primary-crash"),
    *("deploy-cross_centre", "drill-primary-crash-cross_centre"),
    *("drill-primary-host-poweroff-cross_centre", "drill-switchover-under-load-cross_centre", "lab down"),
]


def test_everything_runs_in_order_and_the_lab_is_taken_down_again(world: World, task: Task) -> None:
    found = module.prove(task, ASKED, keep=False)
    assert world.ran == EVERYTHING
    assert found.verdict is Verdict.PASS
    assert found.exit_code == 0
    assert len(found.children) == 9


@pytest.mark.parametrize("asked_for", [None, "cross_centre"])
def test_both_durabilities_are_proved_and_what_is_started_reads_the_same_inventory(
    world: World, task: Task, monkeypatch: pytest.MonkeyPatch, asked_for: str | None
) -> None:
    variable = "LOANSTACK_LAB_DURABILITY"
    monkeypatch.delenv(variable, raising=False)
    if asked_for is not None:
        monkeypatch.setenv(variable, asked_for)
    module.prove(task, ASKED, keep=False)
    local, crossed = ("local", "local"), ("cross_centre", "cross_centre")
    assert world.under == {
        **dict.fromkeys(EVERYTHING[2:7], local),
        **dict.fromkeys(EVERYTHING[7:-1], crossed),
    }
    assert os.environ.get(variable) == asked_for


def test_each_durability_is_judged_by_its_own_promises(task: Task) -> None:
    for durability in (Durability.LOCAL, Durability.CROSS_CENTRE):
        with under(task, durability) as told:
            assert told.env.load_slo == task.env.load_slo_under[durability]
    assert len(set(task.env.load_slo_under.values())) == 2


def test_an_inventory_that_cannot_be_told_is_proved_as_it_is(world: World, task: Task) -> None:
    env = replace(task.env, durability_variable=None)
    module.prove(replace(task, env=env), ASKED, keep=False)
    assert world.ran[2:-1] == [
        *("deploy", "deploy-again", "verify", "load"),
        *("drill-primary-crash", "drill-primary-host-poweroff", "drill-switchover-under-load"),
    ]


def test_writes_missing_under_cross_centre_are_told_apart(world: World, task: Task) -> None:
    for step, lost in (("drill-primary-crash", 3), ("drill-primary-crash-cross_centre", 2)):
        world.trouble[step] = Results(
            verb="drill", environment="lab", verdict=Verdict.PASS, figures={"acknowledged_lost": lost}
        )
    figures = module.prove(task, ASKED, keep=False).figures
    assert (figures["acknowledged_lost_in_drills"], figures["acknowledged_lost_cross_centre"]) == (5, 2)


def test_loads_and_drills_go_at_the_environment_s_pace(
    world: World, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.prove(task, ASKED, keep=False)
    assert world.drilled_at_per_s == {task.env.prove_pace.drill_per_s}
    asked: list[object] = []
    monkeypatch.setattr(prove_cli, "run_verb", lambda *_, parameters, **__: asked.append(parameters["rate"]))
    for words in ([], ["--rate", "20"]):
        assert CliRunner().invoke(main.cli, ["prove", "lab", *words]).exit_code == 0
    assert asked == [task.env.prove_pace.load_per_s, 20]


def test_keep_leaves_the_lab_up(world: World, task: Task) -> None:
    module.prove(task, ASKED, keep=True)
    assert world.ran == EVERYTHING[:-1]


def test_a_deploy_that_fails_stops_the_rest_but_not_the_lab_down(world: World, task: Task) -> None:
    world.trouble["deploy"] = Results(
        verb="deploy",
        environment="lab",
        verdict=Verdict.FAIL,
        reasons=("ob-a: no space",),
        figures={"hosts_failed": 1},
    )
    found = module.prove(task, ASKED, keep=False)
    assert world.ran == ["lab down", "lab up", "deploy", "lab down"]
    assert found.verdict is Verdict.FAIL
    assert found.reasons[0] == "deploy: ob-a: no space"
    assert found.exit_code == 1


def test_a_load_that_misses_its_rate_does_not_hide_the_drills(world: World, task: Task) -> None:
    world.trouble["load"] = Results(
        verb="load", environment="lab", verdict=Verdict.FAIL, reasons=("990/s",), figures={"errors": 3}
    )
    found = module.prove(task, ASKED, keep=False)
    assert world.ran == EVERYTHING
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("load: 990/s",)


def test_a_drill_that_leaves_residue_is_the_last_one_and_outranks_all(world: World, task: Task) -> None:
    world.trouble["drill-primary-crash"] = Results(
        verb="drill", environment="lab", verdict=Verdict.FAIL, reasons=("fence left",), figures={"residue": 1}
    )
    found = module.prove(task, ASKED, keep=False)
    assert "deploy-cross_centre" not in world.ran
    assert world.ran[-1] == "lab down"
    assert found.exit_code == 4


def test_a_load_that_cannot_be_driven_is_invalid_and_its_folder_says_why(world: World, task: Task) -> None:
    world.trouble["load"] = CommandError("no gateway answers", code=ExitCode.INVALID)
    found = module.prove(task, ASKED, keep=False)
    assert found.verdict is Verdict.INVALID
    assert found.exit_code == 3
    written = json.loads((task.folder.path / "4-load" / "results.json").read_text())
    assert written["verdict"] == "INVALID"
    assert written["reasons"] == ["no gateway answers"]


@pytest.mark.parametrize("where", ["deploy", "verify", "load", "drill-primary-crash"])
def test_ctrl_c_anywhere_takes_the_lab_down(world: World, task: Task, where: str) -> None:
    world.trouble[where] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        module.prove(task, ASKED, keep=False)
    assert world.ran[-1] == "lab down"
    assert world.ran[-2] == where


def test_a_machine_that_cannot_run_the_lab_is_a_usage_error(world: World, task: Task) -> None:
    world.lab["up"] = CommandError("not root; run it as root")
    with pytest.raises(CommandError, match="run it as root") as refused:
        module.prove(task, ASKED, keep=False)
    assert refused.value.code == 2
    assert "deploy" not in world.ran


def test_a_lab_that_does_not_go_down_is_no_pass(world: World, task: Task) -> None:
    outcomes = iter([PASS, StepOutcome(verdict=Verdict.FAIL, reasons=("a mount is left",), usable=False)])
    world.run_lab = lambda verb: next(outcomes) if verb == "down" else PASS  # type: ignore[method-assign]
    found = module.prove(task, ASKED, keep=False)
    assert found.verdict is Verdict.FAIL
    assert found.reasons == ("lab down: a mount is left",)


@pytest.mark.parametrize(
    ("trouble", "code", "verdict"),
    [
        (CommandError("silent", code=ExitCode.INVALID), 3, "INVALID"),
        (CommandError("broke", code=ExitCode.FAIL), 1, "FAIL"),
    ],
)
def test_a_verb_that_cannot_go_on_still_leaves_a_whole_run_folder(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    trouble: CommandError,
    code: int,
    verdict: str,
) -> None:
    monkeypatch.setattr(verb, "RUNS_DIR", tmp_path)

    def work(task: Task) -> Results:
        task.begin(())
        raise trouble

    assert run_verb("load", "lab", work, machine_readable=True, needs_hosts=False) == code
    assert json.loads(capsys.readouterr().out)["verdict"] == verdict
    assert json.loads((tmp_path / "latest" / "results.json").read_text())["reasons"] == [str(trouble)]
    assert (tmp_path / "latest" / "report.html").exists()
    assert (tmp_path / "latest" / "junit.xml").exists()


def test_an_interrupted_verb_says_so_in_its_run_folder_and_to_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verb, "RUNS_DIR", tmp_path)

    def work(task: Task) -> Results:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_verb("load", "lab", work, machine_readable=False, needs_hosts=False)
    written = json.loads((tmp_path / "latest" / "results.json").read_text())
    assert (written["verdict"], written["reasons"]) == ("INVALID", ["interrupted"])
    assert (tmp_path / "latest" / "report.html").exists()
    shown = capsys.readouterr().out
    assert "INVALID load lab" in shown
    assert "report.html" in shown
