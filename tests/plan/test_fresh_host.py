"""What each host gets on the first deploy, as a list of operations."""

from dataclasses import replace

import pytest

from deploys import converge
from deploys.baseline.facts import TransparentHugePages
from deploys.converge import DeployError
from deploys.derived import CHOICES
from inventory.model import Role
from tests.plan.kit import Site, fresh, site_of, told

_FITS = "Make sure that the host is of the inventory's architecture"
_EVERY_HOST_FIRST = [
    _FITS,
    "Baseline | Write kernel settings, limits and SSH",
    "Baseline | Run with these kernel settings",
    "Baseline | Keep SSH hardened",
    "Depot client | Know the depot and its key, and no other source",
    "Depot client | Install this host's packages from the depot",
    "Firewall and time | Write firewall and time",
    "Firewall and time | Make sure that the firewall does not lock out SSH",
    "Firewall and time | Keep the firewall up",
    "Firewall and time | Keep firewalld from taking the firewall's place",
    "Firewall and time | Keep the time",
    "Node exporter | Write the exporter's unit",
    "Node exporter | Keep the node exporter running",
]
_OF_DATABASES = "Baseline | Run without transparent huge pages"
_KEPT = "etcd keeps who leads: on to the databases"
_WATCHED = "Agents watch the databases: on to the primary"
_SERVES = "The primary serves: on to what stands on it"
_STARTED = "Everything is started: on to the standby, and to whether all is well"
_ENDS = [
    "Ends of certificates | Write what reads them",
    "Ends of certificates | Have them read again and again",
]
_TOOLS = ["Tools of hosts | Install the tools of hosts"]
_ALERTMANAGER = [
    "Alertmanager | Write Alertmanager's routes, receivers and unit",
    "Alertmanager | Keep Alertmanager running, one host after the other",
    "Alertmanager | Wait for Alertmanager to be ready",
]
_MEMBER = [
    "etcd | Write the member's settings, certificate and tool",
    "etcd | Have the member start",
    "etcd | Wait for a majority of etcd",
    "etcd | Run the member with its current settings, one host after the other",
    "etcd | Remove the files of earlier versions",
]
_DATABASE = [
    "MariaDB stopped | Keep MariaDB stopped while OceanBase serves",
    "Failover agent | Install the failover agent",
    "Failover agent | Write the agent's settings, unit and command",
    "Failover agent | Keep the failover agent running beside a standby",
    "Failover agent | Keep the failover agent running beside the primary",
    _WATCHED,
    "OceanBase | Know the database's user",
    "OceanBase | Install seekdb",
    "OceanBase | Write the database's settings, unit and tool",
]
_CONTENT = [
    "OceanBase | Keep the database's users",
    "OceanBase | Let root in from the database hosts alone",
    "OceanBase | Keep schema and rights",
]
_SETTLE = [
    "OceanBase standby | Set the database's run-time parameters",
    "OceanBase standby | Have both databases merged each day",
    "OceanBase standby | Wait for one primary and a standby close behind",
]
_TONGWEB = [
    "SQL proxy | Write the SQL proxy's configuration",
    "SQL proxy | Keep the SQL proxy running",
] + [
    f"TongWeb and the channel portal | {name}"
    for name in (
        "Know TongWeb's user",
        "Unpack the Java runtime",
        "Unpack TongWeb",
        "Unpack the channel portal",
        "Install the licence",
        "Install the JDBC driver",
        "Write configuration, options and unit",
        "Switch to this TongWeb",
        "Switch to this portal",
        "Install the portal's WAR",
        "Put the configuration together",
        "Keep TongWeb running",
        "Take the product's passwords from the console",
        "Have the portal served",
    )
]
_OF_HOST = {
    "gw-a": [
        _KEPT,
        _WATCHED,
        _SERVES,
        "Gateway | Write configuration and certificate",
        "Gateway | Keep the gateway running",
        "Virtual addresses | Write keepalived's configuration",
        "Virtual addresses | Keep keepalived running",
        _STARTED,
        "Gateway's way through | Wait for the way through the gateway",
        *_ENDS,
    ],
    "app-a": [
        *_TOOLS,
        _KEPT,
        _WATCHED,
        _SERVES,
        "Loan services | Know the services' user",
        "Loan services | Install the loan services",
        "Loan services | Write unit and environment",
        "Loan services | Keep the loan services running",
        *_TONGWEB,
        _STARTED,
        "Loan services' readiness | Wait for the loan services to be ready",
    ],
    "ob-a": [
        *_TOOLS,
        *_MEMBER,
        "etcd | Keep etcd's users and rights",
        _KEPT,
        *_DATABASE,
        "OceanBase | Keep the database running (primary at first)",
        *_CONTENT,
        _SERVES,
        _STARTED,
        *_SETTLE,
        *_ENDS,
    ],
    "ob-b": [
        *_TOOLS,
        *_MEMBER,
        _KEPT,
        *_DATABASE,
        *_CONTENT,
        _SERVES,
        _STARTED,
        "OceanBase standby | Keep the database running (standby at first)",
        *_SETTLE,
        *_ENDS,
    ],
    "mon-c": [
        *_TOOLS,
        *_ALERTMANAGER,
        *_MEMBER,
        _KEPT,
        _WATCHED,
        _SERVES,
        "Prometheus | Write targets and unit",
        "Prometheus | Keep Prometheus running",
        "Prometheus | Wait for Prometheus to be ready",
        _STARTED,
        *_ENDS,
    ],
}


