"""Where alerts go: the pair of Alertmanagers, and whom they notify."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """The Alertmanagers of an environment."""

    port: int = 9093
    cluster_port: int = 9094
    """Port on which they tell each other what was notified, TCP and UDP."""
    webhook_url: str | None = None
    """Address that gets alerts as JSON, with the secret `alert_webhook_token` as bearer token; None: alerts
    are shown by the Alertmanagers, and reach nobody by themselves."""
    warning_wait_s: int = 30
    """Warnings that begin within this time come as one message; critical alerts do not wait."""
    group_interval_s: int = 300
    """News about a group of alerts that was already notified waits for this time, in seconds."""
    repeat_interval_s: int = 14_400
    """An alert that still fires is notified again after this time, in seconds."""
