"""A world without hosts: two databases as a state machine, a clock that moves when somebody waits.

It fails loudly on anything that a careful operator would never do, such as a second primary.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos.world import DOWN, PRIMARY, STANDBY, UNREACHABLE, Pending, WorldError
from inventory.model import Host


@dataclass(kw_only=True)
class FakeReading:
    role: str
    scn: int


@dataclass(kw_only=True)
class FakeHost:
    role: str
    """What its data say it is."""
    running: bool = True
    powered: bool = True
    fenced: bool = False


class FakeClock:
    def __init__(self) -> None:
        self.at_s = 1_000_000.0

    def now_s(self) -> float:
        return self.at_s

    def sleep_s(self, seconds: float) -> None:
        assert seconds >= 0
        self.at_s += seconds + 0.001


class Done:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def wait(self, within_s: float) -> float:
        assert within_s > 0
        return self._clock.now_s()


class Failing:
    def wait(self, within_s: float) -> float:
        assert within_s > 0
        raise WorldError("the power switch does not answer")


@dataclass(kw_only=True)
class FakeWorld:
    """Databases, power and clients in one; `calls` is what was done, in order."""

    hosts: dict[str, FakeHost]
    clock: FakeClock = field(default_factory=FakeClock)
    lag_ms: float = 50.0
    rate: float = 500.0
    calls: list[str] = field(default_factory=list)
    fails: dict[str, BaseException] = field(default_factory=dict)
    """Call, such as `promote ob-b` -> what it raises."""
    leaves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    power_works: bool = True
    load_ends: str | None = None
    before_call: Callable[[str], None] = lambda call: None

    @property
    def databases(self) -> "FakeWorld":
        return self

    @property
    def power(self) -> "FakeWorld":
        return self

    @property
    def clients(self) -> "FakeWorld":
        return self

    def _do(self, call: str) -> None:
        self.before_call(call)
        self.calls.append(call)
        self.clock.at_s += 0.01
        if call in self.fails:
            raise self.fails[call]

    def _serves(self, host: Host) -> bool:
        state = self.hosts[host.name]
        return state.powered and state.running

    def _one_primary_at_most(self) -> None:
        primaries = [n for n, h in self.hosts.items() if h.role == PRIMARY and h.running and h.powered]
        assert len(primaries) <= 1, f"two primaries: {primaries}"

    def read(self, host: Host, within_ms: float) -> FakeReading | None:
        self.clock.at_s += 0.001
        if not self._serves(host):
            return None
        state = self.hosts[host.name]
        behind = self.lag_ms if state.role == STANDBY else 0.0
        return FakeReading(role=state.role, scn=int((self.clock.at_s - behind / 1000) * 1e9))

    def answers(self, host: Host, *, seen_from: Host, within_ms: float) -> bool:
        assert self._serves(seen_from), f"{seen_from.name} cannot look"
        return self._serves(host)

    def role(self, host: Host) -> str:
        state = self.hosts[host.name]
        if not state.powered:
            return UNREACHABLE
        return state.role if state.running else DOWN

    def is_reachable(self, host: Host) -> bool:
        return self.hosts[host.name].powered

    def kill(self, host: Host) -> Pending:
        self._do(f"kill {host.name}")
        self.hosts[host.name].running = False
        return Done(self.clock)

    def fence(self, host: Host) -> None:
        self._do(f"fence {host.name}")
        self.hosts[host.name].fenced = True
        self.hosts[host.name].running = False

    def unfence(self, host: Host) -> None:
        self._do(f"unfence {host.name}")
        self.hosts[host.name].fenced = False

    def start(self, host: Host) -> None:
        self._do(f"start {host.name}")
        assert not self.hosts[host.name].fenced, "a fenced database cannot start"
        self.hosts[host.name].running = True
        self._one_primary_at_most()

    def promote(self, host: Host) -> None:
        self._do(f"promote {host.name}")
        self.hosts[host.name].role = PRIMARY
        self._one_primary_at_most()

    def rejoin(self, host: Host, source: Host) -> None:
        self._do(f"rejoin {host.name} {source.name}")
        assert self.hosts[source.name].role == PRIMARY, "can only follow a primary"
        assert not self.hosts[host.name].fenced, "a fenced database cannot start"
        self.hosts[host.name] = FakeHost(role=STANDBY)

    def residue(self, host: Host) -> tuple[str, ...]:
        state = self.hosts[host.name]
        found = self.leaves.get(host.name, ())
        found += ("its database is forbidden to start",) if state.fenced else ()
        return found + (() if state.running else ("unit is failed",))

    def off(self, host: Host) -> Pending:
        self._do(f"off {host.name}")
        if not self.power_works:
            return Failing()
        self.hosts[host.name].powered = False
        self.hosts[host.name].running = False
        return Done(self.clock)

    def on(self, host: Host) -> None:
        self._do(f"on {host.name}")
        state = self.hosts[host.name]
        state.powered = True
        state.fenced = False  # a drop-in below /run does not survive
        if state.role == STANDBY:
            state.running = True  # the unit's guard refuses to start an old primary

    def start_load(self, rate: float, folder: Path) -> None:
        assert folder.is_dir()
        self._do(f"start clients {rate:.0f}/s")

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        if self.clock.at_s < since_s + 3:
            return 0.0
        serving = [h for h in self.hosts.values() if h.role == PRIMARY and h.running and h.powered]
        return self.rate if serving else 0.0

    def stopped_because(self) -> str | None:
        return self.load_ends

    def stop(self) -> None:
        self._do("stop clients")

    def export(self, primary: Host, folder: Path) -> None:
        self._do(f"export {primary.name}")
        assert self.hosts[primary.name].role == PRIMARY


def pair(**changes: object) -> FakeWorld:
    """ob-a primary, ob-b its standby, clients at 500/s."""
    hosts = {"ob-a": FakeHost(role=PRIMARY), "ob-b": FakeHost(role=STANDBY)}
    return FakeWorld(hosts=hosts, **changes)  # type: ignore[arg-type]  # fields by name