_BUNDLES = ("load-generator", "loan-services", "failover-agent", "host-tools")


@pytest.mark.parametrize("name", _OF_HOST)
def test_operations_of_each_role_in_order(lab_site: Site, name: str) -> None:
    names = [p.name for p in lab_site.plan(name, fresh())]
    if lab_site.env.host(name).has(Role.OCEANBASE):
        names.remove(_OF_DATABASES)
    assert names == _EVERY_HOST_FIRST + _OF_HOST[name]


def test_a_host_that_makes_load_gets_a_generator_and_starts_nothing(qinghai_site: Site) -> None:
    planned = qinghai_site.plan("load-b1", fresh())
    assert [p.name for p in planned][-8:] == [
        "Load generator | Know the load generator's user",
        "Load generator | Install the load generator",
        "Load generator | Write the load generator's command and unit",
        "Load generator | Have systemd know the workers' unit",
        _KEPT,
        _WATCHED,
        _SERVES,
        _STARTED,
    ]
    commands = [str(c) for p in planned if p.name.startswith("Load generator") for c in p.commands]
    assert any("load-generator-0.1.0-aarch64.tar.gz" in command for command in commands)
    assert [command for command in commands if "systemctl" in command] == ["systemctl daemon-reload"]


def test_bundles_of_ours_show_that_they_load_before_anything_uses_them(qinghai_site: Site) -> None:
    planned = [p for host in ("load-b1", "app-b1", "ob-a1") for p in qinghai_site.plan(host, fresh())]
    bundles = {
        p.name: [str(command) for command in p.commands]
        for p in planned
        if any(f"/{name}-0" in str(c) for c in p.commands for name in _BUNDLES)
    }
    assert len(bundles) == len(_BUNDLES)
    for name, commands in bundles.items():
        assert any("bin/python3 -c" in command and "ctypes.CDLL" in command for command in commands), name


def test_dnf_runs_once_and_only_with_the_depot(lab_site: Site) -> None:
    for host in lab_site.env.hosts:
        installs = [str(c) for p in lab_site.plan(host.name, fresh()) for c in p.commands if "dnf " in str(c)]
        assert len(installs) == 1
        assert "--disablerepo='*' --enablerepo=loanstack-depot" in installs[0]


