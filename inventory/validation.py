"""Consistency checks over a whole inventory: they report every problem at once, each with its remedy."""

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from inventory.alerting_checks import alerting_problems
from inventory.availability_checks import availability_problems
from inventory.ingress_checks import ingress_problems
from inventory.limits import limit_problems
from inventory.model import Arch, DatabaseRole, Environment, Host, Role
from inventory.problem import Problem
from inventory.purpose import ALLOWED, Purpose

LOG_DISK_PER_MEMORY = 3
"""A primary's log disk must hold three times the memory it may use, or a slow standby falls behind the
retained log (measured on seekdb 1.4; OceanBase's own deployer asks for the same factor)."""

ARTIFACTS_OF_ROLE = (
    (Role.OCEANBASE, "seekdb"),
    (Role.OCEANBASE, "failover-agent"),
    *((role, "host-tools") for role in (Role.OCEANBASE, Role.ETCD, Role.LOAN, Role.TONGWEB)),
    (Role.LOAN, "loan-services"),
    (Role.TONGWEB, "tongweb"),
    (Role.TONGWEB, "tongweb-license"),
    (Role.TONGWEB, "jdk"),
    (Role.TONGWEB, "channel-portal"),
    (Role.TONGWEB, "jdbc-driver"),
    (Role.LOADGEN, "load-generator"),
)
"""Artifacts that a host of a role needs."""

_CPUS = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")

JOURNEY_OPERATIONS = ("admission", "assessment", "grant", "drawdown", "repayment", "freeze", "unfreeze")
"""Writes that a journey may have weights for."""


class InventoryError(ValueError):
    """The values of an inventory do not fit together; `problems` holds all problems."""

    def __init__(self, environment: str, problems: tuple[Problem, ...]) -> None:
        self.environment = environment
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"inventory/{environment}.py has {count}:\n{lines}")


def check(environment: Environment) -> Environment:
    """Return `environment` unchanged if it has no problem.

    Raises:
        InventoryError: there are problems; names all of them.
    """
    problems = tuple(find_problems(environment))
    if problems:
        raise InventoryError(environment.name, problems)
    return environment


def find_problems(env: Environment) -> Iterator[Problem]:
    """Yield every problem of `env`, host by host and then over the whole."""
    for host in env.hosts:
        yield from _host_problems(env, host)
    yield from _duplicates(env)
    yield from _missing_roles(env)
    yield from _virtual_address_problems(env)
    yield from _database_problems(env)
    yield from _port_clashes(env)
    yield from _artifact_problems(env)
    yield from _journey_problems(env)
    yield from limit_problems(env)
    yield from availability_problems(env)
    yield from ingress_problems(env)
    yield from alerting_problems(env)
    yield from _purpose_problems(env)


def _purpose_problems(env: Environment) -> Iterator[Problem]:
    real = [host.name for host in env.hosts if not host.os.stand_in]
    if env.purpose is Purpose.LAB and real:
        allowed = f"rehearsal or production, for hosts that are no stand-ins, such as {real[0]}"
        yield Problem(where=env.name, field="purpose", value=env.purpose.value, allowed=allowed)
    too_much = sorted((env.allows or frozenset()) - ALLOWED[env.purpose])
    if too_much:
        most = ", ".join(sorted(ALLOWED[env.purpose]))
        allowed = f"{most}, in an environment for {env.purpose.value}"
        yield Problem(where=env.name, field="allows", value=", ".join(too_much), allowed=allowed)


def _host_problems(env: Environment, host: Host) -> Iterator[Problem]:
    for role in host.roles:
        if role not in tuple(Role):
            yield Problem(where=host.name, field="roles", value=role, allowed=", ".join(Role))
    if not host.roles:
        yield Problem(where=host.name, field="roles", value=(), allowed=f"at least one of {', '.join(Role)}")
    if host.arch not in tuple(Arch):
        yield Problem(where=host.name, field="arch", value=host.arch, allowed=", ".join(Arch))
    if host.processor is not None and host.arch != host.processor.arch:
        allowed = f"{host.processor.arch}: the host is said to be a {host.processor.name}"
        yield Problem(where=host.name, field="arch", value=host.arch, allowed=allowed)
    centres = {centre.name: centre for centre in env.centres}
    if host.centre not in centres:
        yield Problem(where=host.name, field="centre", value=host.centre, allowed=", ".join(centres))
    else:
        yield from _not_in_network(host, "address", host.address, centres[host.centre].segment)
    yield from _not_in_network(host, "management_address", host.management_address, env.management_network)
    if host.dmz_address is not None:
        yield from _not_in_network(host, "dmz_address", host.dmz_address, env.dmz_network)
    elif host.has(Role.GATEWAY):
        allowed = f"an address in {env.dmz_network}: clients reach gateways there"
        yield Problem(where=host.name, field="dmz_address", value=None, allowed=allowed)
    yield from _load_maker_problems(env, host)
    if host.tongweb_cpus is not None and not _CPUS.fullmatch(host.tongweb_cpus):
        allowed = "numbers and ranges, such as 0-31 or 0,2"
        yield Problem(where=host.name, field="tongweb_cpus", value=host.tongweb_cpus, allowed=allowed)
    if host.has(Role.OCEANBASE) and host.database_role not in tuple(DatabaseRole):
        allowed = ", ".join(DatabaseRole)
        yield Problem(where=host.name, field="database_role", value=host.database_role, allowed=allowed)
    if not host.has(Role.OCEANBASE) and host.database_role is not None:
        allowed = "None: only hosts of role oceanbase have one"
        yield Problem(where=host.name, field="database_role", value=host.database_role, allowed=allowed)


