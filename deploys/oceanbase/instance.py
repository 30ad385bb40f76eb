"""The running database."""

from deploys.oceanbase import operations
from deploys.oceanbase.package import merge_timer
from deploys.oceanbase.spec import OceanBaseSpec
from deploys.operations import services

HEALTH_DEADLINE_S = 90


def bring_up(spec: OceanBaseSpec, *, as_first_role: str) -> None:
    """Bring the database up, in the role that it was first deployed with.

    + spec: this database
    + as_first_role: PRIMARY or STANDBY: the first role whose turn it is
    """
    if spec.first_role == as_first_role:
        operations.running(
            name=f"Keep the database running ({as_first_role.lower()} at first)",
            unit=spec.unit,
            lag_limit_ms=spec.lag_limit_ms,
            deadline_s=HEALTH_DEADLINE_S,
        )


def settle(spec: OceanBaseSpec) -> None:
    """Converge run-time parameters and the daily merge, and wait for role and lag.

    + spec: this database
    """
    settings = spec.run_time_parameters
    operations.parameters_set(name="Set the database's run-time parameters", settings=settings)
    services.kept_running(
        name="Have both databases merged each day",
        unit=spec.merge_timer,
        restart_after=(merge_timer(spec),),
        starts=(spec.merge_unit,),
    )
    if spec.peers:
        operations.healthy(
            name="Wait for one primary and a standby close behind",
            lag_limit_ms=spec.lag_limit_ms,
            deadline_s=HEALTH_DEADLINE_S,
        )
