"""Alertmanager: a pair that takes the alerts of every Prometheus, and brings each to people once."""

from pyinfra.api.deploy import deploy

from deploys.alertmanager.spec import TOKEN, AlertmanagerSpec, alertmanager_spec
from deploys.component import HostContext
from deploys.content import ConfigFile, render
from deploys.operations import files, health, services

CONFIG = "/etc/prometheus/alertmanager.yml"
READY_DEADLINE_S = 30


def spec_of(context: HostContext) -> AlertmanagerSpec:
    """Return the Alertmanager of the host of `context`."""
    return alertmanager_spec(context.env, context.host, context.secrets)


def override(spec: AlertmanagerSpec) -> str:
    """Return the path of the drop-in file for the packaged unit."""
    return f"/etc/systemd/system/{spec.unit}.d/loanstack.conf"


def files_of(spec: AlertmanagerSpec) -> tuple[ConfigFile, ...]:
    """Return routes and receivers, the drop-in file, and the token if alerts go to a webhook."""
    token = ConfigFile(
        path=TOKEN,
        content=f"{spec.webhook_token}\n",
        mode=0o400,
        user=spec.user,
        group=spec.user,
        secret=True,
    )
    return (
        ConfigFile(
            path=CONFIG,
            content=render("alertmanager/alertmanager.yml.j2", alerting=spec.alerting, token=TOKEN),
        ),
        ConfigFile(
            path=override(spec),
            content=render("alertmanager/alertmanager-override.conf.j2", spec=spec, config=CONFIG),
        ),
        *([token] if spec.alerting.webhook_url is not None else []),
    )


@deploy("Alertmanager")
def alertmanager(spec: AlertmanagerSpec) -> None:
    """Converge the Alertmanager of one host.

    + spec: its addresses, and where its alerts go
    """
    has_webhook = spec.alerting.webhook_url is not None
    written = files.converge(
        name="Write Alertmanager's routes, receivers and unit",
        files=files_of(spec),
        absent=() if has_webhook else (TOKEN,),
    )
    # The other of the pair notifies meanwhile; the token is read again for each notification.
    services.service_running(
        name="Keep Alertmanager running, one host after the other",
        unit=spec.unit,
        restart_after=(override(spec),),
        reload_after=(CONFIG,),
        check=f"amtool check-config {CONFIG} >/dev/null",
        written=(written,),
        _serial=True,
    )
    health.answers(
        name="Wait for Alertmanager to be ready",
        url=f"http://{spec.address}:{spec.alerting.port}/-/ready",
        deadline_s=READY_DEADLINE_S,
        unit=spec.unit,
    )
