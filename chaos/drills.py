"""The catalogue of drills."""

from chaos.checkers import (
    Checker,
    entities_apart,
    ledger_balances,
    no_overdrawn_limit,
    nothing_doubled,
    rejected_left_no_trace,
)
from chaos.heal import PairHealer
from chaos.loss import lost_within_lag
from chaos.model import (
    Drill,
    Fault,
    Heal,
    Target,
    loans_acknowledged,
    one_primary,
    standby_following,
)
from inventory.model import Environment

HYPOTHESIS = (one_primary(), standby_following(), loans_acknowledged(share=0.95))

DRILL_CHECKERS: tuple[Checker, ...] = (
    lost_within_lag,
    nothing_doubled,
    ledger_balances,
    no_overdrawn_limit,
    entities_apart,
    rejected_left_no_trace,
)
"""What a failover is judged by: as a load, except that the unreplicated tail may be lost."""


def drills(env: Environment) -> dict[str, Drill]:
    """Return the drills of an environment by name, in the order in which `all` runs them.

    Each hits whoever is the primary at its moment, so a second one brings the roles back.
    """
    healer = PairHealer(env)
    crash = Drill(
        name="primary-crash",
        title="The database process of the primary dies (SIGKILL)",
        hypothesis=HYPOTHESIS,
        fault=Fault(
            title="kill -9 of the database process",
            on=Target.PRIMARY,
            inject=lambda world, host: world.databases.kill(host),
            heal=Heal(
                title="lift the fence, empty the old primary, let it follow the new one",
                undo=healer.return_to_pair,
                dead_man="no timer on the target: a dead process cannot be brought back to life, and an old"
                " primary that restarts by itself would be a second one; the heal acts from the control"
                " machine, and if that dies too, the next run starts with it",
            ),
        ),
        observe_s=12.0,
        recovery_deadline_s=15.0,
        checkers=DRILL_CHECKERS,
    )
    power_off = Drill(
        name="primary-host-poweroff",
        title="The whole host of the primary is gone at once",
        hypothesis=HYPOTHESIS,
        fault=Fault(
            title="power off",
            on=Target.PRIMARY,
            inject=lambda world, host: world.power.off(host),
            heal=Heal(
                title="switch the host on, empty its database, let it follow the new primary",
                undo=healer.return_to_pair,
                dead_man="no timer on the target: a host without power runs none; the heal is the power"
                " switch on the control machine, and if that dies too, the next run starts with it",
            ),
        ),
        observe_s=12.0,
        recovery_deadline_s=15.0,
        checkers=DRILL_CHECKERS,
    )
    return {drill.name: drill for drill in (crash, power_off)}
