"""Checks of an inventory's high availability: etcd, failover, fences, durability."""

import math
import re
from collections import Counter
from collections.abc import Iterator

from inventory.availability import WATCHDOG_LEAST_MS, Durability, Fence, FenceKind
from inventory.limits import limit_problems
from inventory.model import Environment, Host, Role
from inventory.problem import Problem
from inventory.purpose import Purpose

LOOPS_IN_A_LEASE = 5
"""A lease lasts at least this many loops of an agent, so that one slow loop costs no outage."""

_NEEDED = {
    FenceKind.LAB: ("address", "system", "user"),
    FenceKind.REDFISH: ("address", "system", "user"),
    FenceKind.IPMI: ("address", "user"),
    FenceKind.FENCE_AGENT: ("address", "user", "program", "package"),
}
_SPEAK_REDFISH = (FenceKind.LAB, FenceKind.REDFISH)
_FENCE_AGENT = re.compile(r"fence_[a-z0-9_]+")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
_OPTION = re.compile(r"[a-z0-9_-]+")
_OWN_OPTIONS = ("action", "ip", "ipaddr", "login", "option", "passwd", "password", "username")
"""Options of a fence agent that come from other fields, or from what is to be done, with their old names."""


def availability_problems(env: Environment) -> Iterator[Problem]:
    """Yield every problem of `env` with etcd, agents, fences and durability."""
    yield from _etcd_problems(env)
    for host in env.hosts:
        yield from _fence_problems(env, host)
    yield from _leader_problems(env)
    # Values are compared only if each alone is one; `inventory.limits` reports those that are none.
    if not any(problem.field.startswith("failover.") for problem in limit_problems(env)):
        yield from _timing_problems(env)
        yield from _durability_problems(env)


def _etcd_problems(env: Environment) -> Iterator[Problem]:
    members = env.hosts_with(Role.ETCD)
    if len(members) < 3 or len(members) % 2 == 0:
        allowed = "an odd number of hosts with role etcd, at least 3, so that a majority is defined"
        names = ", ".join(h.name for h in members) or "none"
        yield Problem(where=env.name, field="hosts with role etcd", value=names, allowed=allowed)
    for centre, count in Counter(h.centre for h in members).items():
        if count > len(members) // 2:
            allowed = "fewer: a centre that is lost must not take etcd's majority with it"
            yield Problem(where=env.name, field=f"etcd members in {centre}", value=count, allowed=allowed)
    if env.etcd.election_timeout_ms < 5 * env.etcd.heartbeat_interval_ms:
        yield Problem(
            where=env.name,
            field="etcd.election_timeout_ms",
            value=env.etcd.election_timeout_ms,
            allowed=f">= {5 * env.etcd.heartbeat_interval_ms} (5 x heartbeat_interval_ms, as etcd asks)",
        )


def _fence_problems(env: Environment, host: Host) -> Iterator[Problem]:
    if not host.has(Role.OCEANBASE):
        if host.fence is not None:
            allowed = "None: only hosts of role oceanbase are fenced"
            yield Problem(where=host.name, field="fence", value=host.fence.kind, allowed=allowed)
        return
    if host.fence is None:
        allowed = f"a Fence of kind {', '.join(FenceKind)}: a frozen host thaws writable"
        yield Problem(where=host.name, field="fence", value=None, allowed=allowed)
        return
    yield from _wrong_fence(host.name, host.fence)
    yield from _unsafe_fence(env, host.name, host.fence)


def _wrong_fence(where: str, fence: Fence) -> Iterator[Problem]:
    if fence.kind not in tuple(FenceKind):
        yield Problem(where=where, field="fence.kind", value=fence.kind, allowed=", ".join(FenceKind))
    elif fence.kind == FenceKind.NONE:
        if not fence.reason:
            allowed = "why a host without a fence device is accepted"
            yield Problem(where=where, field="fence.reason", value=fence.reason, allowed=allowed)
    else:
        for name in _NEEDED[FenceKind(fence.kind)]:
            if not getattr(fence, name):
                allowed = f"a value: a fence of kind {fence.kind} needs it"
                yield Problem(where=where, field=f"fence.{name}", value="", allowed=allowed)
        for name in ("address", "user"):
            value = getattr(fence, name)
            if not value.isprintable() or value != value.strip():
                allowed = "a text in one line, without blanks around it"
                yield Problem(where=where, field=f"fence.{name}", value=value, allowed=allowed)
        is_url = fence.address.startswith(("http://", "https://"))
        if fence.kind in _SPEAK_REDFISH and fence.address and not is_url:
            allowed = "a URL, such as https://bmc.example"
            yield Problem(where=where, field="fence.address", value=fence.address, allowed=allowed)
    yield from _wrong_fence_agent(where, fence)


