"""One database of the MariaDB pair that OceanBase is compared with."""

from dataclasses import dataclass, field

from deploys import platform
from deploys.depot_client.spec import REPOSITORY
from deploys.tongweb.data_source import USER as DATA_SOURCE_USER
from inventory.mariadb import MariaDb
from inventory.model import DatabaseRole, Environment, Host, Role
from inventory.secrets import Secrets

UNIT = "loanstack-mariadb.service"
_REPLICA_THREADS_MAX = 8


@dataclass(frozen=True, kw_only=True)
class MariaDbSpec:
    """One database host."""

    package: str
    address: str
    primary: str
    """Segment address of the primary."""
    is_primary: bool
    """The same role as OceanBase's at its first deploy; MariaDB never fails over here."""
    server_id: int
    mariadb: MariaDb
    buffer_pool_mib: int
    replica_threads: int
    passwords: tuple[tuple[str, str], ...] = field(repr=False)
    """(user, password) of the services' users."""
    replica_password: str = field(repr=False)

    data_dir: str = "/data/mariadb"
    user: str = "mariadb"
    unit: str = UNIT
    repository: str = REPOSITORY


def mariadb_spec(env: Environment, host: Host, secrets: Secrets) -> MariaDbSpec:
    """Return the MariaDB of `host`."""
    hosts = env.hosts_with(Role.OCEANBASE)
    primary = next(h for h in hosts if h.database_role == DatabaseRole.PRIMARY)
    return MariaDbSpec(
        package=platform.of(host).mariadb_package,
        address=host.address,
        primary=primary.address,
        is_primary=host.name == primary.name,
        server_id=1 + [h.name for h in hosts].index(host.name),
        mariadb=env.mariadb,
        buffer_pool_mib=round(env.database.memory_mib * env.mariadb.buffer_pool_share),
        replica_threads=min(env.database.cpu_count, _REPLICA_THREADS_MAX),
        passwords=(
            ("loan_owner", secrets.loan_owner_password),
            ("loan_app", secrets.loan_app_password),
            ("probe", secrets.probe_password),
            ("report", secrets.report_password),
            (DATA_SOURCE_USER, secrets.data_source_password),
        ),
        # The administrator uses the socket and needs no password, so the replica can use this one.
        replica_password=secrets.database_root_password,
    )
