"""Prometheus: scrapes what every component has to scrape, and keeps the figures and the alerts."""

from pyinfra.api.deploy import deploy

from deploys import derived
from deploys.component import HostContext
from deploys.content import ConfigFile, render
from deploys.operations import files, health, services
from deploys.prometheus.spec import UNIT, PrometheusSpec, prometheus_spec

CONFIG = "/etc/prometheus/prometheus.yml"
OVERRIDE = f"/etc/systemd/system/{UNIT}.d/loanstack.conf"
DATA = "/var/lib/prometheus/metrics2"
READY_DEADLINE_S = 30


def spec_of(context: HostContext) -> PrometheusSpec:
    """Return Prometheus, with the targets of the environment of `context`."""
    return prometheus_spec(context.env, targets=derived.targets(context.env), rules=derived.rules())


def files_of(spec: PrometheusSpec) -> tuple[ConfigFile, ...]:
    """Return configuration, alerts and the drop-in file for the packaged unit."""
    monitoring = spec.monitoring
    jobs = tuple(dict.fromkeys(target.job for target in spec.targets))
    return (
        ConfigFile(
            path=CONFIG,
            content=render(
                "prometheus/prometheus.yml.j2",
                monitoring=monitoring,
                rules=spec.rule_files,
                alertmanagers=spec.alertmanagers,
                jobs=jobs,
                targets=spec.targets,
            ),
        ),
        *(
            ConfigFile(path=path, content=render(template))
            for path, (_, template) in zip(spec.rule_files, spec.rules, strict=True)
        ),
        ConfigFile(
            path=OVERRIDE,
            content=render(
                "prometheus/prometheus-override.conf.j2",
                config=CONFIG,
                data=DATA,
                retention=monitoring.retention,
                listens=f"0.0.0.0:{monitoring.prometheus_port}",
            ),
        ),
    )


@deploy("Prometheus")
def prometheus(spec: PrometheusSpec) -> None:
    """Converge Prometheus on the monitor.

    + spec: its port, and the targets
    """
    written = files.converge(name="Write targets and unit", files=files_of(spec))
    services.service_running(
        name="Keep Prometheus running",
        unit=UNIT,
        restart_after=(OVERRIDE,),
        reload_after=(CONFIG, *spec.rule_files),
        check=f"promtool check config {CONFIG} >/dev/null",
        written=(written,),
    )
    health.answers(
        name="Wait for Prometheus to be ready",
        url=f"http://127.0.0.1:{spec.monitoring.prometheus_port}/-/ready",
        deadline_s=READY_DEADLINE_S,
        unit=UNIT,
    )
