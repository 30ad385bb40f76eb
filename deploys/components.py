"""The components: those of every host first, then from what clients reach down to what all stands on.

Firewall rules and targets are written in this order. In a deploy, `Stage` comes first, and this order within
a stage.
"""

from deploys import (
    alertmanager,
    baseline,
    certificate_ends,
    depot_client,
    etcd,
    failover,
    gateway,
    host_tools,
    load_generator,
    loan_services,
    mariadb,
    node_exporter,
    oceanbase,
    prometheus,
    sql_proxy,
    tongweb,
    virtual_addresses,
)

COMPONENTS = (
    baseline.COMPONENT,
    depot_client.COMPONENT,
    node_exporter.COMPONENT,
    host_tools.COMPONENT,
    load_generator.COMPONENT,
    loan_services.COMPONENT,
    sql_proxy.COMPONENT,
    tongweb.COMPONENT,
    gateway.COMPONENT,
    virtual_addresses.COMPONENT,
    oceanbase.COMPONENT,
    failover.COMPONENT,
    mariadb.COMPONENT,
    etcd.COMPONENT,
    certificate_ends.COMPONENT,
    alertmanager.COMPONENT,
    prometheus.COMPONENT,
)
