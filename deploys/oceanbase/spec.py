"""One database of the primary/standby pair."""

from dataclasses import dataclass, field

from deploys.artifact import artifact_for
from deploys.failover.spec import AGENT_UNIT, DATABASE_UNIT
from deploys.tongweb.data_source import USER as DATA_SOURCE_USER
from inventory.model import Artifact, Database, Environment, Host, Role
from inventory.secrets import Secrets

ARTIFACT = "seekdb"
FOLDER = "/opt/loanstack/seekdb"
MERGE_UNIT = "loanstack-merge.service"
MERGE_TIMER = "loanstack-merge.timer"
SOCKET_SOURCE = "unix_"
"""Host of an account for clients on the unix socket. seekdb 1.4 calls theirs `unix:`, which its SQL does not
accept as a host; `_` stands for any character."""
ROOT_OPTIONS = "/etc/loanstack/oceanbase-root.cnf"
WALLET = "/etc/loanstack/oceanbase-wallet"
"""Folder with the database's certificate and key, as `wallet` of its base dir leads to it."""
PROBE_OPTIONS = "/etc/loanstack/oceanbase-probe.cnf"
BASE_DIR = "/data/oceanbase"
USER = "oceanbase"

_ALIKE_EVERYWHERE = (
    ("compaction_low_thread_score", "1"),
    ("compaction_mid_thread_score", "1"),
    ("compaction_high_thread_score", "1"),
    ("minor_compact_trigger", "4"),
    ("freeze_trigger_percentage", "50"),
    ("enable_major_freeze", "False"),
    ("_enable_adaptive_compaction", "False"),
    ("_private_buffer_size", "2M"),
)
"""A merge with default thread scores starved commits for 10 s under 1000 writes a second (measured).

A MAJOR FREEZE dumps each table. By default two dumps of a table are already merged with each other, seconds
before the daily merge reads them all anyway: this makes an idle pair's freeze half as expensive again
(measured). But there should not be many dumps either, because each read of a row searches all of them.

seekdb 1.4 makes a MAJOR FREEZE of each full memstore, whatever `major_compact_trigger` is: every 2 s its
freezer repeats a freeze that never failed, and succeeds as soon as there is data to freeze (log level INFO:
"A major freeze is needed due to previous failure"); this takes half a minute at 1000/s. So it is disabled
(`enable_major_freeze`) except in the daily window, where `loanstack-db merge` enables it for the time of the
merge. A full memstore is then only dumped: 1000 writes a second during a dump had a p99 of 49 and 75 ms
(measured). After a dump it must also not merge the tables that changed most (MEDIUM_MERGE,
`_enable_adaptive_compaction`): one such merge of 6 s on both databases at once had a p99 of 1.5 s, and loads
without it 56 to 161 ms (measured). The price of 50 is a longer log to replay at a start after a crash.

A transaction writes to the log before its commit if it is larger than the buffer, 16 KiB by default. If the
primary dies in between, the standby has half a transaction for ever: its locks remain through promotions,
restarts and copies, and `SWITCHOVER TO STANDBY` waits for its end for ever (seen on seekdb 1.4, after a full
disk). With 2 MiB, a transaction of the services is in the log completely or not at all.
"""


_TLS_OF_SQL = (("ssl_client_authentication", "True"), ("sql_protocol_min_tls_version", "TLSv1.2"))
"""A database that has its wallet at a start then offers TLS; it asks no client for a certificate."""


def run_time_parameters(database: Database) -> tuple[tuple[str, str], ...]:
    """Return (name, value) of the parameters of a running database, which also apply at its first start.

    Without a memory budget, the database's kernel derives one from the machine (8 GiB on one of 24), and
    ignores the inventory: in an hour at 300 writes a second the primary grew from 0.4 to 1.1 GiB, and was
    still growing.
    """
    tls = _TLS_OF_SQL if database.sql_tls else (("ssl_client_authentication", "False"),)
    return (("memory_budget", f"{database.memory_mib}M"), *tls, *_ALIKE_EVERYWHERE)


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """Certificate of one database, with which it serves SQL and replicates."""

    authority: str
    """PEM certificate of the authority that signed all databases' certificates."""
    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class OceanBaseSpec:
    """One database host."""

    artifact: Artifact
    address: str
    peers: tuple[str, ...]
    """Segment addresses of the other databases."""
    first_role: str
    """Role at the first deploy; later, the existing databases decide."""
    sql_port: int
    rpc_port: int
    schema: str
    sizes: tuple[tuple[str, str], ...]
    """Parameters of the first start; the data directory keeps them."""
    run_time_parameters: tuple[tuple[str, str], ...]
    max_healthy_lag_ms: int
    merge_at: str
    """Time of day at which the dumps are merged, HH:MM."""
    wallet: Wallet | None
    """None: SQL and replication are plain text."""
    root_sources: tuple[str, ...]
    """Hosts, as the database sees them, from which its administrator may come: the database hosts."""
    root_password: str = field(repr=False)
    reserved_password: str = field(repr=False)
    """Of the kernel's own account for root from anywhere; no host has it."""
    passwords: tuple[tuple[str, str], ...] = field(repr=False)
    """(user, password) of the database users."""

    base_dir: str = BASE_DIR
    folder: str = FOLDER
    user: str = USER
    unit: str = DATABASE_UNIT
    agent_unit: str = AGENT_UNIT
    merge_unit: str = MERGE_UNIT
    merge_timer: str = MERGE_TIMER


def oceanbase_spec(
    env: Environment, host: Host, secrets: Secrets, *, wallet: Wallet | None = None
) -> OceanBaseSpec:
    """Return the database of `host`.

    + wallet: its certificate, in an environment with TLS
    """
    assert host.database_role is not None, "the inventory's validation asks for it"
    database = env.database
    return OceanBaseSpec(
        artifact=artifact_for(env, host, ARTIFACT),
        address=host.address,
        peers=tuple(h.address for h in env.hosts_with(Role.OCEANBASE) if h.name != host.name),
        first_role=host.database_role,
        sql_port=database.sql_port,
        rpc_port=database.rpc_port,
        schema=database.schema,
        sizes=(
            ("cpu_count", str(database.cpu_count)),
            ("datafile_size", f"{database.datafile_size_mib}M"),
            ("datafile_maxsize", f"{database.datafile_maxsize_mib}M"),
            ("log_disk_size", f"{database.log_disk_size_mib}M"),
            # Static: mutual TLS between the two, from the first start on.
            *((("enable_rpc_tls", "True"),) if database.replication_tls else ()),
        ),
        run_time_parameters=run_time_parameters(database),
        max_healthy_lag_ms=database.max_healthy_lag_ms,
        merge_at=database.merge_at,
        wallet=wallet,
        root_sources=(SOCKET_SOURCE, *sorted(h.address for h in env.hosts_with(Role.OCEANBASE))),
        root_password=secrets.database_root_password,
        reserved_password=secrets.database_reserved_password,
        passwords=(
            ("loan_owner", secrets.loan_owner_password),
            ("loan_app", secrets.loan_app_password),
            ("probe", secrets.probe_password),
            ("report", secrets.report_password),
            (DATA_SOURCE_USER, secrets.data_source_password),
        ),
    )
