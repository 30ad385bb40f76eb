"""MariaDB: it runs in place of OceanBase, never together with it, so each has the whole machine."""

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.failover import operations as agent
from deploys.failover.spec import AGENT_UNIT
from deploys.mariadb import operations, package
from deploys.mariadb.spec import MariaDbSpec, mariadb_spec
from deploys.operations import services

PAIR_DEADLINE_S = 60


def spec_of(context: HostContext) -> MariaDbSpec:
    """Return the database of the host of `context`."""
    return mariadb_spec(context.env, context.host, context.secrets)


@deploy("MariaDB")
def in_place_of_oceanbase(spec: MariaDbSpec) -> None:
    """Stop OceanBase, and bring MariaDB up in its place.

    + spec: the database of this host
    """
    for while_primary, where in ((False, "a standby"), (True, "the primary")):
        # The agent ends with its database. The standby's agent is stopped first; otherwise it would promote.
        agent.kept_stopped(
            name=f"Keep OceanBase and its agent stopped where it is {where}",
            unit=AGENT_UNIT,
            while_primary=while_primary,
            _serial=True,
        )
    written = package.install(spec)
    operations.data_made(name="Make the database where there is none")
    services.kept_running(
        name="Keep MariaDB running",
        unit=spec.unit,
        restart_after=(package.CONFIG, f"/etc/systemd/system/{spec.unit}"),
        written=(written,),
    )
    # A replica that starts before its primary has a user for it tries again every second.
    operations.script_applied(name="Keep users and tables, or whom to follow", sha256=package.digest_of(spec))
    operations.paired(name="Wait for a replica that acknowledges", deadline_s=PAIR_DEADLINE_S)


@deploy("MariaDB stopped")
def stopped(spec: MariaDbSpec) -> None:
    """Keep MariaDB stopped, if it is installed.

    + spec: the database of this host
    """
    services.kept_stopped(name="Keep MariaDB stopped while OceanBase serves", unit=spec.unit)
