"""Bringing a broken pair back: from whatever state it is in, to one primary and one following standby."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from chaos.model import HealRecord
from chaos.world import DOWN, PRIMARY, STANDBY, UNREACHABLE, Databases, World, WorldError, wait_until
from inventory import places
from inventory.model import Environment, Host

REACHABLE_WITHIN_S = 5.0
"""A host that answers no SSH for this long is taken to be off."""

FOLLOWS_WITHIN_S = 90.0
"""Copying the baseline and catching up takes a few seconds in the lab; this is when to give up."""


def record_path(env: Environment) -> Path:
    """Return where the heal of a running drill is remembered, for the process that comes after a crash.

    It lives and dies with the environment: a lab that was taken down has nothing left to heal.
    """
    folder = places.lab_dir() if env.is_lab else places.state_dir() / env.name
    return folder / "drill-heal.json"


def save_record(record: HealRecord, *paths: Path) -> None:
    """Write `record` to each of `paths`, whole, and onto the disk before anything is broken."""
    text = json.dumps(asdict(record), indent=2) + "\n"
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        with unfinished.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)


def load_record(path: Path) -> HealRecord | None:
    """Return the record in `path`; None if there is none.

    Raises:
        WorldError: the file cannot be understood; says what to do.
    """
    try:
        return HealRecord(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as broken:
        raise WorldError(
            f"{path} is not a heal record ({broken}); look at the roles of both databases, make one the"
            " primary and the other its standby, then delete the file"
        ) from None


def promoting(record: HealRecord, host: Host) -> HealRecord:
    """Return `record` with the host that is about to become the primary."""
    return replace(record, promoted=host.name)


class PairHealer:
    """Heals a pair of databases after the loss of one."""

    def __init__(self, env: Environment) -> None:
        self.env = env

    def return_to_pair(self, world: World, record: HealRecord) -> None:
        """Bring the pair back to one primary and one following standby.

        - The victim is off: switch it on.
        - The survivor was promoted: the victim's data may hold writes that nobody else has, and its role
          is a lie; it is emptied and follows the survivor.
        - Nobody was promoted: the victim still holds all there is; it is started as it was.

        Raises:
            WorldError: something did not happen in time; the record stays, so that a later run tries again.
        """
        victim, survivor = self.env.host(record.victim), self.env.host(record.survivor)
        databases = world.databases
        for host in (survivor, victim):
            self._switch_on(world, host)
        if record.promoted is None or databases.role(survivor) != PRIMARY:
            self._start_as_it_was(databases, victim, survivor, record)
        else:
            if databases.role(victim) != STANDBY:
                # Fenced first: until it is emptied, a returned primary must not take a single write.
                databases.fence(victim)
                databases.unfence(victim)
                databases.rejoin(victim, survivor)
            databases.unfence(victim)
        self.wait_until_following(world, within_s=FOLLOWS_WITHIN_S)

    def wait_until_following(self, world: World, *, within_s: float) -> None:
        """Wait until one database is the primary and the other follows within the lag limit.

        Raises:
            WorldError: not within the time; says what was seen at the end.
        """
        wait_until(
            world.clock,
            lambda: self.not_following(world.databases),
            what=f"one primary and a standby at most {self.env.database.lag_limit_ms} ms behind",
            within_s=within_s,
        )

    def not_following(self, databases: Databases) -> str | None:
        """Return None if there is one primary and a standby within the lag limit, else what is seen."""
        seen = {host.name: databases.read(host, within_ms=1000) for host in database_hosts(self.env)}
        roles = {name: reading.role if reading else DOWN for name, reading in seen.items()}
        if sorted(roles.values()) != [PRIMARY, STANDBY]:
            return ", ".join(f"{name} is {role}" for name, role in roles.items())
        lag_ms = lag_of({name: reading.scn for name, reading in seen.items() if reading}, roles)
        limit_ms = self.env.database.lag_limit_ms
        return None if lag_ms <= limit_ms else f"the standby is {lag_ms:.0f} ms behind"

    def _switch_on(self, world: World, host: Host) -> None:
        try:
            wait_until(
                world.clock,
                lambda: None if world.databases.is_reachable(host) else "no SSH",
                what=f"{host.name} to answer",
                within_s=REACHABLE_WITHIN_S,
            )
        except WorldError:
            world.power.on(host)

    def _start_as_it_was(
        self, databases: Databases, victim: Host, survivor: Host, record: HealRecord
    ) -> None:
        if record.promoted is not None and databases.role(survivor) in (DOWN, UNREACHABLE):
            raise WorldError(
                f"{survivor.name} may have been promoted and does not answer, so {victim.name} must not be"
                f" started; bring {survivor.name} up and run the heal again"
            )
        databases.unfence(victim)
        if databases.role(victim) == DOWN:
            databases.start(victim)


def database_hosts(env: Environment) -> tuple[Host, ...]:
    """Return the hosts of the pair."""
    return tuple(host for host in env.hosts if host.database_role is not None)


def lag_of(positions: dict[str, int], roles: dict[str, str]) -> float:
    """Return how far the standby is behind (milliseconds), from both END_SCNs; never less than nothing."""
    primary = next(scn for name, scn in positions.items() if roles[name] == PRIMARY)
    standby = next(scn for name, scn in positions.items() if roles[name] == STANDBY)
    return max(0.0, (primary - standby) / 1e6)
