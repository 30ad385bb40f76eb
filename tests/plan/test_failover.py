"""The failover agent: settings that its reader takes, and the primary handed over before it is replaced."""

from dataclasses import replace

import pytest

from deploys.content import AUTHORITY
from deploys.facts.services import Service, ServiceState
from deploys.failover import deploy as failover
from deploys.loan_services.spec import loan_services_spec
from deploys.oceanbase.facts import LocalRole
from failover import settings_file
from inventory.availability import Failover, Fence, FenceKind
from inventory.model import Role
from tests.plan.kit import HEALTHY_SERVICE, Facts, Site, fresh, told

_STANDBY_S = "Failover agent | Keep the failover agent running beside a standby"
_PRIMARY_S = "Failover agent | Keep the failover agent running beside the primary"
_STALE = replace(HEALTHY_SERVICE, file_ages_s={failover.CONFIG: 5.0})


def _facts(service: ServiceState, role: str | None) -> Facts:
    return {Service: lambda unit, paths=(), starts=(): service, LocalRole: lambda: role}


def _commands(site: Site, name: str, facts: Facts) -> dict[str, list[str]]:
    planned = site.plan(name, told(fresh(), facts), data={"only": "failover"})
    assert all(p.is_serial for p in planned if p.name in (_STANDBY_S, _PRIMARY_S))
    return {p.name: [str(c) for c in p.commands] for p in planned if p.name in (_STANDBY_S, _PRIMARY_S)}


def test_where_no_database_is_yet_it_starts_at_once(lab_site: Site) -> None:
    commands = _commands(lab_site, "ob-a", {})
    assert "systemctl enable --quiet loanstack-failover.service" in commands[_STANDBY_S]
    assert "systemctl start loanstack-failover.service" in commands[_STANDBY_S]
    assert commands[_PRIMARY_S] == []


def test_a_new_authority_is_read_by_a_restart(lab_site: Site) -> None:
    stale = replace(HEALTHY_SERVICE, file_ages_s={AUTHORITY: 5.0})
    facts: Facts = {
        Service: lambda unit, paths=(), starts=(): stale if AUTHORITY in paths else HEALTHY_SERVICE,
        LocalRole: lambda: "STANDBY",
    }
    commands = _commands(lab_site, "ob-a", facts)
    assert commands[_STANDBY_S][0] == "systemctl restart loanstack-failover.service"


@pytest.mark.parametrize("role", ["STANDBY", "DOWN"])
def test_agents_of_standbys_come_first(lab_site: Site, role: str) -> None:
    commands = _commands(lab_site, "ob-a", _facts(_STALE, role))
    assert commands[_STANDBY_S][0] == "systemctl restart loanstack-failover.service"
    assert commands[_PRIMARY_S] == []


def test_the_primary_is_handed_over_before_its_agent_is_replaced(lab_site: Site) -> None:
    commands = _commands(lab_site, "ob-b", _facts(_STALE, "PRIMARY"))
    assert commands[_STANDBY_S] == []
    hand_over, restart, _ = commands[_PRIMARY_S]
    order = ("switchover --dry-run", "loanstack-failover switchover &&", "loanstack-db wait-healthy 500 120")
    assert sorted(order, key=hand_over.index) == list(order)
    assert restart == "systemctl restart loanstack-failover.service"


def test_only_database_hosts_have_one(lab_site: Site) -> None:
    for host in lab_site.env.hosts:
        planned = lab_site.plan(host.name, fresh(), data={"only": "failover"})
        assert any(p.name.startswith("Failover agent") for p in planned) == host.has(Role.OCEANBASE)


def test_the_nearest_member_of_etcd_is_asked_first(lab_site: Site) -> None:
    endpoints = {name: failover.spec_of(lab_site.context(name)).etcd_endpoints for name in ("ob-a", "ob-b")}
    assert endpoints["ob-a"][0] == "https://198.18.1.13:2379"
    assert endpoints["ob-b"][0] == "https://198.18.2.23:2379"
    assert all(len(set(each)) == 3 for each in endpoints.values())


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_the_agent_s_own_reader_takes_the_settings(request: pytest.FixtureRequest, site_name: str) -> None:
    site: Site = request.getfixturevalue(site_name)
    for host in site.env.hosts_with(Role.OCEANBASE):
        spec = failover.spec_of(site.context(host.name))
        read = settings_file.parse(failover.settings(spec))
        assert (read.me, read.address, read.candidate) == (host.name, host.address, host.candidate)
        assert read.timing.lease_ttl_ms == 3000
        assert [p.host for p in read.peers] == [p.name for p in spec.peers]
        assert (read.agent.token, read.store.password) == (spec.agent_token, spec.etcd_password)
        loan = loan_services_spec(site.env, site.env.hosts_with(Role.LOAN)[0], site.secrets)
        assert read.agent.reading_key == loan.agent_key != read.agent.token


def test_every_kind_of_fence_device_gets_through(lab_site: Site) -> None:
    spec = failover.spec_of(lab_site.context("ob-a"))
    (peer,) = spec.peers
    none = Fence(kind=FenceKind.NONE, reason="a third copy that never leads")
    changed = replace(
        spec,
        peers=(replace(peer, fence=none, candidate=False),),
        fence_passwords={},
        failover=Failover(degrade_after_s=None, lease_ttl_s=4.5),
    )
    found = failover.settings(changed)
    assert found["peers"] == [
        {
            "host": "ob-b",
            "address": "198.18.2.23",
            "candidate": False,
            "fence": {
                "kind": "none",
                "address": "",
                "system": "",
                "user": "",
                "password": "",
                "ca_file": "",
                "program": "",
                "options": [],
                "reason": "a third copy that never leads",
            },
        }
    ]
    read = settings_file.parse(found)
    assert read.peers[0].fence is not None
    assert read.peers[0].fence.kind == "none"
    assert found["durability"] == {"mode": "local", "timeout_ms": 2000, "degrade_after_ms": None}
    timing = found["timing"]
    assert isinstance(timing, dict)
    assert timing["lease_ttl_ms"] == 4500


def test_a_fence_agent_gets_through_with_its_options(lab_site: Site) -> None:
    spec = failover.spec_of(lab_site.context("ob-a"))
    (peer,) = spec.peers
    fence = Fence(
        kind=FenceKind.FENCE_AGENT,
        address="pdu.example",
        user="fence",
        program="fence_apc",
        package="fence-agents-apc",
        options=("plug=3", "ssh=1"),
    )
    read = settings_file.parse(
        failover.settings(replace(spec, peers=(replace(peer, fence=fence),), fence_authorities={}))
    )
    got = read.peers[0].fence
    assert got is not None
    assert (got.program, got.options) == ("fence_apc", ("plug=3", "ssh=1"))
    assert got.password == spec.fence_passwords["ob-b"]
