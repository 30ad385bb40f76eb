"""MariaDB on OceanBase's hosts, in place of OceanBase: only while the two are compared."""

from deploys.component import Component, Footprint, Port, Stage, Step
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host, Role


def _footprint(env: Environment, _host: Host) -> Footprint:
    # Its package and unit are not here: they come with a comparison, and the package stays after it.
    sql = Port(
        number=env.mariadb.sql_port,
        opened_to=(Role.LOAN, Role.OCEANBASE),
        why="sql for loan services and the replica",
        only_with=DatabaseKind.MARIADB,
    )
    return Footprint(ports=(sql,))


COMPONENT = Component(
    name="mariadb",
    package=__name__,
    roles=(Role.OCEANBASE,),
    steps=(
        Step(stage=Stage.STOPPED, deploy="stopped", only_with=DatabaseKind.OCEANBASE),
        Step(stage=Stage.DATABASES, deploy="in_place_of_oceanbase", only_with=DatabaseKind.MARIADB),
    ),
    footprint=_footprint,
)
