"""What drills need of the world, as protocols: the runner knows no SSH, and its tests need no host."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaos.system.host_fault import HostFault
from inventory.model import Host
from proof.record import Event

PRIMARY = "PRIMARY"
STANDBY = "STANDBY"
DOWN = "DOWN"
"""The host answers, its database does not."""
UNREACHABLE = "UNREACHABLE"
"""The host does not answer."""


class WorldError(RuntimeError):
    """Something the drill needed did not happen; the message says what, where, and within which time."""


class ImpossibleHereError(WorldError):
    """This environment cannot be broken in that way; the message says why."""


class Clock(Protocol):
    """Time, injected."""

    def now_s(self) -> float:
        """Return the unix time in seconds."""

    def sleep_s(self, seconds: float) -> None:
        """Wait."""


class Pending(Protocol):
    """A fault that was sent and acts by itself, so that watching can begin at once."""

    def wait(self, within_s: float) -> float:
        """Return the unix time at which it had certainly acted.

        Raises:
            WorldError: it failed, or not within the time.
        """


class Reading(Protocol):
    """What a database said about itself."""

    @property
    def role(self) -> str:
        """PRIMARY or STANDBY."""

    @property
    def scn(self) -> int:
        """END_SCN: how far its log goes (nanoseconds)."""


class Databases(Protocol):
    """The verbs on database hosts. Each raises WorldError if it does not succeed within its own deadline."""

    def read(self, host: Host, within_ms: float) -> Reading | None:
        """Ask a database for role and position over the open session; None if it does not answer."""

    def role(self, host: Host) -> str:
        """Return PRIMARY, STANDBY, DOWN or UNREACHABLE; slow and sure."""

    def is_reachable(self, host: Host) -> bool:
        """Say whether an SSH server greets at the host's management address, within a second."""

    def kill(self, host: Host) -> Pending:
        """Kill the database process (SIGKILL, by its pid)."""


class Hosts(Protocol):
    """Faults made on hosts themselves, over SSH."""

    def begin(self, host: Host, fault: HostFault, *, for_s: float) -> Pending:
        """Make `fault` on `host`; a timer there undoes it after `for_s`, whatever becomes of us."""

    def undo(self, host: Host, fault: HostFault) -> None:
        """Undo `fault` and stop its timer; does nothing where neither is. Raises WorldError."""

    def shows(self, host: Host, fault: HostFault) -> str | None:
        """Return None if `fault` is seen to act on `host`, else what is seen there; raises WorldError."""

    def reaches(self, host: Host, other: Host) -> bool:
        """Say whether the database port of `other` answers `host`, if only with a no; raises WorldError."""

    def residue(self, host: Host) -> tuple[str, ...]:
        """Return what drills left on the host, and which of its units do not run."""


class Power(Protocol):
    """The power switch of the hosts. Raises ImpossibleHereError where there is none."""

    def off(self, host: Host) -> Pending:
        """Pull the plug; also confirms that a dead host is off."""

    def on(self, host: Host) -> None:
        """Switch on, if it is off, and wait until the host accepts SSH."""

    def freeze(self, host: Host, *, for_s: float) -> Pending:
        """Stop all processes of a host where they stand; it is thawed by itself after `for_s`."""

    def thaw(self, host: Host) -> None:
        """Let a frozen host go on; does nothing if it does, or is off."""


class Network(Protocol):
    """Cuts between centres. Raises ImpossibleHereError where nobody can make them."""

    def cut(self, name: str, *, for_s: float) -> Pending:
        """Make the cut of that name; it is mended by itself after `for_s`."""

    def mend(self, name: str) -> None:
        """Mend the cut; does nothing if it is not made."""


class AgentView(Protocol):
    """What one agent says about who leads."""

    @property
    def primary(self) -> str | None:
        """Name of the host that leads and serves; None while nobody does."""

    @property
    def epoch(self) -> int | None:
        """Its epoch; None if none is known."""

    @property
    def durability(self) -> str | None:
        """When writes are acknowledged; None if nobody leads."""

    @property
    def alone(self) -> str | None:
        """By the leader's own agent: `no` if its standby has all that was acknowledged; None: not said."""


class Agents(Protocol):
    """The failover agents on the database hosts."""

    def are_deployed(self) -> bool:
        """Say whether the hosts have them at all."""

    def view(self, host: Host, within_ms: float) -> AgentView | None:
        """Ask the agent of `host` who leads; None if it does not answer."""

    def history(self) -> tuple[Event, ...]:
        """Return what the agents wrote down, oldest first; raises WorldError if none answers."""

    def switchover(self, source: Host, to: Host) -> Pending:
        """Ask the agent of the primary `source` to hand over to `to`."""


class Store(Protocol):
    """The consensus store."""

    def healthy(self) -> Mapping[str, bool]:
        """Return {member: whether it answers as part of a majority}."""


@dataclass(frozen=True, kw_only=True)
class ClientsSeen:
    """What clients were told over the last seconds."""

    last_acknowledged_s: float | None
    """Unix time; None: nothing was acknowledged yet."""
    served: int
    """Requests that were answered rightly: writes and queries."""
    failed: int
    """All others: also a query without an answer, and an acknowledgement with a wrong body."""
    is_whole: bool
    """Whether clients have written for as long as was asked about."""


class Alerts(Protocol):
    """What the environment's monitoring complains about."""

    def firing(self) -> frozenset[str]:
        """Return the names of the alerts that fire; none where nobody answers."""


class Clients(Protocol):
    """The clients that write while something breaks, and those who take notes of it."""

    def start_load(self, rate: float, folder: Path) -> None:
        """Start the background load, the replication sampler and the prober; they write into `folder`."""

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        """Return the rate of acknowledged writes over the last seconds; 0 if they reach before `since_s`."""

    def seen(self, over_s: float) -> ClientsSeen:
        """Return what clients were told over the last seconds."""

    def stopped_because(self) -> str | None:
        """Return why one of them ended by itself; None while they run."""

    def stop(self) -> None:
        """End them and wait until their records are whole; does nothing the second time."""

    def export(self, primary: Host, folder: Path) -> None:
        """Save the journal and the limits of the primary below `folder`."""


class World(Protocol):
    """All of it."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def databases(self) -> Databases:
        """The databases."""

    @property
    def alerts(self) -> Alerts:
        """The monitoring."""

    @property
    def hosts(self) -> Hosts:
        """The hosts."""

    @property
    def power(self) -> Power:
        """The power switch."""

    @property
    def network(self) -> Network:
        """The network between centres."""

    @property
    def agents(self) -> Agents:
        """The failover agents."""

    @property
    def store(self) -> Store:
        """The consensus store."""

    @property
    def clients(self) -> Clients:
        """The load."""


def wait_until(clock: Clock, met: "Condition", *, what: str, within_s: float, every_s: float = 0.25) -> None:
    """Wait until `met()` returns None.

    + met: returns None when it holds, else why not yet
    + what: what is waited for, for the message

    Raises:
        WorldError: not within the time; says what was waited for and what was last seen.
    """
    deadline = clock.now_s() + within_s
    while (missing := met()) is not None:
        if clock.now_s() >= deadline:
            raise WorldError(f"waited {within_s:.0f} s for {what}; at the end: {missing}")
        clock.sleep_s(every_s)


class Condition(Protocol):
    """Something to wait for."""

    def __call__(self) -> str | None:
        """Return None when it holds, else why not yet."""
