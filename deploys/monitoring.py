"""Monitoring: a node exporter on every host, Prometheus on hosts of role monitor."""

from pyinfra.api.deploy import deploy

from deploys.content import ConfigFile, render
from deploys.operations import files, health, services
from deploys.specs.monitoring import COLLECTORS, MonitoringSpec

CONFIG = "/etc/prometheus/prometheus.yml"
RULES = "/etc/prometheus/loanstack-rules.yml"
DATA = "/var/lib/prometheus/metrics2"
READY_DEADLINE_S = 30

_UNITS = "/etc/systemd/system"


def exporter_files(spec: MonitoringSpec) -> tuple[ConfigFile, ...]:
    """Return the files of every host."""
    return (
        ConfigFile(
            path=_override(spec.platform.node_exporter_unit),
            content=render(
                "monitoring/node-exporter-override.conf.j2",
                program=spec.platform.node_exporter_program,
                collectors=COLLECTORS,
                listens=spec.exporter_listens,
            ),
        ),
    )


def prometheus_files(spec: MonitoringSpec) -> tuple[ConfigFile, ...]:
    """Return the files of the monitor."""
    monitoring = spec.monitoring
    jobs = tuple(dict.fromkeys(target.job for target in spec.targets))
    return (
        ConfigFile(
            path=CONFIG,
            content=render(
                "monitoring/prometheus.yml.j2",
                monitoring=monitoring,
                rules=RULES,
                jobs=jobs,
                targets=spec.targets,
            ),
        ),
        ConfigFile(path=RULES, content=render("monitoring/rules.yml.j2")),
        ConfigFile(
            path=_override(spec.prometheus_unit),
            content=render(
                "monitoring/prometheus-override.conf.j2",
                config=CONFIG,
                data=DATA,
                retention=monitoring.retention,
                listens=f"0.0.0.0:{monitoring.prometheus_port}",
            ),
        ),
    )


def _override(unit: str) -> str:
    return f"{_UNITS}/{unit}.d/loanstack.conf"


@deploy("Node exporter")
def node_exporter(spec: MonitoringSpec) -> None:
    """Converge the exporter of one host.

    + spec: the monitoring of this host
    """
    unit = spec.platform.node_exporter_unit
    written = files.converge(name="Write the exporter's unit", files=exporter_files(spec))
    services.kept_running(
        name="Keep the node exporter running", unit=unit, restart_after=(_override(unit),), written=(written,)
    )


@deploy("Prometheus")
def prometheus(spec: MonitoringSpec) -> None:
    """Converge Prometheus on the monitor.

    + spec: the monitoring of this host
    """
    written = files.converge(name="Write targets and unit", files=prometheus_files(spec))
    services.kept_running(
        name="Keep Prometheus running",
        unit=spec.prometheus_unit,
        restart_after=(_override(spec.prometheus_unit),),
        reload_after=(CONFIG, RULES),
        check=f"promtool check config {CONFIG} >/dev/null",
        written=(written,),
    )
    health.answers(
        name="Wait for Prometheus to be ready",
        url=f"http://127.0.0.1:{spec.monitoring.prometheus_port}/-/ready",
        deadline_s=READY_DEADLINE_S,
        unit=spec.prometheus_unit,
    )
