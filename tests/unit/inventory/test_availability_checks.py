"""What an inventory may say about etcd, agents, fences and durability."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inventory import environment
from inventory.availability import Fence
from inventory.availability_checks import availability_problems
from inventory.limits import limit_problems
from inventory.model import Environment, Role
from inventory.purpose import Purpose

LAB = environment("lab")
CA = Path("/etc/loanstack/mybank/fence-ca.pem")
_KINDS = "lab, redfish, ipmi, fence_agent, none"


def with_host(target: str, **changes: Any) -> Environment:
    return replace(LAB, hosts=tuple(replace(h, **changes) if h.name == target else h for h in LAB.hosts))


def redfish(address: str, ca_file: Path | None = None) -> Fence:
    return Fence(kind="redfish", address=address, system="1", user="x", ca_file=ca_file)


def fence_agent(
    *, program: str = "fence_apc", package: str = "fence-agents-apc", options: tuple[str, ...] = ()
) -> Fence:
    return Fence(
        kind="fence_agent",
        address="pdu.example",
        user="x",
        program=program,
        package=package,
        options=options,
    )


def with_failover(**changes: Any) -> Environment:
    return replace(LAB, failover=replace(LAB.failover, **changes))


def test_a_fence_agent_with_its_options_is_sound() -> None:
    fence = fence_agent(options=("plug=3", "snmp-version=3", "identity_file=/root/.ssh/pdu key"))
    assert list(availability_problems(with_host("ob-a", fence=fence))) == []


@pytest.mark.parametrize("name", ["lab", "qinghai"])
def test_the_shipped_environments_are_sound(name: str) -> None:
    found = environment(name)
    assert list(availability_problems(found)) == []
    assert hash(found) == hash(replace(found)), "programs keep what they computed from an environment"


@pytest.mark.parametrize(
    ("broken", "where", "field", "allowed"),
    [
        (with_host("mon-c", roles=(Role.MONITOR,)), "lab", "hosts with role etcd", "an odd number"),
        (
            with_host("ob-b", centre="a"),
            "lab",
            "etcd members in a",
            "must not take etcd's majority",
        ),
        (with_host("ob-a", fence=None), "ob-a", "fence", _KINDS),
        (
            with_host("ob-a", fence=Fence(kind="pdu")),
            "ob-a",
            "fence.kind",
            _KINDS,
        ),
        (with_host("ob-a", fence=Fence(kind="none")), "ob-a", "fence.reason", "why a host without"),
        (with_host("ob-a", fence=Fence(kind="ipmi", user="x")), "ob-a", "fence.address", "needs it"),
        (
            with_host("ob-a", fence=Fence(kind="redfish", address="bmc", system="1", user="x")),
            "ob-a",
            "fence.address",
            "a URL",
        ),
        (replace(LAB, purpose=Purpose.REHEARSAL), "ob-a", "fence.address", "an https URL"),
        (with_host("ob-a", fence=redfish("https://bmc")), "ob-a", "fence.ca_file", "hosts know no authority"),
        (with_host("ob-a", fence=redfish("http://bmc", CA)), "ob-a", "fence.ca_file", "None: only"),
        (
            with_host("ob-a", fence=Fence(kind="ipmi", address="198.18.9.9", user="x", ca_file=CA)),
            "ob-a",
            "fence.ca_file",
            "None: only",
        ),
        (
            with_host("ob-a", fence=replace(fence_agent(), user="x\naction=on")),
            "ob-a",
            "fence.user",
            "in one line",
        ),
        (
            with_host("ob-a", fence=replace(fence_agent(), address="pdu ")),
            "ob-a",
            "fence.address",
            "blanks around",
        ),
        (with_host("ob-a", fence=fence_agent(package="")), "ob-a", "fence.package", "fence_agent needs it"),
        (with_host("ob-a", fence=fence_agent(program="")), "ob-a", "fence.program", "fence_agent needs it"),
        (with_host("ob-a", fence=fence_agent(program="/bin/sh")), "ob-a", "fence.program", "fence_ilo5_ssh"),
        (with_host("ob-a", fence=fence_agent(package="--nogpgcheck")), "ob-a", "fence.package", "of an RPM"),
        (
            with_host("ob-a", fence=fence_agent(options=("action=status",))),
            "ob-a",
            "fence.options",
            "none of",
        ),
        (
            with_host("ob-a", fence=fence_agent(options=("passwd=of-the-device",))),
            "ob-a",
            "fence.options",
            "none of",
        ),
        (with_host("ob-a", fence=fence_agent(options=("option=on",))), "ob-a", "fence.options", "none of"),
        (with_host("ob-a", fence=fence_agent(options=("plug",))), "ob-a", "fence.options", "name=value"),
        (
            with_host("ob-a", fence=fence_agent(options=("p=1\naction=on",))),
            "ob-a",
            "fence.options",
            "one line",
        ),
        (
            with_host("ob-a", fence=replace(redfish("https://bmc", CA), program="fence_apc")),
            "ob-a",
            "fence.program",
            "only a fence of kind fence_agent",
        ),
        (with_host("gw-a", fence=Fence(kind="none", reason="x")), "gw-a", "fence", "only hosts of role"),
        (with_host("ob-a", candidate=False), "ob-a", "candidate", "the first primary leads"),
        (with_failover(lease_ttl_s=1.5), "lab", "failover.lease_ttl_s", ">= 2.3 "),
        (with_failover(safety_margin_ms=599), "lab", "failover.safety_margin_ms", ">= 600 (half of"),
        (
            with_failover(lease_ttl_s=1.9, loop_interval_ms=100, calm_interval_ms=100, etcd_timeout_ms=100),
            "lab",
            "failover.lease_ttl_s",
            ">= 2.1 (safety_margin_ms",
        ),
        (with_failover(calm_interval_ms=199), "lab", "failover.calm_interval_ms", ">= 200"),
        (with_failover(peer_silent_ms=1099), "lab", "failover.peer_silent_ms", ">= 1100"),
        (
            with_failover(max_failover_lag_ms=100),
            "lab",
            "failover.max_failover_lag_ms",
            "nobody may ever lead",
        ),
        (with_failover(durability="both"), "lab", "failover.durability", "local, cross_centre"),
        (with_failover(degrade_after_s=1.1), "lab", "failover.degrade_after_s", ">= 1.2 "),
        (
            replace(LAB, etcd=replace(LAB.etcd, election_timeout_ms=499)),
            "lab",
            "etcd.election_timeout_ms",
            ">= 500",
        ),
    ],
)
def test_each_mistake_is_named_with_what_is_allowed(
    broken: Environment, where: str, field: str, allowed: str
) -> None:
    found = [p for p in availability_problems(broken) if p.field == field]
    assert found[0].where == where
    assert len({p.where for p in found}) == len(found), "once for each host"
    assert allowed in found[0].allowed


@pytest.mark.parametrize(
    ("lease_ttl_s", "safety_margin_ms", "watchdog_s"),
    [(3.0, 1000, 1), (30.0, 1000, 1), (30.0, 10_000, 19), (12.0, 5000, 6), (2.3, 1000, 1)],
)
def test_the_watchdog_follows_from_lease_and_margin(
    lease_ttl_s: float, safety_margin_ms: int, watchdog_s: int
) -> None:
    env = with_failover(lease_ttl_s=lease_ttl_s, safety_margin_ms=safety_margin_ms)
    assert list(availability_problems(env)) == []
    assert env.failover.watchdog_s == watchdog_s


@given(
    lease_ttl_s=st.floats(0.5, 120.0),
    safety_margin_ms=st.integers(1, 60_000),
    loop_interval_ms=st.integers(1, 2000),
)
def test_a_hung_agent_is_killed_before_another_may_lead(
    lease_ttl_s: float, safety_margin_ms: int, loop_interval_ms: int
) -> None:
    env = with_failover(
        lease_ttl_s=lease_ttl_s, safety_margin_ms=safety_margin_ms, loop_interval_ms=loop_interval_ms
    )
    wrong = {problem.field for problem in (*limit_problems(env), *availability_problems(env))}
    # A loop interval out of its limits alone would keep the others from being compared.
    assume(not wrong & {"failover.lease_ttl_s", "failover.safety_margin_ms", "failover.loop_interval_ms"})
    found = env.failover
    lease_ms, watchdog_ms = found.lease_ttl_s * 1000, found.watchdog_s * 1000
    assert 1000 <= watchdog_ms < lease_ms
    hangs_ms = lease_ms - found.safety_margin_ms
    assert hangs_ms + watchdog_ms <= lease_ms + found.safety_margin_ms


def test_a_host_without_a_device_is_accepted_with_a_reason() -> None:
    accepted = with_host("ob-a", fence=Fence(kind="none", reason="rehearsal room without a BMC"))
    assert list(availability_problems(accepted)) == []


def test_redfish_with_its_authority_is_accepted_everywhere_and_over_http_only_in_the_lab() -> None:
    checked = with_host("ob-a", fence=redfish("https://bmc", CA))
    assert list(availability_problems(checked)) == []
    assert list(availability_problems(with_host("ob-a", fence=redfish("http://bmc")))) == []
    for purpose in (Purpose.REHEARSAL, Purpose.PRODUCTION):
        hosts = with_host("ob-a", fence=redfish("http://bmc")).hosts
        found = list(availability_problems(replace(LAB, purpose=purpose, hosts=hosts)))
        assert {(p.where, p.field) for p in found} == {("ob-a", "fence.address"), ("ob-b", "fence.address")}
