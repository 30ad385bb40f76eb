"""Who may reach whom, over both environments, and the rules as they are loaded."""

import os
import shutil
import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from deploys import converge
from deploys.baseline.deploy import after_packages, spec_of
from deploys.baseline.facts import SessionOrigin, UnitLoadState
from deploys.baseline.spec import SSH_PORT
from deploys.derived import ingress_rules
from inventory.ingress_rules import ExtraIngressRule
from inventory.model import Environment, Host, Role
from inventory.validation import check
from tests.plan.golden import assert_golden
from tests.plan.kit import Site, fresh, told

ZABBIX = ExtraIngressRule(why="the bank's Zabbix", port=10_050, sources=("10.1.2.0/24", "10.1.3.4"))
BACKUP = ExtraIngressRule(
    why="备份", port=9_102, protocol="udp", sources=("10.1.2.9",), roles=(Role.OCEANBASE, Role.ETCD)
)
JUMP_HOST = ExtraIngressRule(why="jump hosts", port=SSH_PORT, sources=("10.1.9.9",))


def _may(env: Environment, source: str, target: Host, port: int, protocol: str = "tcp") -> bool:
    return any(
        o.protocol == protocol
        and o.port == port
        and any(ip_address(source) in ip_network(s) for s in o.sources)
        for o in ingress_rules(env, target)
    )


def _etcd_ports(env: Environment) -> set[int]:
    return {env.etcd.client_port, env.etcd.peer_port, env.etcd.metrics_port}


@pytest.fixture(params=["lab_site", "qinghai_site"])
def env(request: pytest.FixtureRequest) -> Environment:
    site: Site = request.getfixturevalue(request.param)
    return site.env


def test_ssh_comes_first_and_from_the_management_network_only(env: Environment) -> None:
    for host in env.hosts:
        first, *others = ingress_rules(env, host)
        assert (first.port, first.sources) == (SSH_PORT, (env.management_network,))
        assert all(o.port != SSH_PORT for o in others)


def test_sql_is_for_loan_services_data_sources_and_the_other_database(env: Environment) -> None:
    for database in env.hosts_with(Role.OCEANBASE):
        for other in env.hosts:
            if other.name == database.name:
                continue
            wanted = any(other.has(role) for role in (Role.LOAN, Role.TONGWEB, Role.OCEANBASE))
            assert _may(env, other.address, database, env.database.sql_port) == wanted, other.name
            assert _may(env, other.address, database, env.database.rpc_port) == other.has(Role.OCEANBASE)


def test_loan_services_are_for_portals_and_monitors(env: Environment) -> None:
    for service in env.hosts_with(Role.LOAN):
        for other in env.hosts:
            if other.name != service.name:
                wanted = other.has(Role.TONGWEB) or other.has(Role.MONITOR)
                assert _may(env, other.address, service, env.loan.port) == wanted, other.name


def test_portals_are_for_gateways_and_monitors_and_their_console_for_operators(env: Environment) -> None:
    for server in env.hosts_with(Role.TONGWEB):
        for other in env.hosts:
            if other.name != server.name:
                wanted = other.has(Role.GATEWAY) or other.has(Role.MONITOR)
                assert _may(env, other.address, server, env.tongweb.port) == wanted, other.name
                assert not _may(env, other.address, server, env.tongweb.console_port), other.name
        operator = env.management_network.replace("0/24", "9")
        assert _may(env, operator, server, env.tongweb.console_port)
        assert not _may(env, operator, server, env.tongweb.port)


def test_etcd_is_for_databases_its_members_and_monitors(env: Environment) -> None:
    for member in env.hosts_with(Role.ETCD):
        for other in env.hosts:
            if other.name == member.name:
                continue
            reached = {port for port in _etcd_ports(env) if _may(env, other.address, member, port)}
            wanted = {
                env.etcd.client_port: other.has(Role.OCEANBASE),
                env.etcd.peer_port: other.has(Role.ETCD),
                env.etcd.metrics_port: other.has(Role.MONITOR),
            }
            assert reached == {port for port, may in wanted.items() if may}, (member.name, other.name)


