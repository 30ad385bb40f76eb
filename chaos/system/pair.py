"""The pair of databases: its hosts and roles, and waiting until it is whole."""

from dataclasses import dataclass

from chaos.system.world import DOWN, PRIMARY, STANDBY, Databases, World, WorldError, wait_until
from inventory.model import Environment, Host, Role

FOLLOWS_WITHIN_S = 90.0
"""Time limit for copying the baseline and catching up, which takes a few seconds in the lab."""


@dataclass(frozen=True, kw_only=True)
class DrillTopology:
    """The hosts' roles when a drill began, from which the target of its fault follows.

    A drill hits roles, not hosts, so that a second run of it brings the roles back.
    """

    env: Environment
    primary: Host
    standby: Host

    @property
    def pair(self) -> tuple[Host, Host]:
        """Return the primary and the standby."""
        return self.primary, self.standby

    @property
    def etcd_member(self) -> Host:
        """Return etcd's member that is nearest to the primary, which the primary's agent asks first."""
        members = self.env.hosts_with(Role.ETCD)
        nearness = {host.name: (host != self.primary, host.centre != self.primary.centre) for host in members}
        return min(members, key=lambda host: nearness[host.name])

    @property
    def etcd_majority(self) -> tuple[Host, ...]:
        """Return a majority of the members, without the one that is nearest to the primary."""
        others = [host for host in self.env.hosts_with(Role.ETCD) if host != self.etcd_member]
        return tuple(others[: (len(others) + 1) // 2 + 1])

    @property
    def cut_off(self) -> str:
        """Return the name of the cut that separates the primary's centre from the others."""
        return f"centre-{self.primary.centre}"

    @property
    def one_way_partition(self) -> str:
        """Return the name of the cut that drops packets from the primary's centre to the standby's."""
        return f"{self.primary.centre}-to-{self.standby.centre}"


class NoPairError(WorldError):
    """There is not exactly one primary and one standby."""


def database_hosts(env: Environment) -> tuple[Host, ...]:
    """Return the hosts of the pair."""
    return tuple(host for host in env.hosts if host.database_role is not None)


def answers_ssh(databases: Databases, host: Host) -> bool:
    """Say whether a host answers SSH; tries twice, because one greeting may be slow."""
    return any(databases.is_reachable(host) for _ in range(2))


def find_topology(env: Environment, databases: Databases) -> DrillTopology:
    """Return the current roles of the hosts.

    Raises:
        NoPairError: there is not exactly one primary and one standby; names the roles found.
    """
    roles = {host.name: databases.role(host) for host in database_hosts(env)}
    if sorted(roles.values()) != [PRIMARY, STANDBY]:
        seen = ", ".join(f"{name} is {role}" for name, role in roles.items())
        raise NoPairError(f"wanted one primary and one standby; {seen}; deploy the environment")
    by_role = {role: env.host(name) for name, role in roles.items()}
    return DrillTopology(env=env, primary=by_role[PRIMARY], standby=by_role[STANDBY])


def wait_until_following(world: World, env: Environment, *, within_s: float = FOLLOWS_WITHIN_S) -> None:
    """Wait until one database is the primary and the other follows within the lag limit.

    Raises:
        WorldError: that did not happen in time; says what was seen last.
    """
    wait_until(
        world.clock,
        lambda: replication_unhealthy(env, world.databases),
        what=f"one primary and a standby at most {env.database.max_healthy_lag_ms} ms behind",
        within_s=within_s,
    )


def replication_unhealthy(env: Environment, databases: Databases) -> str | None:
    """Return None if there is one primary and a standby within the lag limit, else what is seen."""
    seen = {host.name: databases.read(host, within_ms=1000) for host in database_hosts(env)}
    roles = {name: reading.role if reading else DOWN for name, reading in seen.items()}
    if sorted(roles.values()) != [PRIMARY, STANDBY]:
        return ", ".join(f"{name} is {role}" for name, role in roles.items())
    lag_ms = lag_of({name: reading.scn for name, reading in seen.items() if reading}, roles)
    limit_ms = env.database.max_healthy_lag_ms
    return None if lag_ms <= limit_ms else f"the standby is {lag_ms:.0f} ms behind"


def lag_of(positions: dict[str, int], roles: dict[str, str]) -> float:
    """Return the standby's lag in milliseconds, from both END_SCNs; never below 0."""
    primary = next(scn for name, scn in positions.items() if roles[name] == PRIMARY)
    standby = next(scn for name, scn in positions.items() if roles[name] == STANDBY)
    return max(0.0, (primary - standby) / 1e6)