def _wrong_fence_agent(where: str, fence: Fence) -> Iterator[Problem]:
    if fence.kind != FenceKind.FENCE_AGENT:
        for name in ("program", "package", "options"):
            if value := getattr(fence, name):
                allowed = f"nothing: only a fence of kind {FenceKind.FENCE_AGENT} has it"
                yield Problem(where=where, field=f"fence.{name}", value=value, allowed=allowed)
        return
    if fence.program and not _FENCE_AGENT.fullmatch(fence.program):
        allowed = "a name such as fence_ilo5_ssh, found in /usr/sbin: small letters, digits and _"
        yield Problem(where=where, field="fence.program", value=fence.program, allowed=allowed)
    if fence.package and not _PACKAGE.fullmatch(fence.package):
        allowed = "the name of an RPM, such as fence-agents-ilo-ssh"
        yield Problem(where=where, field="fence.package", value=fence.package, allowed=allowed)
    for option in fence.options:
        name, is_given, value = option.partition("=")
        if name in _OWN_OPTIONS or not (is_given and _OPTION.fullmatch(name) and value.isprintable()):
            allowed = f"name=value in one line, and none of {', '.join(_OWN_OPTIONS)}"
            yield Problem(where=where, field="fence.options", value=option, allowed=allowed)


def _unsafe_fence(env: Environment, where: str, fence: Fence) -> Iterator[Problem]:
    """Yield what would show the device's password, or leave the device unchecked."""
    speaks_redfish = fence.kind in _SPEAK_REDFISH
    if speaks_redfish and fence.address.startswith("http://") and env.purpose is not Purpose.LAB:
        allowed = "an https URL: over http the password of the device can be read on its way"
        yield Problem(where=where, field="fence.address", value=fence.address, allowed=allowed)
    is_checked = speaks_redfish and fence.address.startswith("https://")
    if is_checked and fence.ca_file is None:
        allowed = "the file of the authority that signed the device's certificate: hosts know no authority"
        yield Problem(where=where, field="fence.ca_file", value=None, allowed=allowed)
    if not is_checked and fence.ca_file is not None:
        allowed = "None: only a device with an https URL has a certificate"
        yield Problem(where=where, field="fence.ca_file", value=str(fence.ca_file), allowed=allowed)


def _leader_problems(env: Environment) -> Iterator[Problem]:
    for host in env.hosts:
        if host.database_role == "PRIMARY" and not host.candidate:
            allowed = "True: the first primary leads"
            yield Problem(where=host.name, field="candidate", value=False, allowed=allowed)


def _timing_problems(env: Environment) -> Iterator[Problem]:
    failover = env.failover
    ttl_ms = failover.lease_ttl_s * 1000
    least_ms = failover.safety_margin_ms + max(
        LOOPS_IN_A_LEASE * failover.loop_interval_ms,
        failover.calm_interval_ms + 2 * failover.etcd_timeout_ms,
        failover.loop_interval_ms + WATCHDOG_LEAST_MS,
    )
    if ttl_ms < least_ms:
        allowed = (
            f">= {least_ms / 1000:g} (safety_margin_ms + {LOOPS_IN_A_LEASE} x loop_interval_ms,"
            " calm_interval_ms with room for two calls of etcd_timeout_ms, and loop_interval_ms with"
            f" {WATCHDOG_LEAST_MS} ms for the watchdog): a shorter lease ends before the loop can renew it,"
            " or before a hung agent is killed"
        )
        yield Problem(
            where=env.name, field="failover.lease_ttl_s", value=failover.lease_ttl_s, allowed=allowed
        )
    least_ms = math.ceil((failover.loop_interval_ms + WATCHDOG_LEAST_MS) / 2)
    if failover.safety_margin_ms < least_ms:
        yield Problem(
            where=env.name,
            field="failover.safety_margin_ms",
            value=failover.safety_margin_ms,
            allowed=f">= {least_ms} (half of loop_interval_ms + {WATCHDOG_LEAST_MS} ms for the watchdog): an"
            " agent that hangs just before it would fence its database is killed too late otherwise",
        )
    if failover.calm_interval_ms < failover.loop_interval_ms:
        yield Problem(
            where=env.name,
            field="failover.calm_interval_ms",
            value=failover.calm_interval_ms,
            allowed=f">= {failover.loop_interval_ms} (loop_interval_ms): calm is no more often than busy",
        )
    least_ms = failover.calm_interval_ms + 3 * failover.loop_interval_ms
    if failover.peer_silent_ms < least_ms:
        yield Problem(
            where=env.name,
            field="failover.peer_silent_ms",
            value=failover.peer_silent_ms,
            allowed=f">= {least_ms} (calm_interval_ms + 3 x loop_interval_ms): one slow look is no death",
        )
    if failover.max_failover_lag_ms < env.database.max_healthy_lag_ms:
        yield Problem(
            where=env.name,
            field="failover.max_failover_lag_ms",
            value=failover.max_failover_lag_ms,
            allowed=f">= {env.database.max_healthy_lag_ms} (database.max_healthy_lag_ms),"
            " or nobody may ever lead",
        )


def _durability_problems(env: Environment) -> Iterator[Problem]:
    failover = env.failover
    if failover.durability not in tuple(Durability):
        yield Problem(
            where=env.name,
            field="failover.durability",
            value=failover.durability,
            allowed=", ".join(Durability),
        )
    least_s = failover.peer_silent_ms / 1000
    if failover.degrade_after_s is not None and failover.degrade_after_s < least_s:
        allowed = f"None, or >= {least_s:g} (peer_silent_ms): a standby is not known to be gone before that"
        yield Problem(
            where=env.name, field="failover.degrade_after_s", value=failover.degrade_after_s, allowed=allowed
        )