def test_hosts_that_make_load_are_reached_by_ssh_and_the_monitor_only(qinghai_site: Site) -> None:
    env = qinghai_site.env
    for maker in env.hosts_with(Role.LOADGEN):
        assert {o.port for o in ingress_rules(env, maker)} == {SSH_PORT, env.monitoring.node_exporter_port}
        for gateway in env.hosts_with(Role.GATEWAY):
            assert _may(env, str(maker.dmz_address), gateway, env.gateway.port)


def test_hosts_that_are_no_members_have_no_etcd(env: Environment) -> None:
    for host in env.hosts:
        if not host.has(Role.ETCD):
            assert not {o.port for o in ingress_rules(env, host)} & _etcd_ports(env), host.name


def test_agents_are_for_loan_services_sql_proxies_each_other_and_monitors(env: Environment) -> None:
    for host in env.hosts:
        for other in env.hosts:
            if other.name != host.name:
                asking = (Role.LOAN, Role.TONGWEB, Role.OCEANBASE, Role.MONITOR)
                wanted = any(other.has(role) for role in asking)
                found = _may(env, other.address, host, env.failover.agent_port)
                assert found == (wanted and host.has(Role.OCEANBASE)), (host.name, other.name)


def test_alertmanagers_are_for_monitors_operators_and_each_other(env: Environment) -> None:
    alerting = env.alerting
    operator = str(next(ip_network(env.management_network).hosts()))
    for host in env.hosts:
        is_one = host.has(Role.ALERTMANAGER)
        assert _may(env, operator, host, alerting.port) == is_one
        for other in env.hosts:
            if other.name == host.name:
                continue
            assert _may(env, other.address, host, alerting.port) == (is_one and other.has(Role.MONITOR))
            for protocol in ("tcp", "udp"):
                found = _may(env, other.address, host, alerting.cluster_port, protocol)
                assert found == (is_one and other.has(Role.ALERTMANAGER)), (host.name, other.name)


def test_clients_reach_gateways_and_nothing_else(env: Environment) -> None:
    client = str(next(ip_network(env.dmz_network).hosts()))
    for host in env.hosts:
        reached = {o.port for o in ingress_rules(env, host) if _may(env, client, host, o.port, o.protocol)}
        assert reached == ({env.gateway.port} if host.has(Role.GATEWAY) else set()), host.name


def test_exporters_are_for_monitors(env: Environment) -> None:
    port = env.monitoring.node_exporter_port
    for host in env.hosts:
        for other in env.hosts:
            if other.name != host.name:
                assert _may(env, other.address, host, port) == other.has(Role.MONITOR)


def test_every_host_gets_the_time(env: Environment) -> None:
    for monitor in env.hosts_with(Role.MONITOR):
        assert all(_may(env, h.address, monitor, 123, "udp") for h in env.hosts if h.name != monitor.name)


def test_nothing_is_open_to_everyone(env: Environment) -> None:
    for host in env.hosts:
        for rule in ingress_rules(env, host):
            assert rule.sources, rule
            assert all(ip_network(source).prefixlen >= 16 for source in rule.sources), rule


@pytest.mark.parametrize("name", ["gw-a", "app-a", "ob-a", "mon-c"])
def test_rules_as_loaded(lab_site: Site, name: str) -> None:
    spec = spec_of(lab_site.context(name))
    rules = next(f for f in after_packages(spec) if f.path.endswith("firewall.nft"))
    assert_golden(f"firewall-{name}.nft", rules.content)


def test_the_table_is_replaced_in_one_transaction(lab_site: Site) -> None:
    spec = spec_of(lab_site.context("ob-a"))
    text = next(f for f in after_packages(spec) if f.path.endswith("firewall.nft")).content
    statements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert statements[:3] == ["table inet loanstack", "delete table inet loanstack", "table inet loanstack {"]
    assert "flush ruleset" not in text, "rules of drills and operators stay theirs"


def _with_extra(site: Site, monkeypatch: pytest.MonkeyPatch) -> Environment:
    site.env = check(replace(site.env, extra_ingress_rules=(ZABBIX, BACKUP, JUMP_HOST)))
    monkeypatch.setattr(converge, "environment", lambda _: site.env)
    return site.env


