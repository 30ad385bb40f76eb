"""The connections that a host accepts, by its roles. Everything else is dropped."""

from dataclasses import dataclass

from inventory.model import Environment, Host, Role
from inventory.peer import DatabaseKind

NTP_PORT = 123
SSH_PORT = 22


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One permission: these sources may reach this port."""

    why: str
    """Purpose; becomes the comment of the rule."""
    protocol: str
    """`tcp`, `udp` or `vrrp`."""
    port: int | None
    """Port; None for a protocol without ports."""
    sources: tuple[str, ...]
    """Addresses or networks."""


def openings(
    env: Environment, host: Host, *, serving: DatabaseKind = DatabaseKind.OCEANBASE
) -> tuple[Opening, ...]:
    """Return the openings of the firewall of `host`, SSH first; MariaDB's port only while MariaDB serves.

    Hosts reach each other through their centre's segment, so sources are segment addresses; the management
    network serves SSH and the operator's view of Prometheus.
    """
    found = [_tcp("ssh from the management network", SSH_PORT, (env.management_network,))]
    databases = _addresses(env, Role.OCEANBASE, besides=host)
    if host.has(Role.OCEANBASE):
        users = (*_addresses(env, Role.LOAN, besides=None), *databases)
        found.append(_tcp("sql for loan services and the other database", env.database.sql_port, users))
        proxies = _addresses(env, Role.TONGWEB, besides=host)
        found.append(_tcp("sql for tongweb's data sources", env.database.sql_port, proxies))
        found.append(_tcp("log shipping to the other database", env.database.rpc_port, databases))
        found += _agent_openings(env, host)
        if serving is DatabaseKind.MARIADB:
            found.append(_tcp("sql for loan services and the replica", env.peer.sql_port, users))
    if host.has(Role.ARBITER):
        found += _store_openings(env, host)
    if host.has(Role.LOAN):
        portals = _addresses(env, Role.TONGWEB, besides=host)
        found.append(_tcp("loan services for portals", env.loan.port, portals))
        monitors = _addresses(env, Role.MONITOR, besides=host)
        found.append(_tcp("loan services' metrics for monitors", env.loan.port, monitors))
    if host.has(Role.TONGWEB):
        gateways = _addresses(env, Role.GATEWAY, besides=host)
        monitors = _addresses(env, Role.MONITOR, besides=host)
        found.append(_tcp("portal for gateways", env.tongweb.port, gateways))
        found.append(_tcp("portal's metrics for monitors", env.tongweb.port, monitors))
        console = env.tongweb.console_port
        found.append(_tcp("tongweb's console for operators", console, (env.management_network,)))
    if host.has(Role.GATEWAY):
        found.append(_tcp("clients from the DMZ", env.gateway.port, (env.dmz_network,)))
        if env.gateway.virtual_addresses:
            pair = env.hosts_with(Role.GATEWAY)
            peers = tuple(str(h.dmz_address) for h in pair if h.name != host.name)
            found.append(
                Opening(why="who has the virtual addresses", protocol="vrrp", port=None, sources=peers)
            )
    if host.has(Role.MONITOR):
        port = env.monitoring.prometheus_port
        found.append(_tcp("prometheus for operators", port, (env.management_network,)))
        others = tuple(h.address for h in env.hosts if h.name != host.name)
        found.append(Opening(why="time for all hosts", protocol="udp", port=NTP_PORT, sources=others))
    exporter = env.monitoring.node_exporter_port
    monitors = _addresses(env, Role.MONITOR, besides=host)
    found.append(_tcp("node exporter for monitors", exporter, monitors))
    return tuple(opening for opening in found if opening.sources)


def _agent_openings(env: Environment, host: Host) -> tuple[Opening, ...]:
    port = env.failover.agent_port
    monitors = _addresses(env, Role.MONITOR, besides=host)
    return (
        _tcp("who leads, for loan services", port, _addresses(env, Role.LOAN, besides=host)),
        _tcp("who leads, for sql proxies", port, _addresses(env, Role.TONGWEB, besides=host)),
        _tcp("failover agents among themselves", port, _addresses(env, Role.OCEANBASE, besides=host)),
        _tcp("failover agent's metrics for monitors", port, monitors),
    )


def _store_openings(env: Environment, host: Host) -> tuple[Opening, ...]:
    databases = _addresses(env, Role.OCEANBASE, besides=host)
    members = _addresses(env, Role.ARBITER, besides=host)
    monitors = _addresses(env, Role.MONITOR, besides=host)
    return (
        _tcp("store for failover agents", env.store.client_port, databases),
        _tcp("store's members among themselves", env.store.peer_port, members),
        _tcp("store's metrics for monitors", env.store.metrics_port, monitors),
    )


def _tcp(why: str, port: int, sources: tuple[str, ...]) -> Opening:
    return Opening(why=why, protocol="tcp", port=port, sources=sources)


def _addresses(env: Environment, role: Role, *, besides: Host | None) -> tuple[str, ...]:
    return tuple(h.address for h in env.hosts_with(role) if besides is None or h.name != besides.name)
