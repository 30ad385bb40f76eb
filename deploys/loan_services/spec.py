"""The loan services of one host."""

from dataclasses import dataclass, field

from deploys.artifact import artifact_for
from deploys.failover.spec import leaders_near
from deploys.rotation import Rotation
from inventory.availability import Durability, Failover
from inventory.database_kind import DatabaseKind
from inventory.model import Artifact, Environment, Host, LoanServices
from inventory.secrets import Secrets

ARTIFACT = "loan-services"
UNIT = "loanstack-loan.service"
FOLDER = "/opt/loanstack/loan"
RUN_DIR = "/run/loanstack-loan"
ENVIRONMENT = "/etc/loanstack/loan.env"
OWNER_ENVIRONMENT = "/etc/loanstack/loan-owner.env"
_READY_S = 60.0
_PORTALS_NOTICE_S = 0.8
"""Time for portals to notice: they check every quarter of a second, and wait 0.4 s for an answer."""


@dataclass(frozen=True, kw_only=True)
class LoanServicesSpec:
    """One loan host."""

    artifact: Artifact
    address: str
    """Address on which the services listen: that of the segment, not of the management network."""
    services: LoanServices
    database_kind: DatabaseKind
    endpoints: tuple[str, ...]
    """ip:port of every database that may lead; the services find the primary among them."""
    agents: tuple[str, ...]
    """ip:port of the failover agent on each of their hosts, which knows the leader; MariaDB has none."""
    failover: Failover
    durability: str
    """With MariaDB: the database itself waits for its replica, whatever durability OceanBase has."""
    schema: str
    tls: bool
    """Whether connections to the database are encrypted."""
    rotation: Rotation
    agent_key: str = field(repr=False)
    """With which the agents sign what they tell the services."""
    app_password: str = field(repr=False)
    owner_password: str = field(repr=False)

    folder: str = FOLDER
    user: str = "loan"
    unit: str = UNIT


def loan_services_spec(
    env: Environment,
    host: Host,
    secrets: Secrets,
    *,
    database_kind: DatabaseKind = DatabaseKind.OCEANBASE,
) -> LoanServicesSpec:
    """Return the loan services of `host`.

    + database_kind: the database that they use
    """
    # A database that never leads gets no writes, and its copy does not make a write safe.
    leaders = leaders_near(env, host)
    is_mariadb = database_kind is DatabaseKind.MARIADB
    port = env.mariadb.sql_port if is_mariadb else env.database.sql_port
    return LoanServicesSpec(
        artifact=artifact_for(env, host, ARTIFACT),
        address=host.address,
        services=env.loan,
        database_kind=database_kind,
        endpoints=tuple(f"{h.address}:{port}" for h in leaders),
        agents=() if is_mariadb else tuple(f"{h.address}:{env.failover.agent_port}" for h in leaders),
        failover=env.failover,
        durability=Durability.LOCAL if is_mariadb else env.failover.durability,
        schema=env.database.schema,
        # The MariaDB that OceanBase is compared with has no certificate.
        tls=env.database.sql_tls and not is_mariadb,
        rotation=_rotation(env, host),
        agent_key=secrets.agent_reading_key,
        app_password=secrets.loan_app_password,
        owner_password=secrets.loan_owner_password,
    )


def _rotation(env: Environment, host: Host) -> Rotation:
    url = f"http://{host.address}:{env.loan.port}"
    restart = ("systemctl", "restart", UNIT)
    return Rotation(
        name="loan",
        folder=FOLDER,
        out_of_rotation=f"{RUN_DIR}/out-of-rotation",
        port=env.loan.port,
        well_url=f"{url}/readyz",
        metrics_url=f"{url}/metrics",
        in_flight="loan_requests_in_flight",
        idle_in_flight=1,
        smoke_test_url=f"{url}/v1/products",
        smoke_test_entity=env.entities[0].code,
        drain_s=env.loan.shutdown_grace_s,
        back_s=_PORTALS_NOTICE_S,
        restart=(restart,),
        after_roll_back=(restart,),
        ready_s=_READY_S,
    )
