"""The SQL proxy of one host, by which a program with one fixed address reaches the primary."""

from dataclasses import dataclass

from deploys.failover.spec import leaders_near
from inventory.model import Environment, Host

UNIT = "haproxy.service"
PROGRAM = "/usr/sbin/haproxy"


@dataclass(frozen=True, kw_only=True)
class SqlProxySpec:
    """HAProxy on one host."""

    port: int
    """Port, on loopback only."""
    agent_port: int
    """Port of the failover agent on each database host, which tells whether that database leads."""
    databases: tuple[tuple[str, str], ...]
    """(host, ip:port) of every database that may lead."""


def sql_proxy_spec(env: Environment, host: Host) -> SqlProxySpec:
    """Return the proxy of `host`; the database of its own centre is listed first, for readers."""
    return SqlProxySpec(
        port=env.tongweb.data_source.proxy_port,
        agent_port=env.failover.agent_port,
        databases=tuple((h.name, f"{h.address}:{env.database.sql_port}") for h in leaders_near(env, host)),
    )
