"""The typed inventory: hosts, roles, sizes and promises of one environment.

Everything here is a frozen value. Whether the values fit together is asked in `inventory.validation`,
so that all mistakes of an inventory are reported at once and not one a run.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from inventory.availability import Durability, Failover, Fence, Store
from inventory.drill_slo import DrillSlo
from inventory.hardware import Processor
from inventory.peer import MariaDb
from inventory.purpose import ALLOWED, CONSENT_VARIABLE, Action, Purpose, require
from inventory.slo import DeploySlo, LoadSlo, ProvePace, SoakSlo


class Role(StrEnum):
    """What a host is for; a host may have several."""

    GATEWAY = "gateway"
    TONGWEB = "tongweb"
    LOAN = "loan"
    OCEANBASE = "oceanbase"
    REGISTRY = "registry"
    CACHE = "cache"
    ARBITER = "arbiter"
    """A voting member of the consensus store; one in each centre."""
    MONITOR = "monitor"
    DEPOT = "depot"
    LOADGEN = "loadgen"
    """Makes load, as clients do and from where they stand; what it costs is no cost of the system."""


class Arch(StrEnum):
    """Machine architectures, as ``uname -m`` prints them."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"


class DeploysBy(StrEnum):
    """How TongWeb comes to an application."""

    AUTODEPLOY = "autodeploy"
    """It finds the WAR in its folder."""
    COMMAND = "commandstool"
    """It is told, by its own command line."""


class DatabaseRole(StrEnum):
    """The role a database is first deployed with; drills and failovers may swap it later."""

    PRIMARY = "PRIMARY"
    STANDBY = "STANDBY"


@dataclass(frozen=True, kw_only=True)
class Centre:
    """A data centre and its network segment."""

    name: str
    """One letter: `a` production, `b` same city, `c` another city."""
    site: str
    """The city or campus it stands in."""
    segment: str
    """CIDR of the segment through which hosts reach each other."""
    router: str
    """Address of the router in that segment."""


@dataclass(frozen=True, kw_only=True)
class OsRelease:
    """The operating system a host must run, as its `/etc/os-release` and `uname -r` say it."""

    id: str = "kylin"
    version_id: str = "V10"
    codename: str = "Lance"
    """Of all that a host says, only this tells the service packs apart."""
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
    """Values of `Role`; kept as text so that an unknown one can be reported and not just crash."""
    management_address: str
    """Where SSH answers; never touched by drills."""
    address: str
    """Address in the centre's segment: what the other hosts use."""
    dmz_address: str | None = None
    """Only gateways have one, because clients reach nothing else; and hosts that make load as clients do."""
    arch: str = Arch.X86_64
    processor: Processor | None = None
    """What the machine is; None where looking at it proves nothing (lab)."""
    memory_mib: int = 1024
    os: OsRelease = field(default_factory=OsRelease)
    database_role: str | None = None
    """`PRIMARY` or `STANDBY`: how a host of role oceanbase is first deployed."""
    may_lead: bool = True
    """False: a database that is never promoted, such as a third copy in another city."""
    fence: Fence | None = None
    """How others switch it off; every host of role oceanbase has one."""
    weight: int = 10
    """Of role loan: its share of the requests, against the others' weights."""
    tongweb_cpus: str | None = None
    """Of role tongweb: processors that it may run on, such as those of a NUMA node (`0-31`); None: all."""

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
    """Hex digest; None where it is the one listed in the depot's SHA256SUMS (see `sums_file`)."""


@dataclass(frozen=True, kw_only=True)
class Depot:
    """The offline mirror that hosts install from."""

    url: str
    """Base address; `repo/<arch>/` holds the yum repository, `artifacts/` the tarballs."""
    gpg_key_file: str
    """Name of the signing key below `url`."""
    sums_file: Path | None = None
    """Copy of the depot's SHA256SUMS on the control machine, made when the depot was filled."""


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
    """Memory the kernel may come to use; the log disk is measured against it."""
    datafile_size_mib: int
    datafile_maxsize_mib: int
    log_disk_size_mib: int
    lag_limit_ms: int = 500
    """The deploy waits until the standby is at most this far behind."""
    merge_at: str = "02:00"
    """Local time, HH:MM, at which both databases merge what they have dumped since the day before."""


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
    """The JDBC pool for applications on TongWeb: at the primary, by way of the SQL proxy of their host."""

    driver: str = "com.oceanbase.jdbc.Driver"
    """Class in artifact `jdbc-driver`."""
    protocol: str = "oceanbase"
    """What the driver's URLs begin with, after `jdbc:`."""
    connections_max: int = 16
    connections_idle_min: int = 1
    wait_ms: int = 1000
    """How long an application waits for a connection."""
    proxy_port: int = 2883
    """Of the SQL proxy on loopback: where OceanBase's own proxy would listen."""


