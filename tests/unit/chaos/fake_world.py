"""A world without hosts: two databases as a state machine, a clock that moves when somebody waits.

The failover agents act as time passes. It fails loudly on what they would never do, such as a second primary.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos.system.host_fault import LOST_ETCD_MEMBER, ON_SMALL_DISK, HostFault
from chaos.system.world import DOWN, PRIMARY, STANDBY, UNREACHABLE, ClientsSeen, Pending, WorldError
from inventory.model import Host
from proof.record import Event

NOTICED_AFTER_S = 2.0
REJOINS_AFTER_S = 4.0


@dataclass(kw_only=True)
class FakeReading:
    role: str
    scn: int


@dataclass(kw_only=True)
class FakeView:
    primary: str | None
    epoch: int | None
    durability: str | None
    alone: str | None


@dataclass(kw_only=True)
class FakeHost:
    role: str
    """What its data say it is."""
    running: bool = True
    powered: bool = True
    frozen: bool = False
    faults: set[str] = field(default_factory=set)
    disk: str = "large"
    wrong_since_s: float | None = None
    down_since_s: float | None = None

    @property
    def serves(self) -> bool:
        stands = self.frozen or "paused-database" in self.faults
        return self.powered and self.running and not stands and self.disk != "full"


class FakeClock:
    def __init__(self) -> None:
        self.at_s = 1_000_000.0
        self.after: Callable[[], None] = lambda: None

    def now_s(self) -> float:
        return self.at_s

    def sleep_s(self, seconds: float) -> None:
        assert seconds >= 0
        self.at_s += seconds + 0.001
        self.after()


class Done:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def wait(self, within_s: float) -> float:
        assert within_s > 0
        return self._clock.now_s()


class Failing:
    def __init__(self, why: str) -> None:
        self._why = why

    def wait(self, within_s: float) -> float:
        assert within_s > 0
        raise WorldError(self._why)


@dataclass(kw_only=True)
class FakeWorld:
    """All of a world in one; `calls` is what was done, in order."""

    state: dict[str, FakeHost]
    """The databases' hosts."""
    others: dict[str, FakeHost] = field(default_factory=dict)
    """Hosts of other roles, from when something is done to them."""
    clock: FakeClock = field(default_factory=FakeClock)
    agents_there: bool = True
    leads: str | None = "ob-a"
    """Whom etcd names; None: nobody may."""
    epoch: int = 1
    members: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(("ob-a", "ob-b", "mon-c"), True))
    cuts: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    durability: str = "local"
    lag_ms: float = 50.0
    alone_for_s: float = 0.0
    """How long after a change of roles the primary is alone."""
    alone_until_s: float = 0.0
    rate: float = 500.0
    calls: list[str] = field(default_factory=list)
    fails: dict[str, BaseException] = field(default_factory=dict)
    """Call, such as `kill ob-a` -> what it raises."""
    leaves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    power_works: bool = True
    inert: bool = False
    """Nothing that is broken breaks, although it says so."""
    begun: list[HostFault] = field(default_factory=list)
    load_ends: str | None = None
    failing: int = 0
    """How many of a hundred and so many requests failed lately, as clients say."""
    firing_alerts: frozenset[str] = frozenset()
    _last_served_s: float | None = None
    before_call: Callable[[str], None] = lambda call: None
    sleepy: bool = False
    """The agents do nothing."""

    def __post_init__(self) -> None:
        self.clock.after = self._agents_act

    databases = hosts = power = network = agents = etcd = clients = alerts = property(lambda self: self)

    def _do(self, call: str) -> None:
        self.before_call(call)
        self.calls.append(call)
        self.clock.at_s += 0.01
        if call in self.fails:
            raise self.fails[call]

    def _host(self, name: str) -> FakeHost:
        return self.state.get(name) or self.others.setdefault(name, FakeHost(role="NONE"))

    # --- databases

    def _one_primary_at_most(self) -> None:
        primaries = [n for n, h in self.state.items() if h.role == PRIMARY and h.running and h.powered]
        assert len(primaries) <= 1, f"two primaries: {primaries}"

    def read(self, host: Host, within_ms: float) -> FakeReading | None:
        self.clock.at_s += 0.001
        state = self.state[host.name]
        if not state.serves:
            return None
        behind = self.lag_ms if state.role == STANDBY else 0.0
        return FakeReading(role=state.role, scn=int((self.clock.at_s - behind / 1000) * 1e9))

    def role(self, host: Host) -> str:
        state = self.state[host.name]
        if not state.powered or state.frozen:
            return UNREACHABLE
        return state.role if state.running else DOWN

    def is_reachable(self, host: Host) -> bool:
        state = self._host(host.name)
        return state.powered and not state.frozen

    def kill(self, host: Host) -> Pending:
        self._do(f"kill {host.name}")
        if not self.inert:
            self.state[host.name].running = False
        return Done(self.clock)

    # --- hosts

    def begin(self, host: Host, fault: HostFault, *, for_s: float) -> Pending:
        assert for_s > 0
        self._do(f"begin {fault.name} {host.name}")
        self.begun.append(fault)
        if self.inert:
            return Done(self.clock)
        state = self._host(host.name)
        if fault is LOST_ETCD_MEMBER:
            self.members[host.name] = False
        elif fault.name == "small-disk":
            assert state.role == STANDBY, "the data of a primary are not moved"
            state.disk = "small"
        elif fault.name == "full-disk":
            assert state.disk == "small", "the disk that all share is never filled"
            state.disk = "full"
        else:
            state.faults.add(fault.name)
            # A database is bound to its agent.
            state.running &= fault.name != "killed-agent"
        return Done(self.clock)

    def undo(self, host: Host, fault: HostFault) -> None:
        self._do(f"undo {fault.name} {host.name}")
        state = self._host(host.name)
        if fault is LOST_ETCD_MEMBER:
            self.members[host.name] = True
            return
        state.faults.discard(fault.name)
        if fault.name == "full-disk" and state.disk == "full":
            state.disk = "small"
        if fault.name == "small-disk" and state.disk != "large":
            if state.role == PRIMARY:
                raise WorldError("the data of the primary lie on a small disk")
            state.disk = "large"

    def shows(self, host: Host, fault: HostFault) -> str | None:
        state = self._host(host.name)
        acts = {
            LOST_ETCD_MEMBER.name: not self.members.get(host.name, True),
            "small-disk": state.disk != "large",
            "full-disk": state.disk == "full",
        }
        return None if acts.get(fault.name, fault.name in state.faults) else f"{host.name}: nothing of it"

    def reaches(self, host: Host, other: Host) -> bool:
        source, to = host.name[-1], other.name[-1]
        # What is asked goes one way, and the answer the other.
        return not {f"centre-{source}", f"centre-{to}", f"{source}-to-{to}", f"{to}-to-{source}"} & self.cuts

    def residue(self, host: Host) -> tuple[str, ...]:
        self._do(f"residue {host.name}")
        state = self._host(host.name)
        found = self.leaves.get(host.name, ())
        found += tuple(f"{name} is left" for name in sorted(state.faults))
        found += (ON_SMALL_DISK,) if state.disk != "large" else ()
        return found + (() if state.running else ("unit is failed",))

    # --- power and network

    def off(self, host: Host) -> Pending:
        self._do(f"off {host.name}")
        if not self.power_works:
            return Failing("the power switch does not answer")
        if self.inert:
            return Done(self.clock)
        state = self._host(host.name)
        state.powered = state.running = False
        return Done(self.clock)

    def on(self, host: Host) -> None:
        self._do(f"on {host.name}")
        self._switch_on(host.name)

    def _switch_on(self, name: str) -> None:
        state = self._host(name)
        if state.powered:
            return
        state.powered = True
        if state.role != PRIMARY:
            state.running = True  # the unit's guard refuses to start an old primary

    def freeze(self, host: Host, *, for_s: float) -> Pending:
        assert for_s > 0
        self._do(f"freeze {host.name}")
        self.state[host.name].frozen = not self.inert
        return Done(self.clock)

    def thaw(self, host: Host) -> None:
        self._do(f"thaw {host.name}")
        self.state[host.name].frozen = False

    def cut(self, name: str, *, for_s: float) -> Pending:
        assert for_s > 0
        self._do(f"cut {name}")
        self.cuts |= set() if self.inert else {name}
        return Done(self.clock)

    def mend(self, name: str) -> None:
        self._do(f"mend {name}")
        self.cuts.discard(name)

    # --- agents and etcd

    def are_deployed(self) -> bool:
        return self.agents_there

    def view(self, host: Host, within_ms: float) -> FakeView | None:
        state = self.state[host.name]
        if not state.powered or state.frozen:
            return None
        hears = self._majority() and "cut-from-etcd" not in state.faults and not self._is_cut_off(host.name)
        leads = self.leads if hears else None
        return FakeView(
            primary=leads,
            epoch=self.epoch,
            durability=self.durability if leads else None,
            alone=self._alone() if leads == host.name else None,
        )

    def _alone(self) -> str:
        return "yes" if self.clock.at_s < self.alone_until_s else "no"

    def history(self) -> tuple[Event, ...]:
        self._do("history")
        return tuple(self.events)

    def switchover(self, source: Host, to: Host) -> Pending:
        self._do(f"switchover {source.name} {to.name}")
        if self.state[source.name].role != PRIMARY:
            return Failing(f"{source.name} is not the primary")
        self.state[source.name].role, self.state[to.name].role = STANDBY, PRIMARY
        self._became_primary(to.name)
        return Done(self.clock)

    def healthy(self) -> dict[str, bool]:
        return {name: up and self._majority() for name, up in self.members.items()}

    def _majority(self) -> bool:
        return 2 * sum(self.members.values()) > len(self.members)

    def _is_cut_off(self, name: str) -> bool:
        return f"centre-{name[-1]}" in self.cuts

    def _noted(self, event: str, host: str) -> None:
        self.events.append(Event(at_s=self.clock.at_s, event=event, host=host, detail=f"epoch {self.epoch}"))

    def _became_primary(self, name: str) -> None:
        self.leads = name
        self.epoch += 1
        self.alone_until_s = self.clock.at_s + self.alone_for_s
        self._noted("promoted", name)
        self._one_primary_at_most()

    def _agents_act(self) -> None:
        if not self.agents_there or self.sleepy:
            return
        now_s = self.clock.at_s
        for name, state in self.state.items():
            may_lead = state.serves and not {"cut-from-etcd"} & state.faults and not self._is_cut_off(name)
            leads = state.role == PRIMARY and self.leads == name
            wrong = leads and not (may_lead and self._majority())
            state.wrong_since_s = (state.wrong_since_s or now_s) if wrong else None
            if wrong and now_s - (state.wrong_since_s or now_s) >= NOTICED_AFTER_S:
                self._replace(name)
        for name, state in self.state.items():
            if state.running or not self._majority() or self.leads == name:
                state.down_since_s = None
                continue
            state.down_since_s = state.down_since_s or now_s
            if now_s - state.down_since_s >= REJOINS_AFTER_S and self._can_follow(name):
                self._switch_on(name)
                state.role, state.running = STANDBY, True
                self._noted("rejoined", name)
        if self.leads is None and self._majority():
            self._start_again()

    def _replace(self, name: str) -> None:
        other = next(n for n in self.state if n != name)
        self._noted("detected", other)
        old = self.state[name]
        old.running, old.frozen = False, False
        if not self._majority():
            self.leads = None
            self._noted("fenced", name)
            return
        self._noted("decided", other)
        self._noted("fenced", name)
        assert self.state[other].serves, "nobody is there to be promoted"
        self.state[other].role = PRIMARY
        self._became_primary(other)

    def _can_follow(self, name: str) -> bool:
        state = self.state[name]
        return self.leads is not None and not self._is_cut_off(name) and state.disk != "full"

    def _start_again(self) -> None:
        name = next(n for n, h in self.state.items() if h.role == PRIMARY)
        self.state[name].running = True
        self._became_primary(name)

    # --- clients

    def start_load(self, rate: float, folder: Path) -> None:
        assert folder.is_dir()
        self._do(f"start clients {rate:.0f}/s")

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        if self.clock.at_s < since_s + 3:
            return 0.0
        serving = [h for h in self.state.values() if h.role == PRIMARY and h.serves]
        return self.rate if serving else 0.0

    def seen(self, over_s: float) -> ClientsSeen:
        serving = [h for h in self.state.values() if h.role == PRIMARY and h.serves]
        if serving or self._last_served_s is None:
            self._last_served_s = self.clock.at_s
        return ClientsSeen(
            last_acknowledged_s=self._last_served_s, served=100, failed=self.failing, is_whole=True
        )

    def firing(self) -> frozenset[str]:
        return self.firing_alerts

    def stopped_because(self) -> str | None:
        return self.load_ends

    def stop(self) -> None:
        self._do("stop clients")

    def export(self, primary: Host, folder: Path) -> None:
        self._do(f"export {primary.name}")
        assert self.state[primary.name].role == PRIMARY


def pair(**changes: object) -> FakeWorld:
    """ob-a primary, ob-b its standby, clients at 500/s, an agent on each."""
    state = {"ob-a": FakeHost(role=PRIMARY), "ob-b": FakeHost(role=STANDBY)}
    return FakeWorld(state=state, **changes)  # type: ignore[arg-type]  # fields by name