def _load_maker_problems(env: Environment, host: Host) -> Iterator[Problem]:
    if not host.has(Role.LOADGEN):
        return
    if host.dmz_address is None:
        allowed = f"an address in {env.dmz_network}: load comes from where clients stand"
        yield Problem(where=host.name, field="dmz_address", value=None, allowed=allowed)
    if len(host.roles) > 1:
        allowed = f"({Role.LOADGEN.value!r},) alone: what makes load must not take from what is measured"
        yield Problem(where=host.name, field="roles", value=host.roles, allowed=allowed)


def _not_in_network(host: Host, field: str, value: str, network: str) -> Iterator[Problem]:
    try:
        inside = ip_address(value) in ip_network(network)
    except ValueError:
        inside = False
    if not inside:
        yield Problem(where=host.name, field=field, value=value, allowed=f"an address in {network}")


def _duplicates(env: Environment) -> Iterator[Problem]:
    names = Counter(host.name for host in env.hosts)
    for name, count in names.items():
        if count > 1:
            yield Problem(where=name, field="name", value=name, allowed="a name that no other host has")
    seen: dict[str, str] = {}
    for host in env.hosts:
        for field in ("management_address", "address", "dmz_address"):
            address = getattr(host, field)
            if address is None:
                continue
            place = f"{host.name}.{field}"
            if address in seen:
                allowed = f"an address of its own; {seen[address]} has this one"
                yield Problem(where=host.name, field=field, value=address, allowed=allowed)
            seen.setdefault(address, place)


def _missing_roles(env: Environment) -> Iterator[Problem]:
    for role in (Role.GATEWAY, Role.TONGWEB, Role.LOAN, Role.OCEANBASE, Role.MONITOR):
        if not env.hosts_with(role):
            allowed = f"at least one host with role {role.value}"
            yield Problem(where=env.name, field="hosts", value=f"no {role.value}", allowed=allowed)


def _virtual_address_problems(env: Environment) -> Iterator[Problem]:
    own = {host.dmz_address for host in env.hosts}
    found = env.gateway.virtual_addresses
    for address in found:
        yield from _not_free_in_dmz(
            env, address, taken=own | {each for each in found if found.count(each) > 1}
        )
    gateways = len(env.hosts_with(Role.GATEWAY))
    if len(found) > gateways:
        allowed = f"at most one for each gateway ({gateways})"
        yield Problem(where=env.name, field="gateway.virtual_addresses", value=found, allowed=allowed)


def _not_free_in_dmz(env: Environment, address: str, *, taken: set[str | None]) -> Iterator[Problem]:
    try:
        inside = ip_address(address) in ip_network(env.dmz_network)
    except ValueError:
        inside = False
    if not inside or address in taken:
        allowed = f"an address in {env.dmz_network} that nothing else has"
        yield Problem(where=env.name, field="gateway.virtual_addresses", value=address, allowed=allowed)


