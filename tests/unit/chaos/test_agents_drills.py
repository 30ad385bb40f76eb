"""Every drill in a world whose agents recover: what is broken, waited for, undone and judged."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaos.catalogue import drills
from chaos.catalogue.model import Expect, HealRecord
from chaos.engine import judgement, runner
from chaos.engine.interrupts import Shield
from chaos.engine.run import Run
from chaos.engine.runner import Runner
from chaos.engine.timeline import Timeline
from chaos.system.world import ImpossibleHereError, WorldError
from inventory.lab import ENVIRONMENT
from proof.history import Records
from proof.record import Event
from proof.verdict import Verdict
from tests.unit.chaos.fake_world import FakeWorld, pair

CATALOGUE = drills.drills(ENVIRONMENT)
ROLES_AFTER = {
    Expect.NEW_PRIMARY: {"ob-a": "STANDBY", "ob-b": "PRIMARY"},
    Expect.SAME_PRIMARY: {"ob-a": "PRIMARY", "ob-b": "STANDBY"},
    Expect.NO_PRIMARY: {"ob-a": "PRIMARY", "ob-b": "STANDBY"},
}
BREAKS = {
    "primary-crash": "kill ob-a",
    "primary-host-poweroff": "off ob-a",
    "agent-killed": "begin killed-agent ob-a",
    "primary-paused": "begin paused-database ob-a",
    "primary-host-frozen": "freeze ob-a",
    "centre-a-cut-off": "cut centre-a",
    "primary-cut-from-etcd": "begin cut-from-etcd ob-a",
    "asymmetric-cut": "cut a-to-b",
    "standby-lost": "off ob-b",
    "etcd-member-lost": "begin lost-etcd-member ob-a",
    "etcd-majority-lost": "begin lost-etcd-member ob-b",
    # Its data were moved while it was the standby.
    "primary-disk-full": "begin full-disk ob-b",
    "switchover-under-load": "switchover ob-a ob-b",
    "switchover-under-ddl": "switchover ob-a ob-b",
    "tongweb-killed": "begin killed-tongweb app-a",
    "tongweb-hung": "begin hung-tongweb app-a",
    "portal-heap-exhausted": "begin starved-portal app-a",
    "service-killed": "begin killed-service app-a",
    "gateway-lost": "off gw-a",
}
UNDOES = {
    "agent-killed": "undo killed-agent ob-a",
    "primary-paused": "undo paused-database ob-a",
    "primary-host-frozen": "thaw ob-a",
    "centre-a-cut-off": "mend centre-a",
    "primary-cut-from-etcd": "undo cut-from-etcd ob-a",
    "asymmetric-cut": "mend a-to-b",
    "standby-lost": "on ob-b",
    "etcd-member-lost": "undo lost-etcd-member ob-a",
    "etcd-majority-lost": "undo lost-etcd-member mon-c",
    "primary-disk-full": "undo full-disk ob-b",
    "switchover-under-ddl": "undo changing-tables ob-a",
    "tongweb-killed": "undo killed-tongweb app-a",
    "tongweb-hung": "undo hung-tongweb app-a",
    "portal-heap-exhausted": "undo starved-portal app-a",
    "service-killed": "undo killed-service app-a",
    "gateway-lost": "on gw-a",
}


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "drill-heal.json"
    monkeypatch.setattr(runner, "record_path", lambda env: path)
    return path


@contextmanager
def unshielded() -> Iterator[Shield]:
    yield Shield()


def runner_of(world: FakeWorld, folder: Path) -> Runner:
    timeline = Timeline(folder, world.clock.now_s, progress=io.StringIO())
    return Runner(ENVIRONMENT, world, folder, rate=500, timeline=timeline, shielded=unshielded)


def run(world: FakeWorld, folder: Path, name: str) -> Run:
    return runner_of(world, folder).run(CATALOGUE[name])


def at(done: Run, event: str) -> float:
    return next(found.at_s for found in done.timeline if found.event == event)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_drill_breaks_waits_undoes_and_leaves_a_pair(name: str, tmp_path: Path, record: Path) -> None:
    world = pair()
    done = run(world, tmp_path, name)
    assert (done.invalid, done.failures, done.residue) == ([], [], [])
    assert done.exported
    assert done.durability == "local"
    assert BREAKS[name] in world.calls
    if name in UNDOES:
        assert UNDOES[name] in world.calls[world.calls.index(BREAKS[name]) :]
    expects = CATALOGUE[name].expects
    if name == "primary-disk-full":
        # The roles were swapped before the fault, and by it.
        assert {n: h.role for n, h in world.state.items()} == {"ob-a": "PRIMARY", "ob-b": "STANDBY"}
        assert {h.disk for h in world.state.values()} == {"large"}
    elif expects in ROLES_AFTER:
        assert {n: h.role for n, h in world.state.items()} == ROLES_AFTER[expects]
    assert not record.exists()
    assert not (tmp_path / runner.HEAL_FILE).exists()
    assert all(world.members.values())
    assert world.cuts == set()


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_fault_that_did_nothing_is_never_a_pass(name: str, tmp_path: Path, record: Path) -> None:
    world = pair(inert=True)
    done = run(world, tmp_path, name)
    if name == "primary-crash":
        assert "ob-b to be the primary that serves" in done.failures[0]
    elif name != "switchover-under-load":  # The one that asks for what is judged, and breaks nothing.
        assert done.invalid[0].startswith("the fault had no effect: ")
        assert not done.failures
        drill, nothing = CATALOGUE[name], Records(writes=())
        judged = judgement.judge_run(ENVIRONMENT, drill, done, nothing, sample_interval_ms=250)
        assert judged.verdict is Verdict.INVALID
    assert done.residue == []
    assert not record.exists()


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_heal_is_on_disk_before_anything_is_broken(name: str, tmp_path: Path, record: Path) -> None:
    seen: list[str] = []
    harmless = ("start clients", "stop clients", "export", "history")

    def look(call: str) -> None:
        if not call.startswith(harmless) and not seen:
            seen.append(json.loads(record.read_text())["drill"])

    run(pair(before_call=look), tmp_path, name)
    assert seen == [name]


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("error", [WorldError("it broke"), KeyboardInterrupt()])
def test_whatever_breaks_off_is_undone(name: str, error: BaseException, tmp_path: Path, record: Path) -> None:
    world = pair(fails={BREAKS[name]: error})
    world.before_call = lambda call: world.fails.clear() if call.startswith("stop clients") else None
    done = run(world, tmp_path, name)
    assert done.residue == []
    assert done.interrupted == isinstance(error, KeyboardInterrupt)
    assert done.failures or done.invalid
    assert sorted(h.role for h in world.state.values()) == ["PRIMARY", "STANDBY"]
    assert all(h.serves and h.disk == "large" and not h.faults for h in world.state.values())
    assert world.cuts == set()
    assert not record.exists()


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_an_earlier_run_left_is_undone_by_its_record_alone(
    name: str, tmp_path: Path, record: Path
) -> None:
    world = pair()

    def die(call: str) -> None:
        if call == BREAKS[name]:
            world.before_call = lambda call: None
            raise SystemExit

    world.before_call = die
    made = runner_of(world, tmp_path)
    # As if the process were gone: no finally of it ever ran.
    made._heal = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        made.run(CATALOGUE[name])
    left = json.loads(record.read_text())
    world.calls.clear()
    runner_of(world, tmp_path).heal_left(HealRecord(**left))
    if name in UNDOES:
        assert UNDOES[name].split()[0] in " ".join(world.calls)
    assert sorted(h.role for h in world.state.values()) == ["PRIMARY", "STANDBY"]
    assert all(h.disk == "large" for h in world.state.values())


@pytest.mark.parametrize("name", [n for n, d in CATALOGUE.items() if d.fault.lasts_s is not None])
def test_a_fault_that_lasts_is_undone_in_time_while_clients_go_on(name: str, tmp_path: Path) -> None:
    world = pair()
    done = run(world, tmp_path, name)
    drill = CATALOGUE[name]
    assert done.undone_s is not None
    assert done.fault is not None
    assert done.undone_s - done.fault.started_s == pytest.approx(drill.fault.lasts_s, abs=1.5)
    assert done.clients_until_s is not None
    assert done.clients_until_s - done.undone_s >= 9.0, "long enough to see one that comes back writable"
    assert drill.may_act_s > (drill.fault.lasts_s or 0) + 30, "the timer does not end the fault itself"


@pytest.mark.parametrize("name", [n for n, d in CATALOGUE.items() if d.expects is Expect.NEW_PRIMARY])
def test_agents_that_do_nothing_fail_the_drill(name: str, tmp_path: Path) -> None:
    world = pair()

    def fall_asleep(call: str) -> None:
        world.sleepy = world.sleepy or call == BREAKS[name]
        if call == "stop clients":
            world.sleepy = False

    if name.startswith("switchover"):
        world.fails["switchover ob-a ob-b"] = WorldError("409: the standby is 9000 ms behind")
    world.before_call = fall_asleep
    done = run(world, tmp_path, name)
    assert done.failures
    assert done.residue == []


def test_a_primary_without_a_majority_fails_the_drill(tmp_path: Path) -> None:
    world = pair()

    def never_fence(call: str) -> None:
        world.sleepy = world.sleepy or "lost-etcd-member" in call
        if call == "stop clients":
            world.sleepy = False

    world.before_call = never_fence
    done = run(world, tmp_path, "etcd-majority-lost")
    assert "nobody to be a primary" in done.failures[0]
    assert "undo lost-etcd-member ob-b" in world.calls


def test_a_guess_without_a_majority_fails_the_drill(tmp_path: Path) -> None:
    world = pair()
    act = world.clock.after

    def guess() -> None:
        act()
        fenced = [event.at_s for event in world.events if event.event == "fenced"]
        if fenced and world.clock.now_s() > fenced[0] + 3 and not world.sleepy and world.leads is None:
            world.sleepy = True
            world.state["ob-b"].role = "PRIMARY"

    world.clock.after = guess

    def wake_up(call: str) -> None:
        if call == "stop clients":
            world.state["ob-b"].role = "STANDBY"
            world.sleepy = False

    world.before_call = wake_up
    done = run(world, tmp_path, "etcd-majority-lost")
    assert "ob-b is a primary, although nobody is the primary until the heal" in done.failures[0]


def test_a_standby_that_is_made_primary_for_nothing_fails_the_drill(tmp_path: Path) -> None:
    world = pair()

    def flap(call: str) -> None:
        if call == "begin lost-etcd-member ob-a":
            world.state["ob-a"].role, world.state["ob-b"].role = "STANDBY", "PRIMARY"
            world._became_primary("ob-b")

    world.before_call = flap
    done = run(world, tmp_path, "etcd-member-lost")
    assert "expected at the end: the primary stays the primary" in done.failures[0]


def test_the_agents_history_is_in_the_timeline(tmp_path: Path) -> None:
    world = pair()
    world.events.append(Event(at_s=world.clock.now_s() - 60, event="promoted", host="ob-a", detail="epoch 1"))
    done = run(world, tmp_path, "primary-crash")
    agents_said = [(e.event, e.host) for e in done.timeline if e.detail and e.detail.startswith("epoch")]
    assert agents_said == [
        ("detected", "ob-b"),
        ("decided", "ob-b"),
        ("fenced", "ob-a"),
        ("promoted", "ob-b"),
        ("rejoined", "ob-a"),
    ]
    written = [json.loads(line) for line in (tmp_path / "timeline.jsonl").read_text().splitlines()]
    assert {"detected", "promoted", "serving", "fault", "healed"} <= {line["event"] for line in written}


def test_agents_that_tell_no_history_make_the_drill_invalid(tmp_path: Path) -> None:
    done = run(
        pair(fails={"history": WorldError("no failover agent tells its history")}),
        tmp_path,
        "primary-crash",
    )
    assert any("no failover agent tells" in why for why in done.invalid)
    judged = judgement.judge_run(
        ENVIRONMENT, CATALOGUE["primary-crash"], done, Records(writes=()), sample_interval_ms=250
    )
    assert judged.verdict is not Verdict.PASS


def test_what_does_not_become_a_pair_in_time_is_residue(tmp_path: Path, record: Path) -> None:
    world = pair()
    world._can_follow = lambda name: False  # type: ignore[method-assign]
    done = run(world, tmp_path, "primary-crash")
    assert any("waited 120 s for one primary and a standby" in thing for thing in done.residue)
    assert record.exists()


def test_a_drill_ends_once_the_primary_is_no_more_alone(tmp_path: Path) -> None:
    world = pair(durability="cross_centre", alone_for_s=40.0)
    done = run(world, tmp_path, "primary-crash")
    assert done.residue == []
    assert world.clock.now_s() >= world.alone_until_s


def test_a_primary_that_stays_alone_is_residue(tmp_path: Path, record: Path) -> None:
    world = pair(durability="cross_centre", alone_for_s=400.0)
    done = run(world, tmp_path, "primary-crash")
    assert any("the leader's agent says alone: yes; needed: no" in thing for thing in done.residue)
    assert record.exists()


@pytest.mark.parametrize("left", ["etcd member", "agents disagree"])
def test_agents_and_etcd_must_be_whole_again(left: str, tmp_path: Path) -> None:
    world = pair()
    if left == "etcd member":
        world.leaves["mon-c"] = ()
        world.undo = lambda host, fault: None  # type: ignore[method-assign]
        done = run(world, tmp_path, "etcd-member-lost")
        assert any("and a whole etcd" in thing for thing in done.residue)
    else:
        seen = world.view

        def view(host, within_ms):
            found = seen(host, within_ms)
            if found is not None and "export ob-b" not in world.calls and "stop clients" in world.calls:
                found.primary = host.name
            return found

        world.view = view  # type: ignore[method-assign]
        done = run(world, tmp_path, "primary-crash")
        assert any("says that" in thing for thing in done.residue)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda w: w.members.update({"mon-c": False}), "2 of 3 members; missing: mon-c"),
        (lambda w: setattr(w, "leads", "ob-b"), "ob-a says that ob-b in epoch 1 leads"),
        (lambda w: setattr(w, "view", lambda host, within_ms: None), "no agent answers on ob-a, ob-b"),
    ],
    ids=["etcd", "agents", "silent"],
)
def test_agents_and_etcd_are_part_of_the_hypothesis(spoil, says: str, tmp_path: Path, record: Path) -> None:
    world = pair(sleepy=True)
    spoil(world)
    done = run(world, tmp_path, "primary-crash")
    assert says in done.invalid[0]
    assert world.calls == ["start clients 500/s", "stop clients"]
    assert not record.exists()


@pytest.mark.parametrize("name", CATALOGUE)
def test_without_agents_nothing_is_broken(name: str, tmp_path: Path) -> None:
    world = pair(agents_there=False)
    done = run(world, tmp_path, name)
    assert done.invalid == [
        "no failover agents are deployed: nobody would recover; run: loanstack deploy lab"
    ]
    assert world.calls == []


@pytest.mark.parametrize("call", ["freeze ob-a", "cut centre-a"])
def test_what_cannot_be_broken_here_is_invalid_and_leaves_nothing(
    call: str, tmp_path: Path, record: Path
) -> None:
    world = pair(fails={call: ImpossibleHereError("names no command")})
    name = next(n for n, breaks in BREAKS.items() if breaks == call)
    done = run(world, tmp_path, name)
    assert done.invalid == ["names no command"]
    assert (done.failures, done.residue, done.fault) == ([], [], None)
    assert not record.exists()


def test_a_disk_that_cannot_be_made_small_is_invalid_and_nothing_is_filled(
    tmp_path: Path, record: Path
) -> None:
    refused = WorldError("ob-b: small-disk ended with 32 and said 'mount: unknown filesystem type tmpfs'")
    world = pair(fails={"begin small-disk ob-b": refused})
    done = run(world, tmp_path, "primary-disk-full")
    assert "unknown filesystem type" in done.invalid[0]
    assert not [call for call in world.calls if "full-disk ob-b" in call and call.startswith("begin")]
    assert done.residue == []
    assert not record.exists()


def test_small_disks_are_only_made_on_standbys_and_taken_away_from_them(tmp_path: Path) -> None:
    world = pair()
    run(world, tmp_path, "primary-disk-full")
    order = [
        "begin small-disk ob-b",
        "switchover ob-a ob-b",
        "start clients 500/s",
        "begin full-disk ob-b",
        "undo full-disk ob-b",
        "stop clients",
        "undo small-disk ob-b",
    ]
    places = [world.calls.index(call) for call in order]
    assert places == sorted(places)


def test_tables_change_before_the_switchover_and_are_dropped_on_both(tmp_path: Path) -> None:
    world = pair()
    run(world, tmp_path, "switchover-under-ddl")
    assert world.calls.index("begin changing-tables ob-a") < world.calls.index("switchover ob-a ob-b")
    assert {"undo changing-tables ob-a", "undo changing-tables ob-b"} <= set(world.calls)


def test_drills_hit_roles_and_so_bring_them_back(tmp_path: Path) -> None:
    world = pair()
    for name in ("primary-paused", "centre-a-cut-off", "asymmetric-cut"):
        (tmp_path / name).mkdir()
        run(world, tmp_path / name, name)
    assert "begin paused-database ob-a" in world.calls
    assert "cut centre-b" in world.calls, "the primary's centre, whichever it is"
    assert "cut a-to-b" in world.calls
