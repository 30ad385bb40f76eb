"""What a seeding says before and after: what does not fit, how far it is, what it came to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import environment
from inventory.model import Database
from loanstack.system import seeding
from proof import promised
from proof.objectives import evaluate
from proof.verdict import Verdict, overall

MIB = 2**20


def database(*, data_mib: int, log_mib: int) -> Database:
    return Database(
        cpu_count=2,
        memory_mib=1,
        datafile_size_mib=1,
        datafile_maxsize_mib=data_mib,
        log_disk_size_mib=log_mib,
    )


def test_the_lab_takes_a_million_customers_and_says_how_many_it_does_not() -> None:
    lab = environment("lab").database
    assert seeding.space_problems(lab, 1_000_000) == ()
    problems = seeding.space_problems(lab, 50_000_000)
    assert len(problems) == 2
    assert "50,000,000 customers need" in problems[0]
    assert "datafile_maxsize_mib" in problems[0]
    assert "log_disk_size_mib" in problems[1]


@given(data_mib=st.integers(1, 10_000), log_mib=st.integers(1, 10_000))
def test_the_most_that_is_named_fits_and_one_more_does_not(data_mib: int, log_mib: int) -> None:
    small = database(data_mib=data_mib, log_mib=log_mib)
    problems = seeding.space_problems(small, 10**9)
    most = min(int(problem.split("which is ")[1].split()[0].replace(",", "")) for problem in problems)
    assert seeding.space_problems(small, most) == ()
    assert seeding.space_problems(small, most + 1) != ()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            json.dumps({"customers": 310_000, "customers_missing": 10**6, "rows_per_s": 61_234, "eta_s": 83}),
            "310,000 of 1,000,000 customers, 61,234 rows/s, 1:23 left",
        ),
        ("Warning: Permanently added ...", "Warning: Permanently added ..."),
        ('{"message":"refused"}', '{"message":"refused"}'),
    ],
)
def test_a_line_of_the_log_is_shown_as_progress(line: str, shown: str) -> None:
    assert seeding.progress(line) == shown


def test_the_rate_is_that_of_the_rows_this_run_inserted() -> None:
    found = {"customers": 1000, "inserted": 400, "rows": 900, "seed": 7, "seconds": 0.5}
    assert seeding.figures(found) == {
        "customers": 1000,
        "customers_inserted": 400,
        "rows_inserted": 900,
        "rows_per_s": 1800.0,
        "customers_seed": 7,
    }


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ({"customers": 1000, "standby_lag_ms": 80}, Verdict.PASS),
        ({"customers": 999, "standby_lag_ms": 80}, Verdict.FAIL),
        ({"customers": 1000, "standby_lag_ms": 501}, Verdict.FAIL),
        ({"customers": 1000}, Verdict.INVALID),
    ],
)
def test_a_seeding_promises_the_customers_and_a_standby_that_has_them(
    figures: dict[str, float], verdict: Verdict
) -> None:
    judged_by = promised.of_seed(customers=1000, max_healthy_lag_ms=500)
    assert overall(evaluate(judged_by, figures)).verdict is verdict
