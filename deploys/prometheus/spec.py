"""Prometheus on one monitor."""

from dataclasses import dataclass

from inventory.model import Environment, Monitoring

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


def prometheus_spec(env: Environment, *, targets: tuple[Target, ...]) -> PrometheusSpec:
    """Return Prometheus, which is the same on every monitor.

    + targets: what the components have to scrape, on all hosts
    """
    return PrometheusSpec(monitoring=env.monitoring, targets=targets)
