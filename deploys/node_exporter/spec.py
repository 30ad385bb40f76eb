"""The node exporter of one host."""

from dataclasses import dataclass

from deploys import platform
from inventory.model import Environment, Host

COLLECTORS = ("cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "stat", "uname", "vmstat")
"""Collectors that the dashboards need; each further one costs CPU on every host at every scrape."""

TEXTFILES = "/var/lib/loanstack-metrics"
"""Folder in which other components leave figures for it (textfile collector)."""


@dataclass(frozen=True, kw_only=True)
class NodeExporterSpec:
    """The node exporter of one host."""

    platform: platform.Platform
    listens: str
    """ip:port"""

    @property
    def unit(self) -> str:
        """The packaged unit."""
        return self.platform.node_exporter_unit


def node_exporter_spec(env: Environment, host: Host) -> NodeExporterSpec:
    """Return the node exporter of `host`."""
    return NodeExporterSpec(
        platform=platform.of(host), listens=f"{host.address}:{env.monitoring.node_exporter_port}"
    )
