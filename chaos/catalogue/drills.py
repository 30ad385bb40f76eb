"""The catalogue of drills."""

from chaos.catalogue import channel_faults, faults
from chaos.catalogue.model import Drill, Expect, Fault, Target
from chaos.catalogue.predicates import (
    agents_agree,
    etcd_is_whole,
    loans_acknowledged,
    one_primary,
    standby_following,
    standby_in_sync,
)
from chaos.catalogue.small_disk import primary_disk_full
from inventory.availability import Durability
from inventory.model import Environment
from proof.checkers.checker import Checker
from proof.checkers.sets import NOTHING_LOST, TAIL_LOST

HYPOTHESIS = (
    one_primary(),
    standby_following(),
    agents_agree(),
    standby_in_sync(),
    etcd_is_whole(),
    loans_acknowledged(share=0.95),
)


def checkers_for(drill: Drill, durability: str) -> tuple[Checker, ...]:
    """Return the checkers of `drill` under a durability: only `local` may lose an unreplicated tail."""
    return NOTHING_LOST if durability == Durability.CROSS_CENTRE else drill.checkers


def drills(env: Environment) -> dict[str, Drill]:
    """Return the drills of an environment by name, in the order in which `all` runs them.

    Each hits the host that has the role when it runs, so a second run of it brings the roles back.
    """
    long_s, short_s = 20.0, 15.0
    found = (
        _drill("primary-crash", "The database process of the primary dies", faults.killed_database()),
        _drill(
            "primary-host-poweroff",
            "The whole host of the primary is gone at once",
            faults.powered_off(Target.PRIMARY),
        ),
        _drill(
            "agent-killed",
            "The failover agent of the primary dies, and its database with it",
            faults.killed_agent(),
            expects=Expect.ONE_PRIMARY,
        ),
        _drill(
            "primary-paused",
            "The database of the primary stops where it stands, and goes on 20 s later",
            faults.paused_database(lasts_s=long_s),
        ),
        _drill(
            "primary-host-frozen",
            "The whole host of the primary stops where it stands, and goes on 20 s later",
            faults.frozen_host(lasts_s=long_s),
        ),
        _drill(
            "centre-a-cut-off",
            "The primary's centre is cut off from the others",
            faults.centre_cut_off(lasts_s=short_s),
            rate_returns_with_heal=True,
        ),
        _drill(
            "primary-cut-from-etcd",
            "The primary reaches its clients and its standby, and not etcd",
            faults.primary_cut_from_etcd(env, lasts_s=short_s),
        ),
        _drill(
            "asymmetric-cut",
            "The primary's centre hears the standby's, and is not heard there",
            faults.one_way_partition(lasts_s=short_s),
            expects=Expect.ONE_PRIMARY,
            rate_returns_with_heal=True,
        ),
        _drill(
            "standby-lost",
            "The whole host of the standby is gone at once",
            faults.powered_off(Target.STANDBY),
            expects=Expect.SAME_PRIMARY,
        ),
        _drill(
            "etcd-member-lost",
            "etcd's member nearest to the primary is gone",
            faults.lost_etcd_member(Target.ETCD_MEMBER, lasts_s=10.0),
            expects=Expect.SAME_PRIMARY,
        ),
        _drill(
            "etcd-majority-lost",
            "etcd has no majority: the primary must fence itself, and nobody may guess",
            faults.lost_etcd_member(Target.ETCD_MAJORITY, lasts_s=12.0),
            expects=Expect.NO_PRIMARY,
            rate_returns_with_heal=True,
        ),
        _drill(
            "primary-disk-full",
            "The disk of the primary's data is full",
            primary_disk_full(lasts_s=long_s),
        ),
        _drill(
            "switchover-under-load",
            "A planned change of roles under load: no request fails",
            faults.switchover(),
            checkers=NOTHING_LOST,
        ),
        _drill(
            "switchover-under-ddl",
            "A planned change of roles while tables are made, changed and dropped: no request fails",
            faults.switchover_while_tables_change(),
            checkers=NOTHING_LOST,
        ),
        *_on_the_way(env),
    )
    return {drill.name: drill for drill in found}


def _on_the_way(env: Environment) -> tuple[Drill, ...]:
    """Return the drills of hosts between clients and database: the primary stays, and nothing is lost."""
    found = (
        ("tongweb-killed", "TongWeb of one host dies", channel_faults.killed_tongweb()),
        (
            "tongweb-hung",
            "All threads of one host's TongWeb are busy in slow calls",
            channel_faults.hung_tongweb(env, lasts_s=15.0),
        ),
        (
            "portal-heap-exhausted",
            "One host's TongWeb runs out of heap, and comes back with too little of it",
            channel_faults.starved_portal(lasts_s=20.0),
        ),
        ("service-killed", "The loan services of one host die", channel_faults.killed_service()),
        (
            "gateway-lost",
            "A whole gateway is gone at once: its virtual address moves to the other",
            channel_faults.lost_gateway(),
        ),
    )
    return tuple(_drill(name, title, fault, expects=Expect.SAME_PRIMARY) for name, title, fault in found)


def _drill(
    name: str,
    title: str,
    fault: Fault,
    *,
    expects: Expect = Expect.NEW_PRIMARY,
    rate_returns_with_heal: bool = False,
    checkers: tuple[Checker, ...] | None = None,
) -> Drill:
    # A drill without a primary until the heal (etcd-majority-lost) fences the old primary as well, so its
    # unreplicated tail may be lost: use TAIL_LOST.
    may_lose = expects is not Expect.SAME_PRIMARY
    return Drill(
        name=name,
        title=title,
        hypothesis=HYPOTHESIS,
        fault=fault,
        expects=expects,
        # Long enough after the end of the fault to detect a database that comes back writable.
        observe_s=15.0 if fault.lasts_s is None else fault.lasts_s + 10.0,
        recovery_deadline_s=15.0,
        rate_returns_with_heal=rate_returns_with_heal,
        checkers=checkers or (TAIL_LOST if may_lose else NOTHING_LOST),
    )
