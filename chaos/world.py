"""What drills need of the world, as protocols: the runner knows no SSH, and its tests need no host."""

from pathlib import Path
from typing import Protocol

from inventory.model import Host

PRIMARY = "PRIMARY"
STANDBY = "STANDBY"
DOWN = "DOWN"
"""The host answers, its database does not."""
UNREACHABLE = "UNREACHABLE"
"""The host does not answer."""


class WorldError(RuntimeError):
    """Something the drill needed did not happen; the message says what, where, and within which time."""


class CannotFenceError(WorldError):
    """Nobody could make sure that the old primary stays down, so nothing may be promoted."""


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

    def answers(self, host: Host, *, seen_from: Host, within_ms: float) -> bool:
        """Say whether `host` accepts a connection to its SQL port from where `seen_from` stands."""

    def role(self, host: Host) -> str:
        """Return PRIMARY, STANDBY, DOWN or UNREACHABLE; slow and sure."""

    def is_reachable(self, host: Host) -> bool:
        """Say whether the host's management address accepts SSH, at once."""

    def kill(self, host: Host) -> Pending:
        """Kill the database process (SIGKILL, by its pid)."""

    def fence(self, host: Host) -> None:
        """Forbid the database unit to start, kill what runs of it, and confirm that nothing is left."""

    def unfence(self, host: Host) -> None:
        """Allow the database unit to start again; does nothing if it was allowed."""

    def start(self, host: Host) -> None:
        """Start the database unit with the data it has."""

    def promote(self, host: Host) -> None:
        """Make a standby the primary."""

    def rejoin(self, host: Host, source: Host) -> None:
        """Empty a database and let it follow `source`."""

    def residue(self, host: Host) -> tuple[str, ...]:
        """Return what a drill left on the host: a fence, a unit that does not run."""


class Power(Protocol):
    """The power switch of the hosts."""

    def off(self, host: Host) -> Pending:
        """Pull the plug; also confirms that a dead host is off."""

    def on(self, host: Host) -> None:
        """Switch on and wait until the host accepts SSH."""


class Clients(Protocol):
    """The clients that write while something breaks, and those who take notes of it."""

    def start_load(self, rate: float, folder: Path) -> None:
        """Start the background load and the replication sampler; they write into `folder`."""

    def acknowledged_per_s(self, since_s: float = 0.0) -> float:
        """Return the rate of acknowledged writes over the last seconds; 0 if they reach before `since_s`."""

    def stopped_because(self) -> str | None:
        """Return why the load ended by itself; None while it runs."""

    def stop(self) -> None:
        """End load and sampler and wait until their records are whole; does nothing the second time."""

    def export(self, primary: Host, folder: Path) -> None:
        """Save the journal and the limits of the primary below `folder`."""


class World(Protocol):
    """All of it."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def databases(self) -> Databases:
        """The database hosts."""

    @property
    def power(self) -> Power:
        """The power switch."""

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
