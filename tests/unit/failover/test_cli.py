"""The agent's commands, against its API: what they print where, and with which code they end."""

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from failover.agent_client import Agent, AgentError, PrimaryAnswer
from failover.api.announcement import Answer
from failover.api.backend import RefusedError
from failover.api.history import HistoryEvent
from failover.api.outcome import Outcome, judge
from failover.cli import cli
from failover.etcd.http_api import EtcdError
from inventory.places import PROJECT_ROOT
from loanstack.cli.failover import failover as operators_commands
from tests.unit.failover.config import KEYS, settings_file
from tests.unit.failover.fake_backend import FakeBackend, a_status, served, serving


@pytest.fixture
def backend() -> FakeBackend:
    found = FakeBackend()
    found.announcement.say(serving("ob-a", 12))
    return found


@pytest.fixture
def config(backend: FakeBackend, tmp_path: Path) -> Iterator[Path]:
    with served(backend) as port:
        yield written(tmp_path, port)


def written(folder: Path, port: int, **keys: str) -> Path:
    found = settings_file()
    found["agent"] |= {"port": port, **keys}
    path = folder / "failover.json"
    path.write_text(json.dumps(found))
    path.chmod(0o600)
    return path


def run(config: Path, verb: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [verb, "--config", str(config), *arguments])


def test_status_for_people_and_for_programs(config: Path) -> None:
    found = run(config, "status")
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout.startswith("lab: ob-a leads under epoch 12 (guarantee: device); told by ob-a\n")
    assert json.loads(run(config, "status", "--json").stdout)["fenced_epoch"] == 11