@dataclass(frozen=True, kw_only=True)
class TongWeb:
    """The application server of the channel portal, through which every request goes."""

    port: int = 8088
    console_port: int = 9060
    """On the management address only."""
    ejb_port: int = 5100
    jmx_port: int = 7200
    """This and the one before: only what the vendor's installer asks for; firewalls open neither."""
    shutdown_port: int = 7090
    heap_mib: int
    jvm_options: tuple[str, ...] = ()
    """Beside those that the deploy gives."""
    max_threads: int = 512
    """One for each request under way."""
    deploys_by: str = DeploysBy.AUTODEPLOY
    autodeploy_interval_ms: int = 1000
    access_log: bool = False
    """A line for each request costs more than it tells: gateways log what went wrong."""
    connect_timeout_ms: int = 500
    request_timeout_ms: int = 4800
    """The portal gives up on a loan service after this long, before the gateway gives up on the portal."""
    ready_deadline_s: int = 90
    drain_s: int = 15
    """How long what is under way may take when it stops."""
    warm_up_requests: int = 20_000
    """Sent by the host itself before gateways send any."""
    license_servers: tuple[str, ...] = ()
    """ip:port of TongWeb's licence servers; none: artifact `tongweb-license` is the licence."""
    data_source: DataSource = DataSource()


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The entry: nginx with TLS in front of the channel portals."""

    server_name: str
    virtual_addresses: tuple[str, ...] = ()
    """Where clients go: each is on one gateway at a time, and moves when that one is lost. The n-th begins at
    the n-th gateway. Empty: clients know the gateways' own addresses."""
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
    """An independent bank of the union; owns its products, thresholds and rows."""

    code: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Journey:
    """The load journey: what customers do, and how often."""

    customers: int
    weights: tuple[tuple[str, int], ...]
    """(operation, weight) for the writes; they make up the asked rate."""
    reads_per_write: float
    """Queries that ride along with each write; reported apart, never counted as TPS."""
    users: int
    """Concurrent clients that share the arrivals, at most; a load uses as many as arrive in a second."""
    deadline_ms: int = 10_000
    """A client gives up after this long: the outcome is then indeterminate."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment, whole."""

    name: str
    title: str
    purpose: Purpose = Purpose.PRODUCTION
    """What it is for: unless it says so, nobody may load or break it."""
    allows: frozenset[Action] | None = None
    """What may be done to it; None: whatever its purpose allows."""
    centres: tuple[Centre, ...]
    hosts: tuple[Host, ...]
    artifacts: tuple[Artifact, ...]
    depot: Depot
    ssh: SshAccess
    secrets_file: Path
    ca_dir: Path
    """Certificate authority and certificates on the control machine."""
    database: Database
    peer: MariaDb = field(default_factory=MariaDb)
    """What the database is compared with."""
    loan: LoanServices
    tongweb: TongWeb
    gateway: Gateway
    monitoring: Monitoring
    store: Store = field(default_factory=Store)
    failover: Failover = field(default_factory=Failover)
    entities: tuple[LegalEntity, ...]
    journey: Journey
    prove_pace: ProvePace = field(default_factory=ProvePace)
    load_slo: LoadSlo = field(default_factory=LoadSlo)
    load_slo_under: Mapping[str, LoadSlo] = field(default_factory=dict, hash=False)
    """What loads promise under another durability, where that differs from `load_slo`."""
    drill_slo: DrillSlo = field(default_factory=DrillSlo)
    deploy_slo: DeploySlo = field(default_factory=DeploySlo)
    soak_slo: SoakSlo = field(default_factory=SoakSlo)
    management_network: str
    """CIDR from which hosts accept SSH."""
    dmz_network: str
    """CIDR from which gateways accept clients."""
    durability_variable: str | None = None
    """Environment variable that tells every command `failover.durability`; None: the inventory alone does."""
    client_command: tuple[str, ...] = ()
    """Put before a client's command line so that it runs where clients stand; empty: here."""
    power_command: tuple[str, ...] = ()
    """Followed by `off`, `on`, `freeze` or `thaw` and a host: the hosts' power switch; empty: none known."""
    network_command: tuple[str, ...] = ()
    """Followed by `cut` or `mend` and a cut's name: breaks the network for drills; empty: nothing does."""

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
    def entrances(self) -> tuple[str, ...]:
        """Return the addresses at which clients reach the gateways."""
        own = tuple(str(host.dmz_address) for host in self.hosts_with(Role.GATEWAY))
        return self.gateway.virtual_addresses or own

    @property
    def allowed(self) -> frozenset[Action]:
        """Return what may be done to it, as `inventory.purpose` has it."""
        return ALLOWED[self.purpose] if self.allows is None else self.allows

    def under(self, durability: Durability) -> "Environment":
        """Return this environment with another durability, and with what loads promise under it."""
        return replace(
            self,
            failover=replace(self.failover, durability=durability),
            load_slo=self.load_slo_under.get(durability, self.load_slo),
        )

    def require_allowed(self, *actions: Action) -> None:
        """Make sure that `actions` may be done to it, before anything is contacted.

        Raises:
            NotAllowedError: they may not; `ConsentNeededError` where somebody has to name it first.
        """
        named = os.environ.get(CONSENT_VARIABLE)
        require(self.name, self.purpose, self.allowed, actions, consent=named)

    @property
    def is_lab(self) -> bool:
        """Say whether this environment's hosts are stand-ins."""
        return any(h.os.stand_in for h in self.hosts)
