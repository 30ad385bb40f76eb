"""Alertmanager on one host of the pair."""

from dataclasses import dataclass, field

from deploys import platform
from inventory.alerting import Alerting
from inventory.model import Environment, Host, Role
from inventory.secrets import Secrets

TOKEN = "/etc/loanstack/alert-webhook.token"  # noqa: S105 - a path
USER = "prometheus"


@dataclass(frozen=True, kw_only=True)
class AlertmanagerSpec:
    """Alertmanager on one host."""

    platform: platform.Platform
    alerting: Alerting
    address: str
    """Segment address of this host: the only one on which it listens."""
    peers: tuple[str, ...]
    """Segment addresses of the others."""
    webhook_token: str = field(repr=False)

    data_dir: str = "/var/lib/prometheus/alertmanager"
    """The package makes it."""
    user: str = USER

    @property
    def unit(self) -> str:
        """The packaged unit."""
        return self.platform.alertmanager_unit


def alertmanager_spec(env: Environment, host: Host, secrets: Secrets) -> AlertmanagerSpec:
    """Return the Alertmanager of `host`."""
    others = (other for other in env.hosts_with(Role.ALERTMANAGER) if other.name != host.name)
    return AlertmanagerSpec(
        platform=platform.of(host),
        alerting=env.alerting,
        address=host.address,
        peers=tuple(other.address for other in others),
        webhook_token=secrets.alert_webhook_token,
    )
