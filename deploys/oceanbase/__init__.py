"""OceanBase: a primary, and a standby that follows it."""

from deploys import platform
from deploys.component import Component, Footprint, Installed, Port, Stage, Step
from deploys.failover.spec import DATABASE_UNIT
from deploys.oceanbase.spec import (
    ARTIFACT,
    FOLDER,
    MERGE_TIMER,
    PROBE_OPTIONS,
    ROOT_OPTIONS,
    WALLET,
    OceanBaseSpec,
)
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, host: Host) -> Footprint:
    sql, rpc = env.database.sql_port, env.database.rpc_port
    users, databases = (Role.LOAN, Role.OCEANBASE), (Role.OCEANBASE,)
    return Footprint(
        packages=(platform.of(host).sql_client_package,),
        ports=(
            Port(number=sql, opened_to=users, why="sql for loan services and the other database"),
            Port(number=sql, opened_to=(Role.TONGWEB,), why="sql for tongweb's data sources"),
            Port(number=rpc, opened_to=databases, why="log shipping to the other database"),
        ),
        # The database's own unit is not here: only its agent starts it.
        units=(MERGE_TIMER,),
        accounts=((DATABASE_UNIT, OceanBaseSpec.user),),
        secret_files=(ROOT_OPTIONS, PROBE_OPTIONS),
        certificate_files=tuple(
            f"{WALLET}/{name}.pem" for name in ("ca", "server-cert", "cert") if env.database.has_certificate
        ),
        artifacts=(Installed(name=ARTIFACT, folder=FOLDER),),
    )


COMPONENT = Component(
    name="oceanbase",
    package=__name__,
    roles=(Role.OCEANBASE,),
    steps=(
        Step(stage=Stage.DATABASES, deploy="oceanbase", only_with=DatabaseKind.OCEANBASE),
        Step(stage=Stage.STANDBY, deploy="oceanbase_standby", only_with=DatabaseKind.OCEANBASE),
    ),
    footprint=_footprint,
)
