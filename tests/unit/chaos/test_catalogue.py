"""What every drill of the catalogue has, and what a hypothesis asks for."""

from dataclasses import replace

import pytest

from chaos.catalogue import drills
from chaos.catalogue.model import Observation
from chaos.catalogue.predicates import agents_agree, etcd_is_whole, standby_in_sync
from chaos.system.host_fault import CHANGING_TABLES, LOST_ETCD_MEMBER, PAUSED_DATABASE
from inventory.lab import ENVIRONMENT
from tests.unit.chaos.fake_world import FakeView

CATALOGUE = drills.drills(ENVIRONMENT)
SEEN = Observation(
    roles={"ob-a": "PRIMARY", "ob-b": "STANDBY"},
    lag_ms=80.0,
    max_healthy_lag_ms=500.0,
    acknowledged_per_s=500.0,
    rate_asked=500.0,
    agents={},
    etcd={},
)


@pytest.mark.parametrize(
    ("said", "unmet"),
    [
        (("no", None), None),
        (("yes", None), "the leader's agent says alone: yes; needed: no"),
        (("ending", None), "the leader's agent says alone: ending; needed: no"),
        ((None, None), "the leader's agent says alone: nothing; needed: no"),
    ],
)
def test_a_primary_that_may_be_alone_is_not_broken(said: tuple[str | None, ...], unmet: str | None) -> None:
    """Nobody would be promoted, and the drill would prove another thing than it is for."""
    views = [FakeView(primary="ob-a", epoch=3, durability="cross_centre", alone=alone) for alone in said]
    seen = replace(SEEN, agents=dict(zip(("ob-a", "ob-b"), views, strict=True)))
    assert standby_in_sync().unmet(seen) == unmet


def test_faults_and_heals_are_told_to_whoever_reads() -> None:
    for drill in CATALOGUE.values():
        assert drill.title
        assert drill.fault.title
        assert drill.fault.heal.title
        assert len(drill.fault.heal.failsafe) > 40, drill.name
        assert agents_agree().name in {p.name for p in drill.hypothesis}
        assert etcd_is_whole().name in {p.name for p in drill.hypothesis}
        assert standby_in_sync().name in {p.name for p in drill.hypothesis}
        assert drill.observe_s >= (drill.fault.lasts_s or 0) + 9
        assert drill.checkers


def test_faults_on_hosts_have_a_timer_there() -> None:
    with_timer = {n for n, d in CATALOGUE.items() if "systemd-run --on-active" in d.fault.heal.failsafe}
    assert with_timer == {
        "agent-killed",
        "primary-paused",
        "primary-cut-from-etcd",
        "etcd-member-lost",
        "etcd-majority-lost",
        "primary-disk-full",
        "switchover-under-ddl",
        "tongweb-killed",
        "tongweb-hung",
        "portal-heap-exhausted",
        "service-killed",
    }
    assert {PAUSED_DATABASE.name, LOST_ETCD_MEMBER.name, CHANGING_TABLES.name} == {
        "paused-database",
        "lost-etcd-member",
        "changing-tables",
    }
