"""The runner in a world without hosts: what must happen whatever else does."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaos.catalogue import drills
from chaos.engine import judgement, runner
from chaos.engine.interrupts import Shield
from chaos.engine.run import Run
from chaos.engine.runner import Runner
from chaos.engine.timeline import Timeline
from chaos.system.world import STANDBY, WorldError
from inventory.lab import ENVIRONMENT
from proof.exits import ExitCode
from proof.history import Records
from proof.verdict import Verdict
from tests.unit.chaos.fake_world import FakeWorld, pair

NAMES = ["primary-crash", "primary-host-poweroff"]


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "drill-heal.json"
    monkeypatch.setattr(runner, "record_path", lambda env: path)
    return path


@contextmanager
def unshielded() -> Iterator[Shield]:
    yield Shield()


def run(world: FakeWorld, folder: Path, name: str = "primary-crash", **options: float) -> Run:
    timeline = Timeline(folder, world.clock.now_s, progress=io.StringIO())
    made = Runner(ENVIRONMENT, world, folder, rate=500, timeline=timeline, shielded=unshielded, **options)
    return made.run(drills.drills(ENVIRONMENT)[name])


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / "timeline.jsonl").read_text().splitlines()]


def exit_code(done: Run) -> int:
    drill = drills.drills(ENVIRONMENT)[done.drill]
    judged = judgement.judge_run(ENVIRONMENT, drill, done, Records(writes=()), sample_interval_ms=250)
    return judged.exit_code


@pytest.mark.parametrize("name", NAMES)
def test_a_drill_swaps_the_roles_and_leaves_a_pair(name: str, tmp_path: Path, record: Path) -> None:
    world = pair()
    done = run(world, tmp_path, name)
    assert (done.invalid, done.failures, done.residue, done.interrupted) == ([], [], [], False)
    assert {n: h.role for n, h in world.state.items()} == {"ob-a": "STANDBY", "ob-b": "PRIMARY"}
    assert done.exported
    assert not record.exists()
    assert not (tmp_path / runner.HEAL_FILE).exists()


def test_a_second_drill_brings_the_roles_back(tmp_path: Path) -> None:
    world = pair()
    for name in NAMES:
        (tmp_path / name).mkdir()
        run(world, tmp_path / name, name)
    assert {n: h.role for n, h in world.state.items()} == {"ob-a": "PRIMARY", "ob-b": "STANDBY"}


def test_the_timeline_tells_what_was_done_and_then_what_the_agents_wrote_down(tmp_path: Path) -> None:
    run(pair(), tmp_path)
    assert events(tmp_path) == [
        "load-started",
        "steady",
        "fault",
        "serving",
        "rate-back",
        "load-stopped",
        "heal",
        "healed",
        "detected",
        "decided",
        "fenced",
        "promoted",
        "rejoined",
    ]


def test_the_heal_is_on_disk_before_the_fault_acts(tmp_path: Path, record: Path) -> None:
    seen: dict[str, object] = {}

    def look(call: str) -> None:
        if call == "kill ob-a":
            seen.update(json.loads(record.read_text()), copy=(tmp_path / runner.HEAL_FILE).exists())

    run(pair(before_call=look), tmp_path)
    assert (seen["primary"], seen["standby"]) == ("ob-a", "ob-b")
    assert seen["copy"] is True


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (pair(rate=400.0), "400 writes/s acknowledged; needed: 475"),
        (pair(lag_ms=900.5), "ms behind; allowed: 500 ms"),
        (pair(load_ends="no customers are seeded"), "no customers are seeded"),
    ],
    ids=["too slow", "lag", "load died"],
)
def test_an_unmet_hypothesis_injects_nothing(
    world: FakeWorld, why: str, tmp_path: Path, record: Path
) -> None:
    done = run(world, tmp_path)
    assert why in done.invalid[0]
    assert world.calls == ["start clients 500/s", "stop clients"]
    assert "fault" not in events(tmp_path)
    assert not record.exists()
    assert exit_code(done) == ExitCode.INVALID


def test_the_hypothesis_is_waited_for_as_long_as_it_was_asked(tmp_path: Path, record: Path) -> None:
    world = pair(rate=400.0)
    begun_s = world.clock.now_s()
    done = run(world, tmp_path, steady_within_s=15.0)
    assert "waited 15 s for the hypothesis" in done.invalid[0]
    assert 15.0 <= world.clock.now_s() - begun_s < 25.0


@pytest.mark.parametrize("state", ["down", "off", "two standbys"])
def test_without_a_pair_not_even_the_load_starts(state: str, tmp_path: Path) -> None:
    world = pair()
    if state == "two standbys":
        world.state["ob-a"].role = STANDBY
    elif state == "down":
        world.state["ob-b"].running = False
    else:
        world.state["ob-b"].powered = False
    done = run(world, tmp_path)
    assert "wanted one primary and one standby" in done.invalid[0]
    assert world.calls == []


def test_ctrl_c_while_observing_heals_and_proves_nothing(tmp_path: Path, record: Path) -> None:
    world = pair()
    slept = world.clock.sleep_s

    def interrupted(seconds: float) -> None:
        slept(seconds)
        if "rate-back" in events(tmp_path):
            raise KeyboardInterrupt

    world.clock.sleep_s = interrupted  # type: ignore[method-assign]  # the Ctrl-C
    done = run(world, tmp_path)
    assert done.interrupted
    assert "healed" in events(tmp_path)
    assert not done.exported
    assert not record.exists()
    assert exit_code(done) == ExitCode.INVALID


def test_what_a_heal_leaves_is_residue_and_keeps_the_record(tmp_path: Path, record: Path) -> None:
    done = run(pair(leaves={"ob-a": ("replication is cut",)}), tmp_path)
    assert done.residue == ["ob-a: replication is cut"]
    assert record.exists()
    assert exit_code(done) == ExitCode.RESIDUE


def test_a_host_that_cannot_say_what_is_left_is_residue_and_loses_nothing_else(
    tmp_path: Path, record: Path
) -> None:
    done = run(pair(fails={"residue ob-b": WorldError("no answer within 15 s")}), tmp_path)
    assert done.residue == ["ob-b: nobody knows what is left there: no answer within 15 s"]
    assert done.exported
    assert record.exists()
    assert exit_code(done) == ExitCode.RESIDUE


def test_a_leftover_that_cannot_be_healed_is_residue(tmp_path: Path, record: Path) -> None:
    world = pair(fails={"on ob-a": WorldError("no SSH in 60 s")})
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    run(world, tmp_path / "first", "primary-host-poweroff")
    done = run(world, tmp_path / "second", "primary-crash")
    assert "of primary-host-poweroff" in done.residue[0]
    assert "start clients 500/s" not in world.calls[world.calls.index("stop clients") + 1 :]
    assert record.exists()
    assert exit_code(done) == ExitCode.RESIDUE


def test_a_heal_that_fails_is_residue(tmp_path: Path, record: Path) -> None:
    done = run(pair(fails={"on ob-a": WorldError("no SSH in 60 s")}), tmp_path, "primary-host-poweroff")
    assert any("no SSH in 60 s" in thing for thing in done.residue)
    assert json.loads(record.read_text())["drill"] == "primary-host-poweroff"
    assert exit_code(done) == ExitCode.RESIDUE


def test_the_next_run_heals_what_a_crashed_one_left(tmp_path: Path, record: Path) -> None:
    world = pair(fails={"on ob-a": WorldError("the control machine died")})
    (tmp_path / "first").mkdir()
    run(world, tmp_path / "first", "primary-host-poweroff")
    assert record.exists()
    world.fails.clear()
    world.calls.clear()
    (tmp_path / "second").mkdir()
    done = run(world, tmp_path / "second", "primary-crash")
    assert world.calls.index("on ob-a") < world.calls.index("start clients 500/s")
    assert events(tmp_path / "second")[:2] == ["healing-leftover", "healed-leftover"]
    assert done.residue == []
    assert not record.exists()


def test_an_unreadable_record_stops_the_drill(tmp_path: Path, record: Path) -> None:
    record.parent.mkdir()
    record.write_text('{"victim": "ob-a"}')
    world = pair()
    done = run(world, tmp_path)
    assert "is no HealRecord" in done.failures[0]
    assert world.calls == []


def test_a_load_that_ends_early_makes_the_drill_invalid(tmp_path: Path) -> None:
    world = pair()

    def end(call: str) -> None:
        if call == "kill ob-a":
            world.load_ends = "load ended with 1"

    world.before_call = end
    done = run(world, tmp_path)
    assert done.spoiled == ["the load ended by itself: load ended with 1"]
    assert not done.failures
    assert "healed" in events(tmp_path)
    assert exit_code(done) == ExitCode.INVALID


def test_a_rate_that_does_not_come_back_fails_at_the_deadline(tmp_path: Path) -> None:
    world = pair()

    def slow(call: str) -> None:
        if call == "kill ob-a":
            world.rate = 100.0

    world.before_call = slow
    done = run(world, tmp_path)
    assert "450 writes/s again" in done.failures[0]
    assert done.residue == []


def test_an_interrupt_during_the_heal_is_kept_until_its_end(tmp_path: Path) -> None:
    world = pair()

    def press(call: str) -> None:
        if call == "on ob-a":
            shields[-1].interrupted = True

    shields: list[Shield] = []

    @contextmanager
    def shielded() -> Iterator[Shield]:
        shields.append(Shield())
        yield shields[-1]

    world.before_call = press
    timeline = Timeline(tmp_path, world.clock.now_s, progress=io.StringIO())
    made = Runner(ENVIRONMENT, world, tmp_path, rate=500, timeline=timeline, shielded=shielded)
    drill = drills.drills(ENVIRONMENT)["primary-host-poweroff"]
    done = made.run(drill)
    assert done.interrupted
    assert done.residue == []
    assert not done.exported
    judged = judgement.judge_run(ENVIRONMENT, drill, done, Records(writes=()), sample_interval_ms=250)
    assert judged.verdict is Verdict.INVALID
    assert judged.exit_code == ExitCode.INVALID
    assert any("interrupted while healing" in reason for reason in judged.reasons)


def test_nothing_proved_without_findings(tmp_path: Path) -> None:
    done = run(pair(rate=1.0), tmp_path)
    judged = judgement.judge_run(
        ENVIRONMENT,
        drills.drills(ENVIRONMENT)["primary-crash"],
        done,
        Records(writes=()),
        sample_interval_ms=250,
    )
    assert judged.verdict is Verdict.INVALID


def test_the_heal_runs_also_if_the_clients_cannot_be_stopped(tmp_path: Path, record: Path) -> None:
    world = pair(fails={"stop clients": OSError("no space left on device")})
    with pytest.raises(OSError, match="no space left"):
        run(world, tmp_path)
    assert "healed" in events(tmp_path)
    assert not record.exists()


class GoneReader(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


def test_the_heal_runs_also_if_nobody_reads_the_progress(tmp_path: Path, record: Path) -> None:
    world = pair()
    timeline = Timeline(tmp_path, world.clock.now_s, progress=GoneReader())
    made = Runner(ENVIRONMENT, world, tmp_path, rate=500, timeline=timeline, shielded=unshielded)
    assert made.run(drills.drills(ENVIRONMENT)["primary-crash"]).residue == []
    assert not record.exists()