def _database_problems(env: Environment) -> Iterator[Problem]:
    databases = env.hosts_with(Role.OCEANBASE)
    primaries = [h.name for h in databases if h.database_role == DatabaseRole.PRIMARY]
    standbys = [h.name for h in databases if h.database_role == DatabaseRole.STANDBY]
    if standbys and not primaries:
        allowed = "one host with PRIMARY for it to follow"
        for name in standbys:
            yield Problem(where=name, field="database_role", value="STANDBY", allowed=allowed)
    for name in primaries[1:]:
        allowed = f"STANDBY: {primaries[0]} is the primary already"
        yield Problem(where=name, field="database_role", value="PRIMARY", allowed=allowed)
    database = env.database
    least = LOG_DISK_PER_MEMORY * database.memory_mib
    if database.log_disk_size_mib < least:
        allowed = f">= {least} ({LOG_DISK_PER_MEMORY} x memory_mib), or a slow standby loses the log"
        yield Problem(
            where=env.name,
            field="database.log_disk_size_mib",
            value=database.log_disk_size_mib,
            allowed=allowed,
        )
    if database.datafile_maxsize_mib < database.datafile_size_mib:
        yield Problem(
            where=env.name,
            field="database.datafile_maxsize_mib",
            value=database.datafile_maxsize_mib,
            allowed=f">= datafile_size_mib ({database.datafile_size_mib})",
        )
    if not 0 < env.mariadb.buffer_pool_share <= 1:
        share = env.mariadb.buffer_pool_share
        yield Problem(
            where=env.name, field="mariadb.buffer_pool_share", value=share, allowed="above 0, at most 1"
        )
    for host in databases:
        if host.memory_mib < database.memory_mib:
            allowed = f">= database.memory_mib ({database.memory_mib})"
            yield Problem(where=host.name, field="memory_mib", value=host.memory_mib, allowed=allowed)


def listening_ports(env: Environment, host: Host) -> Iterator[tuple[str, int]]:
    """Yield (field, port) of each TCP port on which something listens on `host`, be it on loopback only."""
    yield "ssh.port", 22
    yield "monitoring.node_exporter_port", env.monitoring.node_exporter_port
    if host.has(Role.OCEANBASE):
        yield "database.sql_port", env.database.sql_port
        yield "database.rpc_port", env.database.rpc_port
        yield "failover.agent_port", env.failover.agent_port
        yield "mariadb.sql_port", env.mariadb.sql_port
    if host.has(Role.LOAN):
        yield "loan.port", env.loan.port
    if host.has(Role.TONGWEB):
        yield "tongweb.port", env.tongweb.port
        yield "tongweb.console_port", env.tongweb.console_port
        yield "tongweb.shutdown_port", env.tongweb.shutdown_port
        yield "tongweb.data_source.proxy_port", env.tongweb.data_source.proxy_port
    if host.has(Role.GATEWAY):
        yield "gateway.port", env.gateway.port
    if host.has(Role.MONITOR):
        yield "monitoring.prometheus_port", env.monitoring.prometheus_port
    if host.has(Role.ALERTMANAGER):
        yield "alerting.port", env.alerting.port
        yield "alerting.cluster_port", env.alerting.cluster_port
    if host.has(Role.ETCD):
        yield "etcd.client_port", env.etcd.client_port
        yield "etcd.peer_port", env.etcd.peer_port
        yield "etcd.metrics_port", env.etcd.metrics_port


def _port_clashes(env: Environment) -> Iterator[Problem]:
    for host in env.hosts:
        taken: dict[int, str] = {}
        for field, port in listening_ports(env, host):
            if not isinstance(port, int) or not 1 <= port <= 65535:
                yield Problem(where=host.name, field=field, value=port, allowed="1 to 65535")
            if port in taken:
                allowed = f"a port of its own; {taken[port]} has this one on the same host"
                yield Problem(where=host.name, field=field, value=port, allowed=allowed)
            taken.setdefault(port, field)


def _artifact_problems(env: Environment) -> Iterator[Problem]:
    not_filled_yet = env.depot.sums_file is not None and not env.artifacts
    if not_filled_yet:
        return
    known = {(artifact.name, artifact.arch) for artifact in env.artifacts}
    # The depot's own list has the hashes. An artifact or architecture that an earlier filling lacks
    # altogether is added by the next filling.
    is_listing = all(artifact.sha256 is not None for artifact in env.artifacts)
    for host in env.hosts:
        if host.arch not in tuple(Arch):
            # Already reported, with the existing architectures.
            continue
        for role, name in ARTIFACTS_OF_ROLE:
            if host.has(role) and (name, host.arch) not in known:
                has = ", ".join(sorted(arch for known_name, arch in known if known_name == name)) or "none"
                if is_listing and (has == "none" or host.arch not in {arch for _, arch in known}):
                    continue
                allowed = f"an architecture that artifact {name!r} exists for ({has})"
                yield Problem(where=host.name, field="arch", value=host.arch, allowed=allowed)


def _journey_problems(env: Environment) -> Iterator[Problem]:
    for operation, weight in env.journey.weights:
        if operation not in JOURNEY_OPERATIONS:
            allowed = ", ".join(JOURNEY_OPERATIONS)
            yield Problem(where=env.name, field="journey.weights", value=operation, allowed=allowed)
        if weight < 0:
            field = f"journey.weights[{operation}]"
            yield Problem(where=env.name, field=field, value=weight, allowed="0 or more")
    if not env.entities:
        yield Problem(where=env.name, field="entities", value=(), allowed="at least one legal entity")
