"""A full disk for the primary's data, on no other host.

The hosts of a lab share one disk, so this disk must never be filled. Instead, the standby's data are moved
onto a file system of their own (a tmpfs), and the roles are swapped. Then the size of the file system is
reduced to the space in use, and each further allocation fails with ENOSPC, as on any full disk. The database
still writes into its open log file; ballast fills that file within seconds. Seen on seekdb 1.4: the database
then still reports that it is the primary, every write hangs, every read of a table fails (6325, clog disk
hang), and it does not recover by itself when there is space again.
"""

from chaos.catalogue.model import Fault, Heal, Target
from chaos.system.host_fault import (
    AGENT_UNIT,
    DATABASE_DIR,
    DATABASE_UNIT,
    DATABASE_USER,
    ON_SMALL_DISK,
    UNITS,
    HostFault,
)
from chaos.system.pair import DrillTopology, find_topology, wait_until_following
from chaos.system.world import ImpossibleHereError, Pending, World, WorldError, wait_until
from inventory.model import Environment, Host

_BALLAST = "loanstack.drill_ballast"
_WORK = f"{UNITS}work-ballast"

_MOVES_WITHIN_S = 60.0
_PREPARED_FOR_S = 900.0
_BELIEVED_WITHIN_S = 30.0
_ASKS_AGAIN_AFTER_S = 1.0
_ROOM_MIB = 1024
_FULL_BELOW_KIB = 1024


def disk_mib(env: Environment) -> int:
    """Return the size of the file system: seekdb does not start on one that is smaller than its log disk."""
    return env.database.datafile_size_mib + env.database.log_disk_size_mib + _ROOM_MIB


def small_disk(size_mib: int) -> HostFault:
    """Return the move of a standby's data onto their own file system; only the space in use takes memory."""
    return HostFault(
        name="small-disk",
        make=f"""
systemctl stop {AGENT_UNIT} {DATABASE_UNIT}
set -e
find {DATABASE_DIR} -mindepth 1 -delete
mount -t tmpfs -o size={size_mib}m,mode=0750 {UNITS}disk {DATABASE_DIR}
chown {DATABASE_USER}: {DATABASE_DIR}
systemctl start {AGENT_UNIT}
""",
        undo=f"""
mountpoint --quiet {DATABASE_DIR} || exit 0
if [ "$(loanstack-db role)" = PRIMARY ]; then
    echo 'it is the primary: hand over to the other database, then heal again'
    exit 1
fi
systemctl stop {AGENT_UNIT} {DATABASE_UNIT}
umount {DATABASE_DIR} || exit 1
systemctl start {AGENT_UNIT}
""",
        seen=f"mountpoint {DATABASE_DIR}",
    )


_FILL = (
    f"INSERT INTO {_BALLAST} SELECT REPEAT('x', 4000)"  # noqa: S608 - a constant
    " FROM information_schema.columns LIMIT 100"
)
"""Well below the log that a transaction buffers until its commit (`_private_buffer_size`): if the disk filled
within a transaction, half of that transaction would stay in the standby for ever."""


def full_disk(size_mib: int) -> HostFault:
    """Return the fault that leaves this file system no free space, and fills the open log file."""
    return HostFault(
        name="full-disk",
        make=f"""
set -e
mountpoint --quiet {DATABASE_DIR}
loanstack-db sql <<<'CREATE TABLE IF NOT EXISTS {_BALLAST} (v VARCHAR(4000))'
mount -o remount,size=$(df --output=used --block-size=1 {DATABASE_DIR} | tail -1) {DATABASE_DIR}
systemd-run --quiet --collect --unit={_WORK} --property=RuntimeMaxSec=60 \\
    /bin/bash -c "while loanstack-db sql <<<\\"{_FILL}\\"; do :; done"
""",
        undo=f"""
systemctl stop {_WORK} 2>/dev/null
if mountpoint --quiet {DATABASE_DIR}; then mount -o remount,size={size_mib}m {DATABASE_DIR} || exit 1; fi
timeout 5 loanstack-db sql <<<'DROP TABLE IF EXISTS {_BALLAST}' >/dev/null 2>&1 || true
""",
        seen=f"""
free_kib=$(df --output=avail --block-size=1024 {DATABASE_DIR} | tail -1)
if [ "$free_kib" -gt {_FULL_BELOW_KIB} ]; then echo "$free_kib KiB are free on its disk"; exit 1; fi
""",
    )


def primary_disk_full(*, lasts_s: float) -> Fault:
    """Fill the disk of the primary's data."""
    return Fault(
        title="the file system of the primary's data is full",
        on=Target.PRIMARY,
        silences=True,
        prepare=_move,
        inject=_fill,
        acts=lambda world, topology: world.hosts.shows(topology.primary, full_disk(disk_mib(topology.env))),
        heal=Heal(
            title="enlarge the file system, move the data back once their host is a standby",
            undo=_give_room,
            put_back=_move_back,
            failsafe="timers on the host itself (systemd-run --on-active), set before each step, undo it",
        ),
        lasts_s=lasts_s,
        primary_serves_on=True,
    )


def _move(world: World, topology: DrillTopology) -> None:
    """Move the standby's data onto a small disk, then make it the primary."""
    if not topology.env.is_lab:
        raise ImpossibleHereError(f"the data of {topology.standby.name} would have to fit into its memory")
    moved = small_disk(disk_mib(topology.env))
    world.hosts.begin(topology.standby, moved, for_s=_PREPARED_FOR_S).wait(_MOVES_WITHIN_S)
    wait_until_following(world, topology.env)
    _hand_over(world, topology.primary, topology.standby)
    wait_until_following(world, topology.env)


def _hand_over(world: World, source: Host, to: Host) -> None:
    """Switch over. A refusal is retried, because the agents accept a copy only some time after it answers."""

    def refused() -> str | None:
        try:
            world.agents.switchover(source, to).wait(_MOVES_WITHIN_S)
        except WorldError as why:
            return str(why)
        return None

    wait_until(
        world.clock,
        refused,
        what=f"{source.name} to hand over to {to.name}",
        within_s=_BELIEVED_WITHIN_S,
        every_s=_ASKS_AGAIN_AFTER_S,
    )


def _fill(world: World, topology: DrillTopology, for_s: float) -> Pending:
    return world.hosts.begin(topology.primary, full_disk(disk_mib(topology.env)), for_s=for_s)


def _give_room(world: World, topology: DrillTopology) -> None:
    # On both hosts: the ballast must be dropped on the current primary.
    for host in topology.pair:
        world.hosts.undo(host, full_disk(disk_mib(topology.env)))


def _move_back(world: World, topology: DrillTopology) -> None:
    roles = find_topology(topology.env, world.databases)
    if ON_SMALL_DISK in world.hosts.residue(roles.primary):
        # The drill ended before the other host became the primary.
        _hand_over(world, roles.primary, roles.standby)
        wait_until_following(world, topology.env)
    for host in topology.pair:
        world.hosts.undo(host, small_disk(disk_mib(topology.env)))
    wait_until_following(world, topology.env)
