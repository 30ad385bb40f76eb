"""The SQL proxy of one host: where a program that knows one address finds the primary."""

from dataclasses import dataclass

from deploys.specs.failover import leaders_near
from inventory.model import Environment, Host

PROGRAM = "/usr/sbin/haproxy"


@dataclass(frozen=True, kw_only=True)
class SqlProxySpec:
    """What HAProxy does on one host."""

    port: int
    """On loopback alone."""
    agent_port: int
    """Where the failover agent beside each database says whether that database leads."""
    databases: tuple[tuple[str, str], ...]
    """(host, ip:port) of every database that may lead."""


def sql_proxy_spec(env: Environment, host: Host) -> SqlProxySpec:
    """Return the proxy of `host`: the database of its own centre first, as people read it."""
    return SqlProxySpec(
        port=env.tongweb.data_source.proxy_port,
        agent_port=env.failover.agent_port,
        databases=tuple((h.name, f"{h.address}:{env.database.sql_port}") for h in leaders_near(env, host)),
    )
