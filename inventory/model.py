"""The typed inventory: hosts, roles, sizes and promises of one environment.

Everything here is a frozen value. `inventory.validation` checks whether the values fit together, so that all
mistakes of an inventory are reported at once.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from inventory.alerting import Alerting
from inventory.availability import Durability, Etcd, Failover, Fence, FenceKind
from inventory.drill_slo import DrillSlo
from inventory.hardware import Processor
from inventory.ingress_rules import ExtraIngressRule
from inventory.mariadb import MariaDb
from inventory.purpose import ALLOWED, CONSENT_VARIABLE, Action, Purpose, require
from inventory.slo import DeploySlo, LoadSlo, ProvePace, SoakSlo


class Role(StrEnum):
    """Purpose of a host; a host may have several roles."""

    GATEWAY = "gateway"
    TONGWEB = "tongweb"
    LOAN = "loan"
    OCEANBASE = "oceanbase"
    REGISTRY = "registry"
    CACHE = "cache"
    ETCD = "etcd"
    """A voting member of etcd; one in each centre."""
    MONITOR = "monitor"
    ALERTMANAGER = "alertmanager"
    """Brings alerts to people; two hosts, in different centres."""
    DEPOT = "depot"
    LOADGEN = "loadgen"
    """Makes load as clients do, from the clients' network; its cost does not count as cost of the system."""


class Arch(StrEnum):
    """Machine architectures, as ``uname -m`` prints them."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"


class DeploysBy(StrEnum):
    """How TongWeb gets an application."""

    AUTODEPLOY = "autodeploy"
    """TongWeb finds the WAR in its folder."""
    COMMAND = "commandstool"
    """The deploy gives it to TongWeb with TongWeb's own command line."""


class DatabaseRole(StrEnum):
    """The role that a database is first deployed with; drills and failovers may swap it later."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"


@dataclass(frozen=True, kw_only=True)
class Centre:
    """A data centre and its network segment."""

    name: str
    """One letter: `a` production, `b` same city, `c` another city."""
    site: str
    """City or campus of the centre."""
    segment: str
    """CIDR of the segment through which hosts reach each other."""
    router: str
    """Address of the router in that segment."""


@dataclass(frozen=True, kw_only=True)
class OsRelease:
    """The operating system that a host must run, as in its `/etc/os-release` and `uname -r`."""

    id: str = "kylin"
    version_id: str = "V10"
    codename: str = "Lance"
    """Codename; the only value of a host that distinguishes the service packs."""
    kernel: str = "4.19.90-"
    """What `uname -r` begins with."""
    stand_in: str | None = None
    """What the lab boots in its place; None on a real host."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One server."""

    name: str
    centre: str
    roles: tuple[str, ...]
    """Values of `Role`; kept as text so that the checks can report an unknown value."""
    management_address: str
    """Address of SSH; drills never touch this network."""
    address: str
    """Address in the centre's segment, which the other hosts use."""
    dmz_address: str | None = None
    """Only gateways have one, because clients reach no other host, and hosts that make load as clients do."""
    arch: str = Arch.X86_64
    processor: Processor | None = None
    """Processor of the machine; None if checking it would prove nothing (lab)."""
    memory_mib: int = 1024
    os: OsRelease = field(default_factory=OsRelease)
    database_role: str | None = None
    """`PRIMARY` or `STANDBY`: how a host of role oceanbase is first deployed."""
    candidate: bool = True
    """False for a database that is never promoted, such as a third copy in another city."""
    fence: Fence | None = None
    """Device by which other hosts switch it off; every host of role oceanbase has one."""
    weight: int = 10
    """For role loan: its share of the requests, relative to the other hosts' weights."""
    tongweb_cpus: str | None = None
    """For role tongweb: CPUs that it may run on, such as those of a NUMA node (`0-31`); None: all."""

    def has(self, role: Role) -> bool:
        """Say whether this host carries `role`."""
        return role in self.roles


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One downloadable file for one architecture."""

    name: str
    version: str
    arch: str
    url: str
    sha256: str | None = None
    """Hex digest; None: the digest is listed in the depot's SHA256SUMS (see `sums_file`)."""


@dataclass(frozen=True, kw_only=True)
class Depot:
    """The offline mirror that hosts install from."""

    url: str
    """Base address; `repo/<arch>/` holds the yum repository, `artifacts/` the tarballs."""
    gpg_key_file: str
    """Name of the signing key below `url`."""
    sums_file: Path | None = None
    """Copy of the depot's SHA256SUMS on the control machine, made when the depot was filled."""
    ca_file: Path | None = None
    """File on the control machine with the certificate of the authority that signed the depot's (`https`);
    None: hosts check it with the authorities that their system trusts."""


@dataclass(frozen=True, kw_only=True)
class SshAccess:
    """How the control machine reaches hosts."""

    user: str = "root"
    key_file: Path
    known_hosts_file: Path


