"""Protocols of everything that drills act on: the runner knows no SSH, and its tests need no host."""

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
    """Something that the drill needs did not happen; the message says what, where, and within which time."""


class ImpossibleHereError(WorldError):
    """The fault cannot be made in this environment; the message says why."""


class Clock(Protocol):
    """Time, injected."""

    def now_s(self) -> float:
        """Return the unix time in seconds."""

    def sleep_s(self, seconds: float) -> None:
        """Wait."""


class Pending(Protocol):
    """A fault that was sent and is being made, so that watching can begin at once."""

    def wait(self, within_s: float) -> float:
        """Return the unix time at which the fault had certainly acted.

        Raises:
            WorldError: the fault failed, or did not act in time.
        """


class Reading(Protocol):
    """Role and log position that a database reported."""

    @property
    def role(self) -> str:
        """PRIMARY or STANDBY."""

    @property
    def scn(self) -> int:
        """END_SCN: the end of its log (nanoseconds)."""


class Databases(Protocol):
    """Operations on databases. Each raises WorldError if it does not succeed within its own deadline."""

    def read(self, host: Host, within_ms: float) -> Reading | None:
        """Ask a database for role and position over the open session; None if it does not answer."""

    def role(self, host: Host) -> str:
        """Return PRIMARY, STANDBY, DOWN or UNREACHABLE; slow but reliable."""

    def is_reachable(self, host: Host) -> bool:
        """Say whether an SSH server sends its greeting at the host's management address within a second."""

    def kill(self, host: Host) -> Pending:
        """Kill the database process (SIGKILL, by its pid)."""


class Hosts(Protocol):
    """Faults made on hosts themselves, over SSH."""

    def begin(self, host: Host, fault: HostFault, *, for_s: float) -> Pending:
        """Make `fault` on `host`; a timer there undoes it after `for_s`, even if the control machine dies."""

    def undo(self, host: Host, fault: HostFault) -> None:
        """Undo `fault` and stop its timer; does nothing if there is neither. Raises WorldError."""

    def shows(self, host: Host, fault: HostFault) -> str | None:
        """Return None if `fault` is seen to act on `host`, else the actual state there; raises WorldError."""

    def reaches(self, host: Host, other: Host) -> bool:
        """Say whether the database port of `other` answers `host`, even with a refusal; raises WorldError."""

    def residue(self, host: Host) -> tuple[str, ...]:
        """Return things that drills left on the host, and its units that do not run."""


class Power(Protocol):
    """The power switch of the hosts. Raises ImpossibleHereError if the environment has none."""

    def off(self, host: Host) -> Pending:
        """Switch the power off; if the host is already off, this confirms it."""

    def on(self, host: Host) -> None:
        """Switch the host on if it is off, and wait until it accepts SSH."""

    def freeze(self, host: Host, *, for_s: float) -> Pending:
        """Freeze all processes of a host; a timer thaws them after `for_s`."""

    def thaw(self, host: Host) -> None:
        """Thaw a frozen host; does nothing if the host is not frozen, or is off."""


class Network(Protocol):
    """Cuts between centres. Raises ImpossibleHereError if the environment cannot make them."""

    def cut(self, name: str, *, for_s: float) -> Pending:
        """Make the cut of that name; a timer mends it after `for_s`."""

    def mend(self, name: str) -> None:
        """Mend the cut; does nothing if it was not made."""


class AgentView(Protocol):
    """One agent's view of the leader."""

    @property
    def primary(self) -> str | None:
        """Name of the host that leads and serves; None if there is none."""

    @property
    def epoch(self) -> int | None:
        """The leader's epoch; None if it is not known."""

    @property
    def durability(self) -> str | None:
        """Durability of the pair: when writes are acknowledged; None if there is no leader."""

    @property
    def alone(self) -> str | None:
        """The leader's own agent reports `no` if its standby has all acknowledged writes; None: no report."""


class Agents(Protocol):
    """The failover agents on the database hosts."""

    def are_deployed(self) -> bool:
        """Say whether the hosts have agents."""

    def view(self, host: Host, within_ms: float) -> AgentView | None:
        """Ask the agent of `host` for the leader; None if the agent does not answer."""

    def history(self) -> tuple[Event, ...]:
        """Return the agents' history, oldest event first; raises WorldError if no agent answers."""

    def switchover(self, source: Host, to: Host) -> Pending:
        """Ask the agent of the primary `source` to hand over to `to`."""


class Etcd(Protocol):
    """The cluster that the agents ask who leads."""

    def healthy(self) -> Mapping[str, bool]:
        """Return {member: whether it answers as part of a majority}."""


@dataclass(frozen=True, kw_only=True)
class ClientsSeen:
    """Outcomes of clients' writes over the last seconds."""

    last_acknowledged_s: float | None
    """Unix time of the last acknowledged write; None: nothing was acknowledged yet."""
    served: int
    """Requests that were answered rightly: writes and queries."""
    failed: int
    """All others: also a query without an answer, and an acknowledgement with a wrong body."""
    is_whole: bool
    """Whether clients have been writing for the whole period that was asked for."""


class Alerts(Protocol):
    """The alerts of the environment's monitoring."""

    def firing(self) -> frozenset[str]:
        """Return the names of the firing alerts; none if no Prometheus answers."""


class Clients(Protocol):
    """The clients that write during a drill, and the recorders."""

    def start_load(self, rate: float, folder: Path) -> None:
        """Start the background load, the replication sampler and the prober; they write into `folder`."""

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        """Return the rate of acknowledged writes over the last seconds; 0 if these begin before `since_s`."""

    def seen(self, over_s: float) -> ClientsSeen:
        """Return the outcomes of writes over the last seconds."""

    def stopped_because(self) -> str | None:
        """Return why one of the programs ended by itself; None while all run."""

    def stop(self) -> None:
        """End all programs and wait until their records are complete; a second call does nothing."""

    def export(self, primary: Host, folder: Path) -> None:
        """Save the journal and the limits of the primary below `folder`."""


class World(Protocol):
    """Everything that a drill acts on."""

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
    def etcd(self) -> Etcd:
        """The members that the agents ask who leads."""

    @property
    def clients(self) -> Clients:
        """The load."""


def wait_until(clock: Clock, met: "Condition", *, what: str, within_s: float, every_s: float = 0.25) -> None:
    """Wait until `met()` returns None.

    + met: returns None if the condition holds, else why it does not hold yet
    + what: name of the awaited condition, for the message

    Raises:
        WorldError: the condition did not hold in time; says what was waited for and what was seen last.
    """
    deadline = clock.now_s() + within_s
    while (missing := met()) is not None:
        if clock.now_s() >= deadline:
            raise WorldError(f"waited {within_s:.0f} s for {what}; at the end: {missing}")
        clock.sleep_s(every_s)


class Condition(Protocol):
    """A condition to wait for."""

    def __call__(self) -> str | None:
        """Return None if the condition holds, else why it does not hold yet."""
