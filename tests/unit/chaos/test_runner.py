"""The runner where a person recovers, in a world without hosts: what must happen whatever else does."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaos import drills, results, runner
from chaos.findings import Verdict
from chaos.history import Records
from chaos.interrupts import Shield
from chaos.model import HealRecord
from chaos.operator import OperatedRecovery
from chaos.run import Run
from chaos.runner import Runner
from chaos.timeline import Timeline
from chaos.world import STANDBY, UNREACHABLE, WorldError
from inventory.lab import ENVIRONMENT
from tests.unit.chaos.fake_world import FakeWorld, pair

NAMES = ["primary-crash", "primary-host-poweroff"]
MUST_HEAL = ("rejoin ob-a ob-b", "on ob-a", "start ob-a", "unfence ob-a")


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "drill-heal.json"
    monkeypatch.setattr(runner, "record_path", lambda env: path)
    return path


@contextmanager
def unshielded() -> Iterator[Shield]:
    yield Shield()


def run(world: FakeWorld, folder: Path, name: str = "primary-crash") -> Run:
    timeline = Timeline(folder, world.clock.now_s, progress=io.StringIO())
    made = Runner(ENVIRONMENT, world, folder, rate=500, timeline=timeline, shielded=unshielded)
    return made.run(drills.drills(ENVIRONMENT)[name])


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / "timeline.jsonl").read_text().splitlines()]


def exit_code(done: Run) -> int:
    drill = drills.drills(ENVIRONMENT)[done.drill]
    judged = results.judge_run(ENVIRONMENT, drill, done, Records(writes=()), sample_interval_ms=250)
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


def test_the_new_primary_counts_from_the_begin_of_its_promotion(tmp_path: Path) -> None:
    done = run(pair(), tmp_path)
    at_s = {event.event: event.at_s for event in done.timeline}
    assert done.fault is not None
    assert done.fault.promoted_s is not None
    assert at_s["fenced"] <= done.fault.promoted_s < at_s["promoted"]


def test_a_second_drill_brings_the_roles_back(tmp_path: Path) -> None:
    world = pair()
    for name in NAMES:
        (tmp_path / name).mkdir()
        run(world, tmp_path / name, name)
    assert {n: h.role for n, h in world.state.items()} == {"ob-a": "PRIMARY", "ob-b": "STANDBY"}


def test_the_timeline_is_in_the_order_of_the_operator(tmp_path: Path) -> None:
    run(pair(), tmp_path)
    assert events(tmp_path) == [
        "load-started",
        "steady",
        "fault",
        "detected",
        "decided",
        "fenced",
        "promoted",
        "rate-back",
        "load-stopped",
        "heal",
        "healed",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_old_primary_is_fenced_before_the_new_one_is_made(name: str, tmp_path: Path) -> None:
    world = pair()
    run(world, tmp_path, name)
    fence = "fence ob-a" if name == "primary-crash" else "off ob-a"
    assert world.calls.index("promote ob-b") > max(
        n for n, call in enumerate(world.calls[: world.calls.index("promote ob-b")]) if call == fence
    )


def test_the_heal_is_on_disk_before_the_fault_acts(tmp_path: Path, record: Path) -> None:
    seen: dict[str, object] = {}

    def look(call: str) -> None:
        if call == "kill ob-a":
            seen.update(json.loads(record.read_text()), copy=(tmp_path / runner.HEAL_FILE).exists())
        if call == "promote ob-b":
            seen["promoted_on_disk"] = json.loads(record.read_text())["promoted"]

    run(pair(before_call=look), tmp_path)
    assert (seen["primary"], seen["standby"], seen["promoted"]) == ("ob-a", "ob-b", None)
    assert seen["copy"] is True
    assert seen["promoted_on_disk"] == "ob-b"


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
    assert exit_code(done) == results.EXIT_INVALID


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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("broken", ["promote ob-b", "kill ob-a", "fence ob-a", "off ob-a"])
@pytest.mark.parametrize("error", [WorldError("it broke"), KeyboardInterrupt(), ZeroDivisionError("a bug")])
def test_the_heal_runs_whatever_breaks(
    name: str, broken: str, error: BaseException, tmp_path: Path, record: Path
) -> None:
    world = pair(fails={broken: error})
    if broken == "off ob-a":
        # The heal needs no switching off; only the fault and the fence do.
        assert "off ob-a" not in MUST_HEAL

    def only_once(call: str) -> None:
        if call.startswith(("heal", "rejoin", "start ob", "unfence", "on ")):
            world.fails.clear()

    world.before_call = only_once
    if isinstance(error, ZeroDivisionError):
        if any(c == broken for c in _calls_of(name)):
            with pytest.raises(ZeroDivisionError):
                run(world, tmp_path, name)
    else:
        done = run(world, tmp_path, name)
        assert done.residue == []
        assert done.interrupted == (isinstance(error, KeyboardInterrupt) and broken in _calls_of(name))
    if broken in _calls_of(name):
        assert sorted(h.role for h in world.state.values()) == ["PRIMARY", "STANDBY"]
        assert all(h.running and h.powered and not h.fenced for h in world.state.values())
        assert not record.exists()


def _calls_of(name: str) -> tuple[str, ...]:
    if name == "primary-crash":
        return ("kill ob-a", "fence ob-a", "promote ob-b")
    return ("off ob-a", "promote ob-b")


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
    assert "rejoin ob-a ob-b" in world.calls
    assert not done.exported
    assert not record.exists()
    assert exit_code(done) == results.EXIT_INVALID


def test_a_primary_that_nobody_can_fence_is_not_replaced(tmp_path: Path) -> None:
    world = pair(power_works=False)

    def cut_off(call: str) -> None:
        if call == "kill ob-a":
            world.is_reachable = lambda host: host.name != "ob-a"  # type: ignore[method-assign]  # cut off

    world.before_call = cut_off
    done = run(world, tmp_path)
    assert "nothing was promoted" in done.failures[0]
    assert "promote ob-b" not in world.calls


def test_a_standby_far_behind_is_not_promoted(tmp_path: Path) -> None:
    world = pair()

    def fall_behind(call: str) -> None:
        if call == "kill ob-a":
            world.lag_ms = 60_000.0
        if call == "start ob-a":
            world.lag_ms = 50.0

    world.before_call = fall_behind
    done = run(world, tmp_path)
    assert "behind what the primary last said" in done.failures[0]
    assert "promote ob-b" not in world.calls
    # Nobody was promoted, so the old primary comes back with all it has.
    assert "start ob-a" in world.calls
    assert "rejoin ob-a ob-b" not in world.calls
    assert exit_code(done) == results.EXIT_FAIL


def test_what_a_heal_leaves_is_residue_and_keeps_the_record(tmp_path: Path, record: Path) -> None:
    done = run(pair(leaves={"ob-a": ("replication is cut",)}), tmp_path)
    assert done.residue == ["ob-a: replication is cut"]
    assert record.exists()
    assert exit_code(done) == results.EXIT_RESIDUE


def test_a_heal_that_fails_is_residue(tmp_path: Path, record: Path) -> None:
    done = run(pair(fails={"rejoin ob-a ob-b": WorldError("no standby in 300 s")}), tmp_path)
    assert any("no standby in 300 s" in thing for thing in done.residue)
    assert any("ob-a: unit is failed" in thing for thing in done.residue)
    assert json.loads(record.read_text())["promoted"] == "ob-b"
    assert exit_code(done) == results.EXIT_RESIDUE


def test_the_next_run_heals_what_a_crashed_one_left(tmp_path: Path, record: Path) -> None:
    world = pair(fails={"rejoin ob-a ob-b": WorldError("the control machine died")})
    (tmp_path / "first").mkdir()
    run(world, tmp_path / "first")
    assert record.exists()
    world.fails.clear()
    world.calls.clear()
    (tmp_path / "second").mkdir()
    done = run(world, tmp_path / "second", "primary-host-poweroff")
    assert world.calls.index("rejoin ob-a ob-b") < world.calls.index("start clients 500/s")
    assert events(tmp_path / "second")[:2] == ["healing-leftover", "healed-leftover"]
    assert done.residue == []
    assert not record.exists()


def test_an_unreadable_record_stops_the_drill(tmp_path: Path, record: Path) -> None:
    record.parent.mkdir()
    record.write_text('{"victim": "ob-a"}')
    world = pair()
    done = run(world, tmp_path)
    assert "is not a heal record" in done.failures[0]
    assert world.calls == []


def test_a_promoted_survivor_that_is_gone_keeps_the_old_primary_down(tmp_path: Path) -> None:
    world = pair()
    left = HealRecord(
        environment="lab",
        drill="primary-crash",
        primary="ob-a",
        standby="ob-b",
        run_folder=str(tmp_path),
        registered_at_s=0.0,
        promoted="ob-b",
    )
    world.state["ob-a"].running = False
    world.role = lambda host: UNREACHABLE if host.name == "ob-b" else "DOWN"  # type: ignore[method-assign]  # gone
    with pytest.raises(WorldError, match="must not be started"):
        OperatedRecovery(
            env=ENVIRONMENT, world=world, note=lambda *_: None, promoting=lambda host: None
        ).restore(left)
    assert "start ob-a" not in world.calls


def test_a_load_that_ends_early_makes_the_drill_invalid(tmp_path: Path) -> None:
    world = pair()

    def end(call: str) -> None:
        if call == "promote ob-b":
            world.load_ends = "load ended with 1"

    world.before_call = end
    done = run(world, tmp_path)
    assert any("the load ended by itself" in why for why in (*done.failures, *done.invalid))
    assert "rejoin ob-a ob-b" in world.calls


def test_a_rate_that_does_not_come_back_fails_at_the_deadline(tmp_path: Path) -> None:
    world = pair()

    def slow(call: str) -> None:
        if call == "promote ob-b":
            world.rate = 100.0

    world.before_call = slow
    done = run(world, tmp_path)
    assert "450 writes/s again" in done.failures[0]
    assert done.residue == []


def test_an_interrupt_during_the_heal_is_kept_until_its_end(tmp_path: Path) -> None:
    world = pair()

    def press(call: str) -> None:
        if call == "rejoin ob-a ob-b":
            shields[-1].interrupted = True

    shields: list[Shield] = []

    @contextmanager
    def shielded() -> Iterator[Shield]:
        shields.append(Shield())
        yield shields[-1]

    world.before_call = press
    timeline = Timeline(tmp_path, world.clock.now_s, progress=io.StringIO())
    made = Runner(ENVIRONMENT, world, tmp_path, rate=500, timeline=timeline, shielded=shielded)
    done = made.run(drills.drills(ENVIRONMENT)["primary-crash"])
    assert done.interrupted
    assert done.residue == []
    assert not done.exported


def test_nothing_proved_without_findings(tmp_path: Path) -> None:
    done = run(pair(rate=1.0), tmp_path)
    judged = results.judge_run(
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
    assert "rejoin ob-a ob-b" in world.calls
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