@dataclass(frozen=True, kw_only=True)
class Database:
    """Sizes and ports of the primary/standby pair."""

    sql_port: int = 2881
    rpc_port: int = 2882
    schema: str = "loan"
    cpu_count: int
    memory_mib: int
    """Limit of the database's memory; the size of the log disk is checked against it."""
    datafile_size_mib: int
    datafile_maxsize_mib: int
    log_disk_size_mib: int
    max_healthy_lag_ms: int = 500
    """The deploy waits until the standby is at most this far behind."""
    merge_at: str = "02:00"
    """Local time, HH:MM, at which both databases merge the dumps of the last day."""
    replication_tls: bool = True
    """Whether the databases replicate with TLS. A database takes this at its first start only, and both sides
    need the same."""
    sql_tls: bool = False
    """Whether SQL is asked with TLS. seekdb 1.4 loses TLS connections that send it a statement of more than
    about 64 KiB (docs/failover.md), and the loan services send such ones."""

    @property
    def has_certificate(self) -> bool:
        """Whether each database needs a certificate."""
        return self.replication_tls or self.sql_tls


@dataclass(frozen=True, kw_only=True)
class LoanServices:
    """Sizes and ports of the loan services."""

    port: int = 8080
    pool_size: int
    """Database connections per instance."""
    connect_timeout_ms: int = 500
    statement_timeout_ms: int = 3000
    shutdown_grace_s: int = 10


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """The JDBC pool of applications on TongWeb; it reaches the primary through the SQL proxy of its host."""

    driver: str = "com.oceanbase.jdbc.Driver"
    """Class in artifact `jdbc-driver`."""
    protocol: str = "oceanbase"
    """What the driver's URLs begin with, after `jdbc:`."""
    connections_max: int = 16
    connections_idle_min: int = 1
    wait_ms: int = 1000
    """How long an application waits for a connection."""
    proxy_port: int = 2883
    """Port of the SQL proxy on loopback; OceanBase's own proxy uses the same."""


@dataclass(frozen=True, kw_only=True)
class TongWeb:
    """The application server of the channel portal, through which every request goes."""

    port: int = 8088
    console_port: int = 9060
    """Port of the console, on the management address only."""
    ejb_port: int = 5100
    jmx_port: int = 7200
    """This port and the previous one are only answers for the vendor's installer; firewalls open neither."""
    shutdown_port: int = 7090
    heap_mib: int
    jvm_options: tuple[str, ...] = ()
    """Options in addition to those of the deploy."""
    max_threads: int = 512
    """Number of threads; each request under way uses one."""
    deploys_by: str = DeploysBy.AUTODEPLOY
    autodeploy_interval_ms: int = 1000
    access_log: bool = False
    """Whether to log each request: this costs more than it is worth, because gateways log errors."""
    connect_timeout_ms: int = 500
    request_timeout_ms: int = 4800
    """The portal gives up a loan service after this time, before the gateway gives up the portal."""
    ready_deadline_s: int = 90
    drain_s: int = 15
    """Time for requests under way when TongWeb stops."""
    warm_up_requests: int = 20_000
    """Requests that the host sends itself to warm up, before gateways send any."""
    license_servers: tuple[str, ...] = ()
    """ip:port of TongWeb's licence servers; none: artifact `tongweb-license` is the licence."""
    data_source: DataSource = DataSource()


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The entry: nginx with TLS in front of the channel portals."""

    server_name: str
    virtual_addresses: tuple[str, ...] = ()
    """Virtual addresses for clients: each is on one gateway at a time, and moves if that gateway is lost.
    The n-th begins at the n-th gateway. Empty: clients use the gateways' own addresses."""
    virtual_interface: str = "dmz0"
    """The gateways' interface in the DMZ."""
    port: int = 443
    worker_processes: int = 1
    connect_timeout_ms: int = 500
    request_timeout_ms: int = 5000
    upstream_keepalive: int = 512


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """Prometheus and its exporters."""

    prometheus_port: int = 9090
    node_exporter_port: int = 9100
    scrape_interval_s: int = 5
    retention: str = "2h"