def test_watching_ends_with_an_interrupt_and_bears_an_agent_that_is_away(
    config: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        backend.told = a_status(me="ob-b")
        if len(rounds) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("failover.cli.time.sleep", sleep)
    found = run(config, "status", "--watch", "--json")
    assert found.exit_code == 0
    assert [json.loads(line)["me"] for line in found.stdout.splitlines()] == ["ob-a", "ob-b"]

    rounds.clear()
    away = run(written(config.parent, 1), "status", "--watch")
    assert (away.exit_code, away.stderr.count("does not answer")) == (0, 2)


def test_history_for_people_and_for_programs(config: Path, backend: FakeBackend) -> None:
    backend.happened = {12: [{"at_s": 0.0, "event": "promoted", "host": "ob-a", "detail": "the first"}]}
    found = run(config, "history")
    assert found.stdout.splitlines()[1:] == [
        "   12  1970-01-01 00:00:00.000  promoted  ob-a  -",
        "       the first",
    ]
    (told,) = json.loads(run(config, "history", "--json").stdout)
    assert HistoryEvent(**told).detail == "the first"
    backend.failure = EtcdError("no majority")
    found = run(config, "history")
    assert (found.exit_code, found.stderr) == (1, "loanstack-failover: no majority\n")


async def set_in_another_thread(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.005)


def test_a_switchover_tells_its_steps_and_its_end(
    config: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    handing, is_told, primary = Answer(epoch=12, phase="handover"), threading.Event(), Agent.primary

    def asked(agent: Agent, *, unless: str = "", wait_ms: int = 0) -> PrimaryAnswer:
        if unless == handing.tag:
            is_told.set()
        return primary(agent, unless=unless, wait_ms=wait_ms)

    async def hand_over(backend: FakeBackend) -> None:
        backend.announcement.say(handing)
        await set_in_another_thread(is_told)
        backend.announcement.say(serving("ob-b", 13))

    monkeypatch.setattr(Agent, "primary", asked)
    backend.on_submit = hand_over
    begun_s = time.monotonic()
    found = run(config, "switchover", "--to", "ob-b")
    at_most_s = time.monotonic() - begun_s
    assert found.exit_code == 0
    told = re.fullmatch(r"ob-b leads under epoch 13, (\d+\.\d+) s after it was asked for\n", found.stdout)
    assert told is not None, found.stdout
    assert float(told[1]) <= at_most_s + 0.01, "it is told rounded"
    assert "epoch 12: handover\n" in found.stderr
    assert backend.commands[-1] == ("submit", "switchover", "ob-b", False, False)


def test_a_switchover_that_is_called_off_fails(
    config: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    handing, is_seen = Answer(epoch=12, phase="handover"), threading.Event()

    def judged(before: Answer, now: Answer, **about: Any) -> Outcome | None:
        if now.tag == handing.tag:
            is_seen.set()
        return judge(before, now, **about)

    async def call_off(backend: FakeBackend) -> None:
        backend.announcement.say(handing)
        await set_in_another_thread(is_seen)
        backend.announcement.say(serving("ob-a", 12))

    monkeypatch.setattr("failover.api.outcome.judge", judged)
    backend.on_submit = call_off
    found = run(config, "switchover")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "was called off: ob-a leads on under epoch 12" in found.stderr


def test_an_outcome_that_is_not_known_in_time_is_no_success(
    config: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr("failover.api.http.outcome_of", unknown)
    found = run(config, "failover", "--to", "ob-b")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "failover to ob-b has not ended yet (request r-1)" in found.stderr


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("switchover", ["--to", "ob-b"]),
        ("switchover", ["--dry-run"]),
        ("failover", ["--to", "ob-b", "--force"]),
        ("rejoin", []),
    ],
)
def test_every_reason_of_a_refusal_is_told(
    config: Path, backend: FakeBackend, verb: str, options: list[str]
) -> None:
    backend.against = ("ob-b is 9000 ms behind (limit 3000 ms)", "ob-b is configured never to be a candidate")
    found = run(config, verb, *options)
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr.splitlines() == [f"loanstack-failover: {reason}" for reason in backend.against]
    assert [order[0] for order in backend.commands] == ["check"]


def test_dry_runs_change_nothing(config: Path, backend: FakeBackend) -> None:
    found = run(config, "failover", "--to", "ob-b", "--force", "--accept-loss", "--dry-run")
    assert found.exit_code == 0
    assert found.stdout == "nothing speaks against a failover to ob-b; nothing was changed\n"
    assert backend.commands == [("check", "failover", "ob-b", True, True)]


def test_rejoin_pause_and_resume(config: Path, backend: FakeBackend) -> None:
    assert "the database of ob-a will be emptied" in run(config, "rejoin").stdout
    assert run(config, "pause").stdout.startswith("paused: ")
    assert run(config, "resume").stdout.startswith("resumed: ")
    assert [order[0] for order in backend.commands] == ["check", "submit", "pause", "resume"]
    backend.failure = RefusedError("a switchover to ob-b waits")
    found = run(config, "rejoin")
    assert (found.exit_code, found.stderr) == (1, "loanstack-failover: a switchover to ob-b waits\n")


@pytest.mark.parametrize("verb", ["pause", "status"])
def test_an_agent_with_other_keys_is_not_believed(
    config: Path, backend: FakeBackend, tmp_path: Path, verb: str
) -> None:
    port = json.loads(config.read_text())["agent"]["port"]
    found = run(written(tmp_path, port, token="some-other-token-0123456789"), verb)
    assert (found.exit_code, found.stdout, backend.commands) == (1, "", [])
    assert "does not sign with this host's keys" in found.stderr


@pytest.mark.parametrize("verb", ["status", "history", "switchover", "rejoin", "pause"])
def test_an_agent_that_is_not_there_is_told_with_what_to_do(tmp_path: Path, verb: str) -> None:
    found = run(written(tmp_path, 1), verb)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "does not answer on 127.0.0.1:1" in found.stderr
    assert "systemctl status loanstack-failover.service" in found.stderr


@pytest.mark.parametrize("verb", ["run", "status", "switchover", "pause"])
def test_every_mistake_in_the_settings_is_told(tmp_path: Path, verb: str) -> None:
    path = written(tmp_path, 70_000, token="short")
    found = run(path, verb)
    assert (found.exit_code, found.stdout) == (2, "")
    assert len(found.stderr.splitlines()) == 2
    assert run(tmp_path / "none.json", verb).exit_code == 2


def test_what_is_no_answer_of_an_agent_is_said_so(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = json.loads(config.read_text())["agent"]["port"]
    with pytest.raises(AgentError, match="Not Found"):
        Agent(port, "ob-a", KEYS).command("nothing", {})
    monkeypatch.setattr(Agent, "_ask", lambda *_: (500, b"<html>"))
    with pytest.raises(AgentError, match="answers with status 500"):
        Agent(port, "ob-a", KEYS).history()
    monkeypatch.setattr(Agent, "_ask", lambda *_: (200, b"{}"))
    assert "cannot be read" in run(config, "status").stderr


@pytest.mark.parametrize("verb", sorted(operators_commands.commands))
def test_every_command_of_loanstack_is_there_with_its_options_and_examples(verb: str) -> None:
    def options(command: Any) -> set[str]:
        return {name for p in command.params for name in p.opts if name.startswith("--")}

    assert options(operators_commands.commands[verb]) <= options(cli.commands[verb]) | {"--config"}
    page = CliRunner().invoke(cli, [verb, "--help"]).output
    assert f"loanstack-failover {verb}" in page
    assert max(map(len, page.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["failover"], 2), (["nothing"], 2), ([], 2)]
)
def test_the_module_is_the_command(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "failover", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
    )
    assert done.returncode == code
    assert "loanstack-failover" in done.stdout + done.stderr
