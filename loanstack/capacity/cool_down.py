"""Waits between two probes until the last one has no effect any more: no lag, no request under way."""

from collections.abc import Callable, Sequence

from chaos.engine.live import WallClock
from chaos.system.databases import SshDatabases
from chaos.system.pair import database_hosts, replication_unhealthy
from chaos.system.shells import Shells
from chaos.system.sql_session import MARIADB, SqlSession
from chaos.system.world import DOWN, PRIMARY, STANDBY, Clock, wait_until
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Role
from processes import ssh

COOL_DOWN_WITHIN_S = 120.0
CALM_FOR_S = 2.0
_EVERY_S = 0.5
_WITHIN_S = 5.0
_IN_FLIGHT_CALM = 2.0
"""Requests under way in an idle service: our own query is one, a health check of the gateway another."""


def cool_down(env: Environment, database: DatabaseKind = DatabaseKind.OCEANBASE) -> None:
    """Wait until the lag has been within its limit and the services' queues empty for `CALM_FOR_S`.

    Raises:
        WorldError: that did not happen in time; says what was seen last.
    """
    if database is DatabaseKind.MARIADB:
        sessions = [SqlSession(env, host, MARIADB) for host in database_hosts(env)]
        try:
            wait_until_calm(lambda: not_level(sessions) or queued(env), WallClock())
        finally:
            for session in sessions:
                session.close()
        return
    shells = Shells(env)
    databases = SshDatabases(env, shells)
    try:
        databases.open(database_hosts(env))
        wait_until_calm(lambda: replication_unhealthy(env, databases) or queued(env), WallClock())
    finally:
        databases.close()
        shells.close()


def not_level(sessions: Sequence[SqlSession]) -> str | None:
    """Return None if MariaDB's replica has every transaction of its primary, else what is missing."""
    seen = {session.host.name: session.read(1.0) for session in sessions}
    roles = sorted(reading.role for reading in seen.values() if reading is not None)
    if roles != [PRIMARY, STANDBY]:
        return ", ".join(f"{name} is {reading.role if reading else DOWN}" for name, reading in seen.items())
    positions = [reading.scn for reading in seen.values() if reading is not None]
    apart = max(positions) - min(positions)
    return f"the replica is {apart} transactions behind" if apart else None


def wait_until_calm(disturbed: Callable[[], str | None], clock: Clock) -> None:
    """Wait until `disturbed` has returned None for `CALM_FOR_S`; raises WorldError as `cool_down` does."""
    calm_since_s: float | None = None

    def restless() -> str | None:
        nonlocal calm_since_s
        why = disturbed()
        if why is not None:
            calm_since_s = None
            return why
        calm_since_s = clock.now_s() if calm_since_s is None else calm_since_s
        calm_s = clock.now_s() - calm_since_s
        return None if calm_s >= CALM_FOR_S else f"calm since {calm_s:.1f} s"

    wait_until(
        clock,
        restless,
        what="the standby to follow and the services' queues to empty",
        within_s=COOL_DOWN_WITHIN_S,
        every_s=_EVERY_S,
    )


def queued(env: Environment) -> str | None:
    """Return a sentence about requests that are still in the services, or None."""
    for host in env.hosts_with(Role.LOAN):
        command = f"curl --silent --fail --max-time 3 http://{host.address}:{env.loan.port}/metrics"
        done = ssh.run(env, host, command, within_s=_WITHIN_S)
        if done is None:
            return f"{host.name} does not answer"
        why = waiting_in(done.stdout)
        if why is not None:
            return f"{host.name}: {why}"
    return None


def waiting_in(page: str) -> str | None:
    """Return a sentence about requests in progress from a page of the services' metrics, or None."""
    gauges = dict(
        line.split(" ", 1) for line in page.splitlines() if line.startswith("loan_") and " " in line
    )
    try:
        in_flight = float(gauges["loan_requests_in_flight"])
        waiting = float(gauges["loan_pool_waiting"])
    except (KeyError, ValueError):
        return "no metrics"
    if in_flight > _IN_FLIGHT_CALM or waiting > 0:
        return f"{in_flight:.0f} requests are under way, {waiting:.0f} wait for a connection"
    return None
