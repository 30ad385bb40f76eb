"""The faults of the catalogue, each with its heal, and with what heals it if the control machine dies."""

from collections.abc import Callable, Sequence

from chaos.catalogue.model import Fault, Heal, Target
from chaos.system.host_fault import (
    AGENT_UNIT,
    CHANGING_TABLES,
    LOST_ETCD_MEMBER,
    PAUSED_DATABASE,
    HostFault,
    cut_from_etcd,
    killed,
)
from chaos.system.pair import DrillTopology, answers_ssh
from chaos.system.world import Pending, World
from inventory.model import Environment, Host

_NOTHING_LEFT = "nothing to undo: the agents make the killed database a standby again by themselves"
_TIMER_ON_HOST = "a timer on the host itself (systemd-run --on-active), set before the fault, undoes it"
_TIMER_BESIDE = (
    "a timer beside the power switch and the router, set before the fault, undoes it, because a frozen or"
    " cut off host cannot run a timer of its own"
)
_CHANGES_WITHIN_S = 30.0


class AllPending:
    """Several faults that act at once."""

    def __init__(self, parts: Sequence[Pending]) -> None:
        self._parts = parts

    def wait(self, within_s: float) -> float:
        """Return the time at which the last of them had acted; raises WorldError."""
        return max(part.wait(within_s) for part in self._parts)


def killed_database() -> Fault:
    """Kill the database of the primary."""
    return Fault(
        title="kill -9 of the database process",
        on=Target.PRIMARY,
        inject=lambda world, topology, for_s: world.databases.kill(topology.primary),
        acts=_confirmed,
        heal=Heal(title="wait until the agents made it a standby", undo=_nothing, failsafe=_NOTHING_LEFT),
    )


def killed_agent() -> Fault:
    """Kill the failover agent of the primary; its database is bound to the agent's unit and ends with it."""
    return on_hosts(
        killed("killed-agent", AGENT_UNIT),
        "kill -9 of the primary's failover agent",
        on=Target.PRIMARY,
        undo="wait until it runs and the pair is whole",
        silences=True,
    )


def powered_off(on: Target) -> Fault:
    """Pull the plug of a whole host.

    + on: PRIMARY or STANDBY
    """
    return Fault(
        title="power off",
        on=on,
        silences=True,
        inject=lambda world, topology, for_s: world.power.off(on.hosts(topology)[0]),
        acts=lambda world, topology: silent(world, on.hosts(topology)[0]),
        heal=Heal(
            title="switch the host on, wait until it follows",
            undo=lambda world, topology: world.power.on(on.hosts(topology)[0]),
            failsafe="no timer on the target, because a host without power runs none; the new primary's"
            " agent switches on a host that a fence switched off, and the next run finishes the heal",
        ),
    )


def paused_database(*, lasts_s: float) -> Fault:
    """Pause the database of the primary, and resume it."""
    return on_hosts(
        PAUSED_DATABASE,
        "SIGSTOP of the database, then SIGCONT",
        on=Target.PRIMARY,
        undo="resume the database, wait until it follows",
        lasts_s=lasts_s,
        silences=True,
    )


def frozen_host(*, lasts_s: float) -> Fault:
    """Freeze every process of the primary's host, and thaw them."""
    return Fault(
        title="freeze the whole host, then thaw it",
        on=Target.PRIMARY,
        silences=True,
        inject=lambda world, topology, for_s: world.power.freeze(topology.primary, for_s=for_s),
        acts=lambda world, topology: silent(world, topology.primary),
        heal=Heal(
            title="thaw the host, wait until it follows",
            undo=lambda world, topology: world.power.thaw(topology.primary),
            failsafe=_TIMER_BESIDE,
        ),
        lasts_s=lasts_s,
    )


def centre_cut_off(*, lasts_s: float) -> Fault:
    """Cut the primary's centre off from the other centres, at the router."""
    return _cut(
        lambda topology: topology.cut_off, "cut the primary's centre off", Target.CENTRE, lasts_s=lasts_s
    )


def one_way_partition(*, lasts_s: float) -> Fault:
    """Drop packets from the primary's centre to the standby's, but not those in the other direction."""
    return _cut(
        lambda topology: topology.one_way_partition,
        "drop packets from the primary's centre to the standby's, but not those back",
        Target.DIRECTION,
        lasts_s=lasts_s,
    )


def primary_cut_from_etcd(env: Environment, *, lasts_s: float) -> Fault:
    """Cut the primary's host off from every member of etcd, and from nothing else."""
    return on_hosts(
        cut_from_etcd(env.etcd.client_port),
        "drop what the primary's host sends to etcd",
        on=Target.PRIMARY,
        undo="let it reach etcd, wait until it follows",
        lasts_s=lasts_s,
        primary_serves_on=True,
    )


