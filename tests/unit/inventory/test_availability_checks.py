"""What an inventory may say about store, agents, fences and durability."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inventory import environment
from inventory.availability import Fence
from inventory.availability_checks import availability_problems
from inventory.model import Environment, Role
from inventory.purpose import Purpose

LAB = environment("lab")
CA = Path("/etc/loanstack/mybank/fence-ca.pem")


def with_host(target: str, **changes: Any) -> Environment:
    return replace(LAB, hosts=tuple(replace(h, **changes) if h.name == target else h for h in LAB.hosts))


def redfish(address: str, ca_file: Path | None = None) -> Fence:
    return Fence(kind="redfish", address=address, system="1", user="x", ca_file=ca_file)


def with_failover(**changes: Any) -> Environment:
    return replace(LAB, failover=replace(LAB.failover, **changes))


@pytest.mark.parametrize("name", ["lab", "qinghai"])
def test_the_shipped_environments_are_sound(name: str) -> None:
    assert list(availability_problems(environment(name))) == []


@pytest.mark.parametrize(
    ("broken", "where", "field", "allowed"),
    [
        (with_host("mon-c", roles=(Role.MONITOR,)), "lab", "hosts with role arbiter", "an odd number"),
        (
            with_host("ob-b", centre="a"),
            "lab",
            "arbiters in centre a",
            "must not take the store's majority",
        ),
        (with_host("ob-a", fence=None), "ob-a", "fence", "lab, redfish, ipmi, none"),
        (with_host("ob-a", fence=Fence(kind="pdu")), "ob-a", "fence.kind", "lab, redfish, ipmi, none"),
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
        (with_host("gw-a", fence=Fence(kind="none", reason="x")), "gw-a", "fence", "only hosts of role"),
        (with_host("ob-a", may_lead=False), "ob-a", "may_lead", "the first primary leads"),
        (with_failover(lease_ttl_s=1.5), "lab", "failover.lease_ttl_s", ">= 2.3 "),
        (with_failover(calm_interval_ms=199), "lab", "failover.calm_interval_ms", ">= 200"),
        (with_failover(peer_silent_ms=1099), "lab", "failover.peer_silent_ms", ">= 1100"),
        (with_failover(lag_limit_ms=100), "lab", "failover.lag_limit_ms", "nobody may ever lead"),
        (with_failover(durability="both"), "lab", "failover.durability", "local, cross_centre"),
        (with_failover(degrade_after_s=1.1), "lab", "failover.degrade_after_s", ">= 1.2 "),
        (
            replace(LAB, store=replace(LAB.store, election_timeout_ms=499)),
            "lab",
            "store.election_timeout_ms",
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
