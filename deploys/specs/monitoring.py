"""Prometheus and its exporters."""

from dataclasses import dataclass

from deploys.specs import platform
from inventory.model import Environment, Host, Monitoring, Role

COLLECTORS = ("cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "stat", "uname", "vmstat")
"""Collectors that the dashboards need; each further one costs CPU on every host at every scrape."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing to scrape."""

    job: str
    address: str
    """host:port"""
    host: str
    role: str
    centre: str
    path: str = "/metrics"
    """Path of the metrics, equal for all targets of a job."""


@dataclass(frozen=True, kw_only=True)
class MonitoringSpec:
    """Monitoring on one host."""

    platform: platform.Platform
    monitoring: Monitoring
    exporter_listens: str
    targets: tuple[Target, ...]
    """Targets; empty on a host without Prometheus."""
    prometheus_unit: str = "prometheus.service"


def monitoring_spec(env: Environment, host: Host) -> MonitoringSpec:
    """Return the monitoring of `host`."""
    return MonitoringSpec(
        platform=platform.of(host),
        monitoring=env.monitoring,
        exporter_listens=f"{host.address}:{env.monitoring.node_exporter_port}",
        targets=targets(env) if host.has(Role.MONITOR) else (),
    )


def targets(env: Environment) -> tuple[Target, ...]:
    """Return all targets to scrape: each host's exporter, services, portals, agents, the store."""
    found = [
        Target(
            job="node",
            address=f"{host.address}:{env.monitoring.node_exporter_port}",
            host=host.name,
            role=host.roles[0],
            centre=host.centre,
        )
        for host in env.hosts
    ]
    found += [
        Target(
            job="loan",
            address=f"{host.address}:{env.loan.port}",
            host=host.name,
            role=Role.LOAN,
            centre=host.centre,
        )
        for host in env.hosts_with(Role.LOAN)
    ]
    found += [
        Target(
            job="portal",
            address=f"{host.address}:{env.tongweb.port}",
            path="/portal/metrics",
            host=host.name,
            role=Role.TONGWEB,
            centre=host.centre,
        )
        for host in env.hosts_with(Role.TONGWEB)
    ]
    found += [
        Target(
            job="failover",
            address=f"{host.address}:{env.failover.agent_port}",
            host=host.name,
            role=Role.OCEANBASE,
            centre=host.centre,
        )
        for host in env.hosts_with(Role.OCEANBASE)
    ]
    found += [
        Target(
            job="store",
            address=f"{host.address}:{env.store.metrics_port}",
            host=host.name,
            role=Role.ARBITER,
            centre=host.centre,
        )
        for host in env.hosts_with(Role.ARBITER)
    ]
    return tuple(found)