@dataclass(frozen=True, kw_only=True)
class LegalEntity:
    """An independent bank of the union, with its own products, thresholds and rows."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Journey:
    """The load journey: operations of customers, and their frequency."""

    customers: int
    weights: tuple[tuple[str, int], ...]
    """(operation, weight) of the writes, which together have the planned rate."""
    reads_per_write: float
    """Queries sent with each write; reported separately, never counted as TPS."""
    users: int
    """Most concurrent clients; a load uses as many as arrive in one second."""
    deadline_ms: int = 10_000
    """A client gives up after this time; the outcome is then indeterminate."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One whole environment."""

    name: str
    title: str
    purpose: Purpose = Purpose.PRODUCTION
    """Purpose; by default production, which may be neither loaded nor broken."""
    allows: frozenset[Action] | None = None
    """Allowed actions; None: all that its purpose allows."""
    centres: tuple[Centre, ...]
    hosts: tuple[Host, ...]
    artifacts: tuple[Artifact, ...]
    depot: Depot
    ssh: SshAccess
    secrets_file: Path
    ca_dir: Path
    """Certificate authority and certificates on the control machine."""
    database: Database
    mariadb: MariaDb = field(default_factory=MariaDb)
    """The database that OceanBase is compared with."""
    loan: LoanServices
    tongweb: TongWeb
    gateway: Gateway
    monitoring: Monitoring
    alerting: Alerting = field(default_factory=Alerting)
    etcd: Etcd = field(default_factory=Etcd)
    failover: Failover = field(default_factory=Failover)
    entities: tuple[LegalEntity, ...]
    journey: Journey
    prove_pace: ProvePace = field(default_factory=ProvePace)
    load_slo: LoadSlo = field(default_factory=LoadSlo)
    load_slo_under: Mapping[str, LoadSlo] = field(default_factory=dict, hash=False)
    """Objectives of loads under another durability, if they differ from `load_slo`."""
    drill_slo: DrillSlo = field(default_factory=DrillSlo)
    deploy_slo: DeploySlo = field(default_factory=DeploySlo)
    soak_slo: SoakSlo = field(default_factory=SoakSlo)
    management_network: str
    """CIDR from which hosts accept SSH."""
    dmz_network: str
    """CIDR from which gateways accept clients."""
    extra_ingress_rules: tuple[ExtraIngressRule, ...] = ()
    """What hosts' firewalls let in for programs that are not ours."""
    durability_variable: str | None = None
    """Environment variable that sets `failover.durability` for every command; None: the inventory sets it."""
    client_command: tuple[str, ...] = ()
    """Prefix of a client's command line that makes it run in the clients' network; empty: it runs here."""
    power_command: tuple[str, ...] = ()
    """Power switch of the hosts, followed by `off`, `on`, `freeze` or `thaw` and a host; empty: none."""
    network_command: tuple[str, ...] = ()
    """Breaks the network for drills, followed by `cut` or `mend` and a cut's name; empty: there is none."""

    def host(self, name: str) -> Host:
        """Return the host called `name`; raises KeyError naming the known ones."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(h.name for h in self.hosts)
        raise KeyError(f"no host {name!r} in environment {self.name!r}; known: {known}")

    def hosts_with(self, role: Role) -> tuple[Host, ...]:
        """Return the hosts that carry `role`, in inventory order."""
        return tuple(h for h in self.hosts if h.has(role))

    def centre(self, name: str) -> Centre:
        """Return the centre called `name`; raises KeyError naming the known ones."""
        for centre in self.centres:
            if centre.name == name:
                return centre
        known = ", ".join(c.name for c in self.centres)
        raise KeyError(f"no centre {name!r} in environment {self.name!r}; known: {known}")

    def artifact(self, name: str, arch: str) -> Artifact:
        """Return the artifact `name` for `arch`; raises KeyError naming the known ones."""
        for artifact in self.artifacts:
            if artifact.name == name and artifact.arch == arch:
                return artifact
        known = ", ".join(f"{a.name} ({a.arch})" for a in self.artifacts)
        raise KeyError(f"no artifact {name!r} for {arch!r} in environment {self.name!r}; known: {known}")

    @property
    def fences(self) -> dict[str, Fence]:
        """Return host -> fence device, of the hosts that have one."""
        found = ((host.name, host.fence) for host in self.hosts)
        return {name: fence for name, fence in found if fence is not None and fence.kind != FenceKind.NONE}

    @property
    def client_facing_addresses(self) -> tuple[str, ...]:
        """Return the addresses at which clients reach the gateways."""
        own = tuple(str(host.dmz_address) for host in self.hosts_with(Role.GATEWAY))
        return self.gateway.virtual_addresses or own

    @property
    def allowed(self) -> frozenset[Action]:
        """Return the allowed actions, as in `inventory.purpose`."""
        return ALLOWED[self.purpose] if self.allows is None else self.allows

    def under(self, durability: Durability) -> "Environment":
        """Return this environment with another durability, and with the objectives of loads under it."""
        return replace(
            self,
            failover=replace(self.failover, durability=durability),
            load_slo=self.load_slo_under.get(durability, self.load_slo),
        )

    def require_allowed(self, *actions: Action) -> None:
        """Check that `actions` are allowed, before any host is contacted.

        Raises:
            NotAllowedError: an action is not allowed; `ConsentNeededError` if a person must name the
                environment.
        """
        named = os.environ.get(CONSENT_VARIABLE)
        require(self.name, self.purpose, self.allowed, actions, consent=named)

    @property
    def is_lab(self) -> bool:
        """Say whether this environment's hosts are stand-ins."""
        return any(h.os.stand_in for h in self.hosts)
