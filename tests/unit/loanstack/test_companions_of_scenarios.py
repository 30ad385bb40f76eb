"""What a scenario declares of its companions holds for each of them: built, asked for, refused, recorded."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from inventory import environment
from inventory.database_kind import DatabaseKind
from loadtests.plan.companion_kind import CompanionKind
from loadtests.plan.scenarios import SCENARIOS
from loanstack.cli import load, main
from loanstack.commands.load import LoadParameters
from loanstack.companions.catalogue import BUILDERS
from loanstack.companions.companion import AccompaniedLoad
from loanstack.companions.options import CompanionParameters, declared_options
from loanstack.runs.console import Console
from loanstack.runs.folder import RunFolder
from loanstack.runs.task import Task

DECLARED = tuple(dict.fromkeys(kind for scenario in SCENARIOS.values() for kind in scenario.companions))
OPTIONS = [(option, name) for option in declared_options() for name in SCENARIOS]


class Settings(dict[str, str]):
    """Keeps which of them were read."""

    def __init__(self, chosen: dict[str, str]) -> None:
        super().__init__(chosen)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "run"
    folder.mkdir()
    return Task(
        env=environment("lab"),
        folder=RunFolder(path=folder),
        processes=None,  # type: ignore[arg-type]  # to build a companion starts nothing
        console=Console(machine_readable=True),
    )


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Run no load; return the parameters that each one would have been recorded with."""
    found: list[dict[str, object]] = []

    def run_verb(verb: str, env: str, work: object, *, parameters: dict[str, object], **_: object) -> int:
        found.append(parameters)
        return 0

    monkeypatch.setattr(load, "run_verb", run_verb)
    return found


def test_every_kind_can_be_built_and_none_is_built_for_nobody() -> None:
    assert set(BUILDERS) == set(DECLARED)


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_companion_that_a_scenario_declares_is_built(task: Task, name: str) -> None:
    found = CompanionParameters().companions(task, scenario=name, duration_s=60.0, warm_up_s=10.0)
    assert len(found) == len(SCENARIOS[name].companions)
    for companion in found:
        assert all(hasattr(companion, part) for part in ("__enter__", "__exit__", "finding"))


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.title)
def test_a_companion_heeds_each_option_that_it_declares(task: Task, kind: CompanionKind) -> None:
    for option in kind.options:
        assert option.default in option.choices
    chosen = Settings({option.name: option.choices[-1] for option in kind.options})
    built_for = AccompaniedLoad(
        task=task, duration_s=60.0, warm_up_s=10.0, database=DatabaseKind.OCEANBASE, settings=chosen
    )
    BUILDERS[kind](built_for)
    assert chosen.read == {option.name for option in kind.options}


@pytest.mark.parametrize(("option", "name"), OPTIONS, ids=lambda each: getattr(each, "flag", each))
def test_an_option_is_refused_for_a_scenario_that_does_not_have_it(option, name, recorded) -> None:
    for choice in option.choices:
        done = CliRunner().invoke(main.cli, ["load", "lab", "--scenario", name, option.flag, choice])
        if option in SCENARIOS[name].options:
            assert done.exit_code == 0, done.output
            assert recorded.pop()[option.name] == choice
        else:
            assert done.exit_code == 2
            allowed = " or ".join(declared_options()[option])
            assert f"{option.flag} with --scenario {name}; allowed: --scenario {allowed}" in done.output
    assert not recorded


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_nobody_asks_for_is_what_the_scenario_declares(name: str, recorded) -> None:
    done = CliRunner().invoke(main.cli, ["load", "lab", "--scenario", name])
    assert done.exit_code == 0, done.output
    [parameters] = recorded
    scenario = SCENARIOS[name]
    assert parameters["duration_s"] == max([120.0, *(kind.duration_s for kind in scenario.companions)])
    for option in declared_options():
        default = option.default if option in scenario.options else None
        assert parameters.get(option.name) == default


def test_what_was_asked_for_reaches_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    driven: list[LoadParameters] = []
    monkeypatch.setattr(load, "run_load", lambda task, asked: driven.append(asked))
    monkeypatch.setattr(load, "run_verb", lambda verb, env, work, **_: work(None) or 0)
    options = ["--major-freeze", "--scenario", "analytics", "--analytics-on", "standby"]
    done = CliRunner().invoke(main.cli, ["load", "lab", *options])
    assert done.exit_code == 0, done.output
    [asked] = driven
    assert asked.scenario == "analytics"
    assert asked.beside == CompanionParameters(major_freeze=True, given={"analytics_on": "standby"})


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_search_refuses_what_its_short_probes_cannot_show(name: str, recorded) -> None:
    done = CliRunner().invoke(main.cli, ["load", "lab", "--scenario", name, "--find-capacity"])
    needs = [kind.needs_long_load_for for kind in SCENARIOS[name].companions if kind.needs_long_load_for]
    assert (done.exit_code == 2) is bool(needs or SCENARIOS[name].storm)
    for what in needs:
        assert f"--scenario {name}: not with --find-capacity" in done.output
        assert f"too short for {what}" in done.output
    assert bool(recorded) is (done.exit_code == 0)


def test_the_help_names_what_companions_declare() -> None:
    done = CliRunner().invoke(main.cli, ["load", "--help"], terminal_width=10_000)
    text = " ".join(done.output.split())
    for kind in DECLARED:
        assert bool(kind.duration_note) is bool(kind.duration_s), "a duration that --help does not tell"
        assert kind.duration_note in text
    for option, names in declared_options().items():
        assert f"Scenario {' or '.join(names)}: {option.meaning}; {option.default} by default." in text
