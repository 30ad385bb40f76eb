"""The failover agent: bundle with its own runtime, settings, unit and command."""

from dataclasses import asdict

from pyinfra.api.deploy import deploy

from deploys.certificates import utc_now
from deploys.component import HostContext
from deploys.content import AUTHORITY, ConfigFile, json_text, render
from deploys.facts.artifacts import HASH_FILE
from deploys.failover import operations
from deploys.failover.spec import (
    CONFIG,
    FailoverSpec,
    failover_spec,
    fence_authority,
    other_databases,
)
from deploys.operations import artifacts, files
from deploys.trust import authority
from inventory.model import Host

COMMAND = "/usr/local/sbin/loanstack-failover"


def spec_of(context: HostContext) -> FailoverSpec:
    """Return the failover agent of the host of `context`, with the authorities of the fence devices."""
    env, host = context.env, context.host
    return failover_spec(
        env,
        host,
        context.secrets,
        fence_authorities={
            peer.name: authority(peer.fence.ca_file, of=f"{peer.name}: fence.ca_file", now=utc_now())
            for peer in other_databases(env, host)
            if peer.fence is not None and peer.fence.ca_file is not None
        },
    )


def files_of(spec: FailoverSpec) -> tuple[ConfigFile, ...]:
    """Return settings, unit, command and the authorities of the fence devices."""
    return (
        ConfigFile(
            path=CONFIG,
            content=json_text(settings(spec)),
            mode=0o600,
            secret=True,
        ),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.unit}",
            content=render(
                "failover/loanstack-failover.service.j2",
                folder=spec.folder,
                config=CONFIG,
                tool=spec.database_tool,
                watchdog_s=spec.failover.watchdog_s,
            ),
        ),
        ConfigFile(
            path=COMMAND,
            content=render("failover/loanstack-failover.j2", folder=spec.folder),
            mode=0o755,
        ),
        *(
            ConfigFile(path=fence_authority(peer), content=certificate)
            for peer, certificate in spec.fence_authorities.items()
        ),
    )


def settings(spec: FailoverSpec) -> dict[str, object]:
    """Return the content of the agent's settings file; its reader refuses unknown fields."""
    failover = spec.failover
    return {
        "environment": spec.environment,
        "me": spec.host.name,
        "address": spec.host.address,
        "sql_port": spec.sql_port,
        "candidate": spec.host.candidate,
        "store": {
            "endpoints": list(spec.etcd_endpoints),
            "user": spec.etcd_user,
            "password": spec.etcd_password,
            "ca_file": AUTHORITY,
        },
        "agent": {
            "port": failover.agent_port,
            "token": spec.agent_token,
            "reading_key": spec.agent_reading_key,
        },
        "peers": [_peer(spec, host) for host in spec.peers],
        "database": {"tool": spec.database_tool, "unit": spec.database_unit},
        "timing": {
            "lease_ttl_ms": _ms(failover.lease_ttl_s),
            "loop_interval_ms": failover.loop_interval_ms,
            "calm_interval_ms": failover.calm_interval_ms,
            "store_timeout_ms": failover.etcd_timeout_ms,
            "safety_margin_ms": failover.safety_margin_ms,
            "database_silent_ms": failover.database_silent_ms,
            "peer_silent_ms": failover.peer_silent_ms,
            "max_failover_lag_ms": failover.max_failover_lag_ms,
            "failover_cooldown_ms": _ms(failover.failover_cooldown_s),
            "rejoin_interval_ms": _ms(failover.rejoin_interval_s),
        },
        "durability": {
            "mode": failover.durability,
            "timeout_ms": failover.durability_timeout_ms,
            "degrade_after_ms": None if failover.degrade_after_s is None else _ms(failover.degrade_after_s),
        },
    }


def _peer(spec: FailoverSpec, host: Host) -> dict[str, object]:
    assert host.fence is not None, "the inventory's validation asks for it"
    fence = asdict(host.fence) | {
        "password": spec.fence_passwords.get(host.name, ""),
        "ca_file": fence_authority(host.name) if host.name in spec.fence_authorities else "",
        "options": list(host.fence.options),
    }
    del fence["package"]  # it is installed, and the agent needs no word of it
    return {"host": host.name, "address": host.address, "candidate": host.candidate, "fence": fence}


def _authorities_of_none(spec: FailoverSpec) -> tuple[str, ...]:
    return tuple(fence_authority(p.name) for p in spec.peers if p.name not in spec.fence_authorities)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


@deploy("Failover agent")
def failover(spec: FailoverSpec) -> None:
    """Converge the agent of one database host.

    Replacing an agent takes its database down for a moment. So the agents of standbys are replaced first.
    Then the primary is handed over by a planned switchover, which loses no request, and its agent is
    replaced last.

    + spec: artifact, peers and settings of this host
    """
    unpacked = artifacts.bundle_installed("Install the failover agent", spec.artifact, spec.folder)
    written = files.converge(
        name="Write the agent's settings, unit and command",
        files=files_of(spec),
        absent=_authorities_of_none(spec),
    )
    restart_after = (
        AUTHORITY,
        CONFIG,
        f"/etc/systemd/system/{spec.unit}",
        f"{spec.folder}/current/{HASH_FILE}",
    )
    for while_primary, where in ((False, "beside a standby"), (True, "beside the primary")):
        operations.agent_running(
            name=f"Keep the failover agent running {where}",
            unit=spec.unit,
            command=COMMAND,
            restart_after=restart_after,
            while_primary=while_primary,
            has_peers=bool(spec.peers),
            max_healthy_lag_ms=spec.max_healthy_lag_ms,
            written=(unpacked, written),
            _serial=True,
        )