def lost_etcd_member(on: Target, *, lasts_s: float) -> Fault:
    """Kill members of etcd and keep them down.

    + on: ETCD_MEMBER or ETCD_MAJORITY
    """
    return on_hosts(
        LOST_ETCD_MEMBER,
        f"kill {on.value} and keep it down",
        on=on,
        undo="start it again",
        lasts_s=lasts_s,
        # Without a majority of etcd, the primary acknowledges writes until it fences itself.
        primary_serves_on=on is Target.ETCD_MAJORITY,
    )


def switchover() -> Fault:
    """Ask for a planned change of roles."""
    return Fault(
        title="ask the agents to hand over to the standby",
        on=Target.PRIMARY,
        inject=_hand_over,
        acts=_confirmed,
        heal=Heal(
            title="wait until the old primary follows as the standby",
            undo=_nothing,
            failsafe="nothing to undo: the agents cancel a handover that is not finished in time",
        ),
    )


def switchover_while_tables_change() -> Fault:
    """Ask for a planned change of roles while tables are made, changed and dropped."""

    def inject(world: World, topology: DrillTopology, for_s: float) -> Pending:
        world.hosts.begin(topology.primary, CHANGING_TABLES, for_s=for_s).wait(_CHANGES_WITHIN_S)
        return _hand_over(world, topology, for_s)

    def undo(world: World, topology: DrillTopology) -> None:
        # On both hosts: the changes run on one, and their table must be dropped on the current primary.
        for host in topology.pair:
            world.hosts.undo(host, CHANGING_TABLES)

    return Fault(
        title="tables change in a loop; ask the agents to hand over to the standby",
        on=Target.PRIMARY,
        inject=inject,
        acts=lambda world, topology: world.hosts.shows(topology.primary, CHANGING_TABLES),
        heal=Heal(title="end the changes, drop their table", undo=undo, failsafe=_TIMER_ON_HOST),
    )


def _hand_over(world: World, topology: DrillTopology, for_s: float) -> Pending:
    return world.agents.switchover(topology.primary, topology.standby)


def _nothing(world: World, topology: DrillTopology) -> None:
    """Undo nothing."""


def _confirmed(world: World, topology: DrillTopology) -> str | None:
    """Need no check: the command that makes the fault confirms it.

    SIGKILL certainly kills a process that exists; agents answer after they have handed over.
    """
    return None


def silent(world: World, host: Host) -> str | None:
    """Return evidence that a host is neither off nor frozen, or None."""
    return f"{host.name} answers SSH" if answers_ssh(world.databases, host) else None


def _is_cut(world: World, topology: DrillTopology) -> str | None:
    """Return evidence that the cut does not act, or None.

    Every cut here drops packets from the primary's centre to the standby's, so no answer reaches the standby.
    The standby makes the check, because the primary may be fenced, and so off, at any moment.
    """
    primary, standby = topology.pair
    return f"{standby.name} reaches {primary.name}" if world.hosts.reaches(standby, primary) else None


def _cut(name_of: Callable[[DrillTopology], str], title: str, on: Target, *, lasts_s: float) -> Fault:
    return Fault(
        title=title,
        on=on,
        inject=lambda world, topology, for_s: world.network.cut(name_of(topology), for_s=for_s),
        acts=_is_cut,
        heal=Heal(
            title="mend the cut, wait until both follow again",
            undo=lambda world, topology: world.network.mend(name_of(topology)),
            failsafe=_TIMER_BESIDE,
        ),
        lasts_s=lasts_s,
        primary_serves_on=True,
    )


def on_hosts(
    fault: HostFault,
    title: str,
    *,
    on: Target,
    undo: str,
    lasts_s: float | None = None,
    primary_serves_on: bool = False,
    silences: bool = False,
) -> Fault:
    """Return the fault that makes `fault` on the hosts of target `on`.

    + undo: title of the heal
    + lasts_s: seconds after which the fault is undone; None: only at the end
    """

    def inject(world: World, topology: DrillTopology, for_s: float) -> Pending:
        return AllPending([world.hosts.begin(host, fault, for_s=for_s) for host in on.hosts(topology)])

    def acts(world: World, topology: DrillTopology) -> str | None:
        seen = (world.hosts.shows(host, fault) for host in on.hosts(topology))
        return "; ".join(instead for instead in seen if instead is not None) or None

    def undo_all(world: World, topology: DrillTopology) -> None:
        for host in on.hosts(topology):
            world.hosts.undo(host, fault)

    return Fault(
        title=title,
        on=on,
        inject=inject,
        acts=acts,
        heal=Heal(title=undo, undo=undo_all, failsafe=_TIMER_ON_HOST),
        lasts_s=lasts_s,
        primary_serves_on=primary_serves_on,
        silences=silences,
    )