def test_the_inventory_opens_more_to_named_sources(lab_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    env = _with_extra(lab_site, monkeypatch)
    for host in env.hosts:
        assert _may(env, "10.1.2.200", host, ZABBIX.port)
        assert _may(env, "10.1.3.4", host, ZABBIX.port)
        assert not _may(env, "10.1.3.5", host, ZABBIX.port)
        is_reached = host.has(Role.OCEANBASE) or host.has(Role.ETCD)
        assert _may(env, "10.1.2.9", host, BACKUP.port, "udp") == is_reached, host.name
        assert not _may(env, "10.1.2.9", host, BACKUP.port, "tcp")
        assert _may(env, "10.1.9.9", host, SSH_PORT)


def test_a_deploy_through_a_jump_host_is_spared(lab_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    spares = "Firewall and time | Make sure that the firewall does not lock out SSH"

    def refusals(origin: str) -> tuple[object, ...]:
        planned = lab_site.plan("gw-a", told(fresh(), {SessionOrigin: lambda: origin}))
        return next(p.commands for p in planned if p.name == spares)

    assert refusals("10.1.9.9")
    _with_extra(lab_site, monkeypatch)
    assert not refusals("10.1.9.9")
    assert not refusals("198.18.0.1")
    (refused,) = refusals("10.1.2.9")
    assert "198.18.0.0/24, 10.1.9.9" in str(refused)


def test_what_is_dropped_is_counted_and_a_few_of_it_logged(lab_site: Site) -> None:
    spec = spec_of(lab_site.context("gw-a"))
    text = next(f for f in after_packages(spec) if f.path.endswith("firewall.nft")).content
    rules = [line.strip() for line in text.partition("chain forward")[0].splitlines()]
    dropping = [rule for rule in rules if rule.endswith("drop") or " drop comment" in rule]
    assert dropping
    assert all("counter" in rule for rule in dropping)
    assert rules.index(dropping[-1]) > max(i for i, rule in enumerate(rules) if "accept" in rule)
    (logging,) = (rule for rule in rules if " log " in rule)
    assert "limit rate" in logging.partition(" log ")[0], "a flood must not fill the journal"


def test_old_versions_of_nft_know_what_is_written(lab_site: Site) -> None:
    """nft 0.9.0 refuses `priority filter`: "unexpected string, expecting - or number"."""
    for host in lab_site.env.hosts:
        files = after_packages(spec_of(lab_site.context(host.name)))
        text = next(f for f in files if f.path.endswith("firewall.nft")).content
        assert text.count(" priority 0; policy drop;") == 2
        assert "priority filter" not in text


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nft")
def test_nft_takes_the_rules_twice(lab_site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a network namespace of its own."""
    _with_extra(lab_site, monkeypatch)
    rules = tmp_path / "firewall.nft"
    for host in lab_site.env.hosts:
        files = after_packages(spec_of(lab_site.context(host.name)))
        rules.write_text(next(f for f in files if f.path.endswith("firewall.nft")).content)
        load = (
            f"nft --check --file {rules} && nft -f {rules} && nft -f {rules} && nft list table inet loanstack"
        )
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", load], capture_output=True, text=True, check=False, timeout=240
        )
        assert (done.returncode, done.stderr) == (0, ""), host.name
        assert "tcp dport 10050 accept" in done.stdout


@pytest.mark.parametrize(("state", "is_masked"), [("loaded", True), ("masked", False), ("not-found", False)])
def test_firewalld_is_masked_where_there_is_one(lab_site: Site, state: str, is_masked: bool) -> None:
    planned = lab_site.plan("gw-a", told(fresh(), {UnitLoadState: lambda unit: state}))
    names = [p.name for p in planned]
    masking = "Firewall and time | Keep firewalld from taking the firewall's place"
    commands = [str(c) for p in planned if p.name == masking for c in p.commands]
    assert commands == (["systemctl mask --quiet --now firewalld.service"] if is_masked else [])
    assert names.index(masking) > names.index("Firewall and time | Keep the firewall up"), "never without one"