def test_only_one_component_can_be_asked_for(lab_site: Site) -> None:
    planned = [p.name for p in lab_site.plan("gw-a", fresh(), data={"only": "gateway"})]
    assert planned == [
        _FITS,
        _KEPT,
        _WATCHED,
        _SERVES,
        "Gateway | Write configuration and certificate",
        "Gateway | Keep the gateway running",
        "Virtual addresses | Write keepalived's configuration",
        "Virtual addresses | Keep keepalived running",
        _STARTED,
        "Gateway's way through | Wait for the way through the gateway",
    ]


def test_each_component_belongs_to_some_host(qinghai_site: Site) -> None:
    for component in CHOICES:
        names = {
            p.name
            for h in qinghai_site.env.hosts
            for p in qinghai_site.plan(h.name, fresh(), data={"only": component})
        }
        assert names > {_FITS, _KEPT, _WATCHED, _SERVES, _STARTED}, component


def test_an_unknown_component_is_refused_with_the_known_ones(lab_site: Site) -> None:
    with pytest.raises(
        DeployError, match="only='gatewy': no such component; allowed: baseline, depot_client"
    ):
        lab_site.plan("gw-a", fresh(), data={"only": "gatewy"})


def test_a_missing_signing_key_is_named(lab_site: Site) -> None:
    assert lab_site.env.depot.sums_file is not None
    (lab_site.env.depot.sums_file.parent.parent / lab_site.env.depot.gpg_key_file).unlink()
    with pytest.raises(DeployError, match="RPM-GPG-KEY-loanstack-lab is missing; looked at"):
        lab_site.plan("gw-a", fresh())


def test_roles_without_a_component_are_named_aloud(
    qinghai_site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = qinghai_site.env.hosts
    qinghai_site.env = replace(
        qinghai_site.env,
        hosts=tuple(replace(h, roles=("registry",)) if h.name == "tw-a1" else h for h in hosts),
    )
    monkeypatch.setattr(converge, "environment", lambda _: qinghai_site.env)
    planned = qinghai_site.plan("tw-a1", fresh())
    assert "role 'registry' has no component yet" in caplog.text
    assert [p.name for p in planned] == [*_EVERY_HOST_FIRST, _KEPT, _WATCHED, _SERVES, _STARTED]


def test_a_real_host_gets_its_kernel_settings_and_a_stand_in_does_not(
    lab_site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def applied(site: Site, host: str) -> tuple[str, ...]:
        planned = next(p for p in site.plan(host, fresh()) if p.name.endswith("these kernel settings"))
        return tuple(str(c) for c in planned.commands)

    assert applied(lab_site, "ob-a") == ()
    real = site_of("qinghai", tmp_path_factory.mktemp("real"), monkeypatch)
    assert applied(real, "ob-a1") == ("sysctl --quiet --load=/etc/sysctl.d/60-loanstack.conf",)


@pytest.mark.parametrize(
    ("now", "commands"),
    [
        ("always", ["systemd-tmpfiles --create /etc/tmpfiles.d/loanstack-huge-pages.conf"]),
        ("never", []),
        (None, []),
    ],
)
def test_transparent_huge_pages_end_at_once_and_on_real_hosts_alone(
    lab_site: Site, qinghai_site: Site, monkeypatch: pytest.MonkeyPatch, now: str | None, commands: list[str]
) -> None:
    """Else the first boot after the deploy would be the first at which the database runs without them."""
    facts = told(fresh(), {TransparentHugePages: lambda: now})

    def applied(site: Site, host: str) -> list[str]:
        monkeypatch.setattr(converge, "environment", lambda _: site.env)
        return [str(c) for p in site.plan(host, facts) if p.name == _OF_DATABASES for c in p.commands]

    assert applied(lab_site, "ob-a") == []
    assert applied(qinghai_site, "ob-a1") == commands
    assert applied(qinghai_site, "app-a1") == []
