"""The limits of the drills, a second time.

A drill cannot tell that its limit has grown: it passes all the same, and proves less. So each number stands
here once more, and a change has to be made twice, by somebody who means it.
"""

from dataclasses import astuple

import pytest

from inventory import ENVIRONMENT_NAMES, environment
from inventory.drill_slo import DrillLimit, DrillSlo, StopConditions

LIMITS = {
    #                        longest outage (ms): any, p95; served for good; errors: count, ratio; lost (ms)
    "primary-crash": (5000, 3000, 8000, None, 0.02, 300),
    "primary-host-poweroff": (5000, 3000, 8000, None, 0.02, 300),
    "agent-killed": (8000, None, 12_000, None, 0.35, 300),
    "primary-paused": (6000, None, 10_000, None, 0.02, 300),
    "primary-host-frozen": (6000, None, 10_000, None, 0.02, 300),
    "centre-a-cut-off": (6000, None, 10_000, None, 0.25, None),
    "primary-cut-from-etcd": (6000, None, 10_000, None, 0.02, 300),
    "asymmetric-cut": (15_000, None, 15_000, None, 0.25, None),
    "standby-lost": (2000, None, 4000, None, 0.05, 300),
    "etcd-member-lost": (2000, None, 4000, None, 0.05, 300),
    "etcd-majority-lost": (15_000, None, 15_000, None, 0.4, 300),
    "primary-disk-full": (15_000, None, 15_000, None, 0.02, 300),
    "tongweb-killed": (1000, None, 4000, 0, 0.02, 300),
    "tongweb-hung": (4000, None, 6000, None, 0.05, 300),
    "portal-heap-exhausted": (2000, None, 4000, None, 0.05, 300),
    "service-killed": (2000, None, 4000, None, 0.05, 300),
    "gateway-lost": (2000, None, 4000, None, 0.05, 300),
    "switchover-under-load": (1500, None, 4000, 0, 0.02, 0),
    "switchover-under-ddl": (1500, None, 4000, 0, 0.02, 0),
}


def test_each_limit_of_each_drill_is_the_one_that_was_meant() -> None:
    found = {name: astuple(limit) for name, limit in DrillSlo().limits}
    assert found == LIMITS


def test_a_pause_of_one_route_may_be_a_quarter_longer_than_that_of_all() -> None:
    assert DrillLimit(rto_ms_max=2000.0, rto_sustained_ms_max=1.0).silence_ms_max == 2500.0


def test_what_no_drill_may_do_and_what_ends_one() -> None:
    assert DrillSlo().doubled_max == 0
    assert astuple(StopConditions()) == (30, 0.95, 30, ())


@pytest.mark.parametrize("name", ENVIRONMENT_NAMES)
def test_no_environment_has_limits_of_its_own(name: str) -> None:
    assert environment(name).drill_slo == DrillSlo()
