from dataclasses import replace
from ipaddress import ip_interface, ip_network

import pytest

from inventory.lab import ENVIRONMENT
from lab.network import LAB_RANGE, ROUTER, plan_of

LONGEST_INTERFACE_NAME = 15
"""IFNAMSIZ of Linux, less the terminating zero."""


def all_cables():
    plan = plan_of(ENVIRONMENT)
    return [cable for part in (*plan.hosts, plan.client) for cable in part.cables]


def test_every_address_is_in_the_benchmarking_range_and_used_once() -> None:
    plan = plan_of(ENVIRONMENT)
    addresses = [c.address for c in all_cables()] + [b.address for b in plan.bridges if b.address]
    assert len(set(addresses)) == len(addresses)
    lab_range = ip_network(LAB_RANGE)
    assert all(ip_interface(a).ip in lab_range for a in addresses)


def test_names_fit_the_kernel_and_are_unique_in_their_namespace() -> None:
    plan = plan_of(ENVIRONMENT)
    names = [(b.namespace, b.name) for b in plan.bridges]
    names += [(c.bridge_namespace, c.port) for c in all_cables()]
    names += [(c.namespace, c.interface) for c in all_cables()]
    assert len(set(names)) == len(names)
    assert max(len(name) for _, name in names) <= LONGEST_INTERFACE_NAME
    assert len(set(plan.namespaces)) == len(plan.namespaces)


def test_cards_keep_their_own_addresses_for_ever() -> None:
    macs = [c.mac for c in all_cables()]
    assert len(set(macs)) == len(macs)
    assert all(int(mac.split(":")[0], 16) & 0b11 == 0b10 for mac in macs), "locally administered, unicast"
    assert plan_of(ENVIRONMENT).host("ob-b").cables[0].mac == "02:00:c6:12:00:17"


def test_every_cable_ends_at_a_bridge_of_the_plan() -> None:
    bridges = {(b.namespace, b.name) for b in plan_of(ENVIRONMENT).bridges}
    assert {(c.bridge_namespace, c.bridge) for c in all_cables()} <= bridges


def test_hosts_reach_the_lab_through_their_own_centres_router_and_nothing_else() -> None:
    plan = plan_of(ENVIRONMENT)
    assert {h.host: h.gateway for h in plan.hosts}["ob-b"] == "198.18.2.1"
    assert {b.address for b in plan.bridges if b.namespace == ROUTER} == {
        "198.18.1.1/24",
        "198.18.2.1/24",
        "198.18.3.1/24",
    }


def test_clients_stand_in_the_dmz_alone_and_only_gateways_join_them() -> None:
    plan = plan_of(ENVIRONMENT)
    assert [c.interface for c in plan.client.cables] == ["dmz0"]
    assert plan.client.gateway is None
    in_dmz = [h.host for h in plan.hosts if any(c.interface == "dmz0" for c in h.cables)]
    assert in_dmz == ["gw-a", "gw-b"]


def test_only_management_touches_the_machines_own_namespace() -> None:
    plan = plan_of(ENVIRONMENT)
    assert plan.machine_interfaces[0] == "ls-mgmt"
    assert set(plan.machine_interfaces[1:]) == {f"m-{h.name}" for h in ENVIRONMENT.hosts}
    assert plan.depot_address == "198.18.0.1"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("management_network", "10.0.0.0/24", r"management_network = '10\.0\.0\.0/24' must lie within"),
        ("dmz_network", "198.20.0.0/24", r"dmz_network = '198\.20\.0\.0/24' must lie within"),
    ],
)
def test_a_network_outside_the_range_is_refused(field: str, value: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plan_of(replace(ENVIRONMENT, **{field: value}))


def test_an_address_outside_its_network_is_refused_with_host_and_interface() -> None:
    stray = replace(ENVIRONMENT.hosts[0], address="198.18.2.11")
    with pytest.raises(
        ValueError, match=r"host gw-a: seg0 = '198\.18\.2\.11' must lie within 198\.18\.1\.0/24"
    ):
        plan_of(replace(ENVIRONMENT, hosts=(stray, *ENVIRONMENT.hosts[1:])))


def test_an_unknown_host_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no host 'ob-x' in the lab; known: gw-a, app-a, ob-a"):
        plan_of(ENVIRONMENT).host("ob-x")
