"""How far a replica is behind, by when its primary was where it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.recorders.replay_lag import ReplayLag
from chaos.recorders.replication import sample_line
from chaos.system.sql_session import RoleAndPosition


def test_a_replica_that_has_everything_is_not_behind() -> None:
    assert ReplayLag().lag_ms(10.0, 100, 100) == 0.0


def test_between_two_looks_the_primary_went_on_evenly() -> None:
    lag = ReplayLag()
    lag.lag_ms(10.0, 100, 100)
    assert lag.lag_ms(11.0, 200, 150) == pytest.approx(500.0)
    assert lag.lag_ms(12.0, 300, 150) == pytest.approx(1500.0)


def test_what_nobody_saw_is_not_known() -> None:
    assert ReplayLag().lag_ms(10.0, 100, 50) is None


def test_a_primary_that_stood_still_does_not_make_its_replica_late() -> None:
    lag = ReplayLag()
    for at_s in (10.0, 11.0, 12.0):
        lag.lag_ms(at_s, 100, 100)
    # The first write after two seconds of rest: at most as old as the last look that did not see it.
    assert lag.lag_ms(12.25, 101, 100) == pytest.approx(250.0)


@given(
    rate=st.integers(min_value=10, max_value=5000),
    behind_s=st.floats(min_value=0.0, max_value=3.0),
    every_s=st.floats(min_value=0.05, max_value=0.5),
)
def test_at_an_even_rate_it_finds_the_delay(rate: int, behind_s: float, every_s: float) -> None:
    lag = ReplayLag()
    found = None
    for step in range(int(5.0 / every_s)):
        at_s = step * every_s
        found = lag.lag_ms(at_s, int(rate * at_s), max(0, int(rate * (at_s - behind_s))))
    assert found is not None
    # Counts are whole: one transaction is 1/rate of a second.
    assert abs(found / 1000.0 - behind_s) <= 2.5 / rate + 1e-6


def test_samples_of_mariadb_carry_that_lag() -> None:
    lag = ReplayLag()
    lag.lag_ms(10.0, 100, 100)
    readings: dict[str, RoleAndPosition | None] = {
        "ob-a": RoleAndPosition(role="PRIMARY", scn=200),
        "ob-b": RoleAndPosition(role="STANDBY", scn=150),
    }
    line, primary = sample_line(11.0, readings, "ob-a", lag.lag_ms)
    assert (line["lag_ms"], primary) == (pytest.approx(500.0), "ob-a")
