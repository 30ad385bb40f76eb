"""Differences between Kylin and its stand-in: names of packages, units and folders."""

from dataclasses import dataclass

from inventory.model import Host


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Names on one kind of operating system."""

    ssh_unit: str
    chrony_unit: str
    chrony_config: str
    chrony_user: str
    node_exporter_unit: str
    node_exporter_program: str
    node_exporter_user: str
    nginx_user: str
    sql_client_package: str
    mariadb_package: str
    node_exporter_package: str
    etcd_packages: tuple[str, ...]
    alertmanager_package: str
    alertmanager_unit: str
    alertmanager_program: str
    prometheus_package: str = "prometheus"


KYLIN = Platform(
    ssh_unit="sshd.service",
    chrony_unit="chronyd.service",
    chrony_config="/etc/chrony.conf",
    chrony_user="chrony",
    node_exporter_unit="node_exporter.service",
    node_exporter_program="/usr/bin/node_exporter",
    node_exporter_user="node_exporter",
    nginx_user="nginx",
    sql_client_package="mariadb",
    mariadb_package="mariadb-server",
    node_exporter_package="node_exporter",
    etcd_packages=("etcd",),
    alertmanager_package="alertmanager",
    alertmanager_unit="alertmanager.service",
    alertmanager_program="/usr/bin/alertmanager",
)
"""Kylin V10, with the additional packages of a bank's depot."""

STAND_IN = Platform(
    ssh_unit="ssh.service",
    chrony_unit="chrony.service",
    chrony_config="/etc/chrony/chrony.conf",
    chrony_user="_chrony",
    node_exporter_unit="prometheus-node-exporter.service",
    node_exporter_program="/usr/bin/prometheus-node-exporter",
    node_exporter_user="prometheus",
    nginx_user="nginx",
    sql_client_package="mariadb-client-core",
    mariadb_package="mariadb-server-core",
    node_exporter_package="prometheus-node-exporter",
    etcd_packages=("etcd-server", "etcd-client"),
    alertmanager_package="prometheus-alertmanager",
    alertmanager_unit="prometheus-alertmanager.service",
    alertmanager_program="/usr/bin/prometheus-alertmanager",
)
"""The lab's Debian userland, whose packages keep Debian's names."""


def of(host: Host) -> Platform:
    """Return the names for `host`."""
    return KYLIN if host.os.stand_in is None else STAND_IN
