"""Qinghai: an example of a real environment, to copy and fill with your own addresses.

Two sites, three centres: `a` and `b` are two rooms of one city, `c` stands in another city. TaiShan
(Kunpeng, aarch64) and Suma R6230HA (Hygon, x86_64) servers under Kylin V10 SP3. Addresses and names are
examples; TongWeb is licensed, so its artifact is the bank's own copy.
"""

from pathlib import Path

from inventory import alerting, artifacts, availability, model, purpose, pyinfra_hosts, slo
from inventory.hardware import HYGON_7285, KUNPENG_920, Processor

_DEPOT_URL = "https://depot.credit.example"
_CONFIG = Path("/etc/loanstack/qinghai")

_GIB = 1024
_DATABASE = (model.Role.OCEANBASE, model.Role.ETCD)


def _host(
    name: str,
    roles: tuple[model.Role, ...],
    centre: str,
    number: int,
    processor: Processor,
    memory_gib: int,
    *,
    dmz_address: str | None = None,
    database_role: model.DatabaseRole | None = None,
) -> model.Host:
    segment = {"a": 1, "b": 2, "c": 3}[centre]
    return model.Host(
        name=name,
        centre=centre,
        roles=roles,
        management_address=f"10.63.0.{segment * 50 + number}",
        address=f"10.63.{segment}.{number}",
        memory_mib=memory_gib * _GIB,
        arch=processor.arch,
        processor=processor,
        dmz_address=dmz_address,
        database_role=database_role,
        fence=_management_board(name) if database_role is not None else None,
    )


def _management_board(name: str) -> availability.Fence:
    return availability.Fence(
        kind=availability.FenceKind.REDFISH,
        address=f"https://bmc-{name}.credit.example",
        system="1",
        user="fence",
        ca_file=_CONFIG / "fence-ca.pem",
    )


def _room(centre: str, gateway_dmz: str, database_role: model.DatabaseRole) -> tuple[model.Host, ...]:
    return (
        _host(f"gw-{centre}1", (model.Role.GATEWAY,), centre, 11, HYGON_7285, 64, dmz_address=gateway_dmz),
        _host(f"tw-{centre}1", (model.Role.TONGWEB,), centre, 21, KUNPENG_920, 128),
        _host(f"app-{centre}1", (model.Role.LOAN,), centre, 31, KUNPENG_920, 256),
        _host(f"app-{centre}2", (model.Role.LOAN,), centre, 32, HYGON_7285, 256),
        _host(f"ob-{centre}1", _DATABASE, centre, 41, KUNPENG_920, 512, database_role=database_role),
    )


ENVIRONMENT = model.Environment(
    name="qinghai",
    purpose=purpose.Purpose.PRODUCTION,
    title="Qinghai (example): two sites, three centres, TaiShan ARM and Hygon under Kylin V10",
    centres=(
        model.Centre(name="a", site="Xining, room 1", segment="10.63.1.0/24", router="10.63.1.1"),
        model.Centre(name="b", site="Xining, room 2", segment="10.63.2.0/24", router="10.63.2.1"),
        model.Centre(name="c", site="Haidong", segment="10.63.3.0/24", router="10.63.3.1"),
    ),
    hosts=(
        *_room("a", "10.63.8.11", model.DatabaseRole.PRIMARY),
        *_room("b", "10.63.8.12", model.DatabaseRole.STANDBY),
        _host("mon-c1", (model.Role.MONITOR, model.Role.ALERTMANAGER), "c", 51, HYGON_7285, 128),
        _host("ops-b1", (model.Role.ALERTMANAGER,), "b", 48, HYGON_7285, 32),
        _host("arb-c1", (model.Role.ETCD,), "c", 52, KUNPENG_920, 32),
        _host("load-a1", (model.Role.LOADGEN,), "a", 49, HYGON_7285, 32, dmz_address="10.63.8.21"),
        _host("load-b1", (model.Role.LOADGEN,), "b", 49, KUNPENG_920, 32, dmz_address="10.63.8.22"),
    ),
    artifacts=tuple(
        model.Artifact(
            name=name,
            version=version,
            arch=arch,
            url=f"{_DEPOT_URL}/artifacts/{name}-{version}-{arch}.{kind}",
        )
        for name, version, kind in (
            ("seekdb", artifacts.SEEKDB_VERSION, "tar.gz"),
            ("loan-services", "0.1.0", "tar.gz"),
            ("failover-agent", "0.1.0", "tar.gz"),
            ("host-tools", "0.1.0", "tar.gz"),
            ("load-generator", "0.1.0", "tar.gz"),
            ("tongweb", "7.0.4.9", "tar.gz"),
            ("tongweb-license", "7.0", "dat"),
            ("jdk", "11.0.27", "tar.gz"),
            ("channel-portal", "0.1.0", "tar.gz"),
            ("jdbc-driver", "2.4.9", "jar"),
        )
        for arch in model.Arch
    ),
    depot=model.Depot(
        url=_DEPOT_URL,
        gpg_key_file="RPM-GPG-KEY-bank",
        sums_file=_CONFIG / "artifacts.SHA256SUMS",
        ca_file=_CONFIG / "depot-ca.pem",
    ),
    ssh=model.SshAccess(
        user="root",
        key_file=_CONFIG / "ssh" / "id_ed25519",
        known_hosts_file=_CONFIG / "ssh" / "known_hosts",
    ),
    secrets_file=_CONFIG / "secrets.json",
    ca_dir=_CONFIG / "ca",
    database=model.Database(
        cpu_count=64,
        memory_mib=384 * _GIB,
        datafile_size_mib=512 * _GIB,
        datafile_maxsize_mib=4096 * _GIB,
        log_disk_size_mib=1200 * _GIB,
    ),
    loan=model.LoanServices(pool_size=64),
    tongweb=model.TongWeb(heap_mib=8192, max_threads=1000, access_log=True),
    gateway=model.Gateway(
        server_name="loan.credit.example",
        virtual_addresses=("10.63.8.101", "10.63.8.102"),
        virtual_interface="bond1",
        worker_processes=16,
        upstream_keepalive=512,
    ),
    monitoring=model.Monitoring(retention="90d"),
    alerting=alerting.Alerting(webhook_url="https://duty.credit.example/loan-alerts"),
    failover=availability.Failover(
        durability=availability.Durability.CROSS_CENTRE, degrade_after_s=10.0, failover_cooldown_s=300.0
    ),
    entities=(
        model.LegalEntity(code="QH01", name="西宁农商银行"),
        model.LegalEntity(code="QH02", name="海东农商银行"),
        model.LegalEntity(code="QH03", name="玉树农商银行"),
        model.LegalEntity(code="QH04", name="格尔木农商银行"),
    ),
    journey=model.Journey(
        customers=1_000_000,
        weights=(
            ("drawdown", 40),
            ("repayment", 36),
            ("admission", 8),
            ("assessment", 7),
            ("grant", 7),
            ("freeze", 1),
            ("unfreeze", 1),
        ),
        reads_per_write=0.5,
        users=256,
    ),
    load_slo=slo.LoadSlo(error_ratio_max=0.0001),
    management_network="10.63.0.0/24",
    dmz_network="10.63.8.0/24",
)

hosts = pyinfra_hosts.named(ENVIRONMENT)
