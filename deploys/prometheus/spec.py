"""Prometheus on one monitor."""

from dataclasses import dataclass

from inventory.model import Environment, Monitoring, Role

UNIT = "prometheus.service"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing to scrape."""

    job: str
    address: str
    """host:port"""
    host: str
    role: str
    centre: str
    path: str
    """Path of the metrics, equal for all targets of a job."""


@dataclass(frozen=True, kw_only=True)
class PrometheusSpec:
    """Prometheus on one monitor."""

    monitoring: Monitoring
    targets: tuple[Target, ...]
    rules: tuple[tuple[str, str], ...]
    """(component, template of its alerts)."""
    alertmanagers: tuple[str, ...]
    """host:port of all that bring alerts to people."""

    @property
    def rule_files(self) -> tuple[str, ...]:
        """The path of each component's alerts on the monitor."""
        return tuple(rule_file(component) for component, _ in self.rules)


def rule_file(component: str) -> str:
    """Return the path of the alerts of `component` on monitors."""
    return f"/etc/prometheus/loanstack-{component}.yml"


def prometheus_spec(
    env: Environment, *, targets: tuple[Target, ...], rules: tuple[tuple[str, str], ...]
) -> PrometheusSpec:
    """Return Prometheus, which is the same on every monitor.

    + targets: what the components have to scrape, on all hosts
    + rules: (component, template of its alerts) of all components that have alerts
    """
    return PrometheusSpec(
        monitoring=env.monitoring,
        targets=targets,
        rules=rules,
        alertmanagers=tuple(
            f"{host.address}:{env.alerting.port}" for host in env.hosts_with(Role.ALERTMANAGER)
        ),
    )
