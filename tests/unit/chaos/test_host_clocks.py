"""Asking hosts for their time, with a shell of this machine in the place of ssh."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.recorders import clients, clocks
from chaos.recorders.clients import LoadClients
from chaos.recorders.clocks import QUESTIONS, record_clocks
from inventory.lab import ENVIRONMENT
from inventory.model import Environment, Host
from processes.lines import ChannelClosedError
from proof.files import CLOCKS_FILE, read_lines
from proof.record import HostClock, Moment

PAIR = replace(ENVIRONMENT, hosts=(ENVIRONMENT.host("ob-a"), ENVIRONMENT.host("ob-b")))


class Session:
    """Stands for the session of one host; each answer takes as long as `way_s` says, there and back."""

    def __init__(self, host: str, world: "World") -> None:
        self._host, self._world = host, world
        self._asked = 0

    def send(self, text: str) -> None:
        assert text == "\n"
        self._asked += 1

    def read_line(self, within_s: float) -> str | None:
        assert within_s > 0
        # The first answer waits for the session.
        self._world.at_s += 0.15 if self._asked == 1 else 0.002 + 0.001 * self._asked
        told = f"{self._world.at_s + self._world.ahead_s[self._host]:.9f}"
        self._world.at_s += 0.002
        last = self._world.last.get(self._host, {})
        if self._asked in last and last[self._asked] == "":
            raise ChannelClosedError
        return last.get(self._asked, told)

    def close(self) -> None:
        self._world.closed.append(self._host)


class World:
    def __init__(self) -> None:
        self.at_s = 1_000_000.0
        self.ahead_s = {"ob-a": 0.0, "ob-b": 0.0}
        self.last: dict[str, dict[int, str | None]] = {}
        """Host -> number of an answer -> what comes in its place; None: nothing, empty: the session ends."""
        self.closed: list[str] = []


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    found = World()
    monkeypatch.setattr(clocks, "ssh_argv", lambda env, host, command: [host.name])
    monkeypatch.setattr(clocks, "Channel", lambda argv: Session(argv[0], found))
    return found


def recorded(folder: Path, world: World, moment: Moment = Moment.BEGIN) -> dict[str, HostClock]:
    record_clocks(PAIR, folder, moment, now_s=lambda: world.at_s)
    return {each.host: each for each in read_lines(folder / CLOCKS_FILE, HostClock) if each.moment is moment}


def test_the_quickest_of_several_answers_counts_and_every_session_is_closed(
    world: World, tmp_path: Path
) -> None:
    world.ahead_s["ob-b"] = -0.120
    found = recorded(tmp_path, world)
    assert found["ob-a"].give_or_take_ms == pytest.approx(3.0, abs=0.01), "the second of them"
    assert found["ob-a"].ahead_ms == pytest.approx(1.0, abs=0.01)
    assert found["ob-b"].ahead_ms == pytest.approx(-119.0, abs=0.01)
    assert sorted(world.closed) == ["ob-a", "ob-b"]


@pytest.mark.parametrize("instead", [None, "", "ssh: connect to host 198.18.0.13 port 22: No route to host"])
def test_a_host_that_does_not_answer_is_unknown_and_the_others_are_asked(
    instead: str | None, world: World, tmp_path: Path
) -> None:
    world.last["ob-a"] = {1: instead}
    found = recorded(tmp_path, world)
    assert (found["ob-a"].ahead_ms, found["ob-a"].give_or_take_ms) == (None, None)
    assert found["ob-b"].ahead_ms is not None


def test_what_a_host_said_before_it_was_lost_counts(world: World, tmp_path: Path) -> None:
    world.last["ob-a"] = {QUESTIONS: None}
    assert recorded(tmp_path, world)["ob-a"].ahead_ms is not None


def test_the_end_of_a_run_is_appended_to_its_begin(world: World, tmp_path: Path) -> None:
    recorded(tmp_path, world)
    world.ahead_s["ob-a"] = 7.0
    assert recorded(tmp_path, world, Moment.END)["ob-a"].ahead_ms == pytest.approx(7001.0, abs=0.01)
    assert len(list(read_lines(tmp_path / CLOCKS_FILE, HostClock))) == 4


def test_a_real_shell_answers_over_one_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    stopped = tmp_path / "date"
    stopped.write_text(f'#!/bin/sh\nexec {shutil.which("date")} --date=@1000000.25 "$@"\n')
    stopped.chmod(0o755)

    def argv(env: Environment, host: Host, command: str) -> list[str]:
        asked.append(host.name)
        return ["env", f"PATH={tmp_path}:/usr/bin:/bin", "bash", "-c", command]

    monkeypatch.setattr(clocks, "ssh_argv", argv)
    record_clocks(PAIR, tmp_path, Moment.BEGIN, now_s=lambda: 1_000_000.0)
    assert asked == ["ob-a", "ob-b"], "one session a host"
    assert [each.ahead_ms for each in read_lines(tmp_path / CLOCKS_FILE, HostClock)] == [250.0, 250.0]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(clients, "record_clocks", lambda env, folder, at: found.append(f"clocks {at}"))
    monkeypatch.setattr(LoadClients, "_start", lambda self, name, *_: found.append(f"start {name}"))
    monkeypatch.setattr(clients, "save_database", lambda *where, **how: found.append("export"))
    return found


def test_the_clients_of_a_drill_record_clocks_before_the_load_and_after_the_heal(
    steps: list[str], tmp_path: Path
) -> None:
    of_drill = LoadClients(PAIR)
    of_drill.start_load(500, tmp_path)
    assert steps[:2] == ["clocks begin", "start load"]
    of_drill.export(PAIR.hosts[0], tmp_path)
    assert steps[-2:] == ["clocks end", "export"]
