"""Conditions that end a drill early: clients fail more than a drill may cost, or an alert fires."""

from dataclasses import dataclass

from chaos.system.world import ClientsSeen, World, WorldError
from inventory.drill_slo import StopConditions


class StopConditionMetError(WorldError):
    """The drill ends early, and the heal comes next."""


@dataclass(frozen=True, kw_only=True)
class Brake:
    """Checks whether a drill must end early."""

    world: World
    conditions: StopConditions

    def check(self) -> None:
        """Check the conditions once.

        Raises:
            StopConditionMetError: a condition is met; says which.
        """
        seen = self.world.clients.seen(self.conditions.failed_over_s)
        why = met_by(seen, self.conditions, now_s=self.world.clock.now_s())
        if why is None and self.conditions.alerts:
            firing = sorted(self.world.alerts.firing() & set(self.conditions.alerts))
            why = f"alert {', '.join(firing)} is firing" if firing else None
        if why is not None:
            raise StopConditionMetError(f"broken off by a stop condition: {why}")


def met_by(seen: ClientsSeen, conditions: StopConditions, *, now_s: float) -> str | None:
    """Return a sentence about a condition that is met; None if no condition is met.

    + seen: outcomes of clients' writes over the last `failed_over_s` seconds
    """
    if seen.last_acknowledged_s is not None:
        silent_s = now_s - seen.last_acknowledged_s
        if silent_s > conditions.outage_s_max:
            return f"nothing was acknowledged for {silent_s:.0f} s; allowed: {conditions.outage_s_max:g} s"
    whole = seen.served + seen.failed
    if seen.is_whole and whole and seen.failed > conditions.failed_ratio_max * whole:
        return (
            f"{seen.failed} of {whole} requests failed within {conditions.failed_over_s:g} s; allowed:"
            f" {conditions.failed_ratio_max:.0%} of them"
        )
    return None
