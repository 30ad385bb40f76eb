"""Options are refused for what they are, before anything is sent."""

import argparse
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory import environment
from inventory.purpose import CONSENT_VARIABLE, Purpose
from loadtests.plan import options
from loadtests.plan.schedule import Spacing

LAB = environment("lab")


def parse(*arguments: str) -> argparse.Namespace:
    """Parse as Locust does, whose own options are stood in for by two of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, dest="num_users")
    parser.add_argument("--host")
    options.add_to(parser)
    return parser.parse_args(arguments)


def checked(*arguments: str) -> options.LoadOptions:
    return options.checked(parse(*arguments), LAB)


def test_everything_has_a_default():
    found = checked()
    assert (found.environment, found.scenario, found.rate_per_s, found.duration_s) == (
        *("lab", "journey"),
        *(1000.0, 120.0),
    )
    assert (found.spacing, found.users, found.host) == (Spacing.EVEN, LAB.journey.users, None)
    assert found.run_folder.parent.name == "runs"
    assert options.plan_of(found, LAB).measured == 120_000
    assert len(options.plan_of(found, LAB)) == 138_750


def test_a_plain_run_is_named_as_the_runs_of_the_command_are(monkeypatch):
    monkeypatch.setattr(options.time, "time", datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp)
    assert checked().run_folder.name == "2026-11-23T120000Z-locust"


@pytest.mark.parametrize(
    ("arguments", "users"),
    [
        (("--rate", "0.5"), 64),
        (("--rate", "64"), 64),
        (("--rate", "65"), 128),
        (("--shape", "ramp:10..300"), 320),
        (("--scenario", "multi-entity", "--rate", "300"), 640),
        (("--rate", "5000"), LAB.journey.users),
    ],
)
def test_users_are_as_many_as_arrive_in_a_second(arguments, users):
    assert checked(*arguments).users == users


def test_options_are_taken():
    tomorrow_s = time.time() + 86_400.0
    found = checked(
        *("--rate", "0.5", "--duration", "2m", "--spacing", "poisson", "--run-seed", "7"),
        *("--run-folder", "runs/mine", "--users", "3", "--start-at", str(tomorrow_s), "--host", "http://x:1"),
        *("--warm-up", "0s"),
    )
    assert (found.rate_per_s, found.duration_s, found.spacing) == (0.5, 120.0, Spacing.POISSON)
    assert (found.run_seed, found.run_folder, found.users) == (7, Path("runs/mine"), 3)
    assert (found.start_at_s, found.host) == (tomorrow_s, "http://x:1")
    assert len(options.plan_of(found, LAB)) == 60


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--rate", "many"), "argument --rate: 'many'; allowed: a number of writes a second above 0"),
        (("--rate", "-1"), "argument --rate: '-1'"),
        (("--rate", "nan"), "argument --rate: 'nan'"),
        (("--rate", "inf"), "argument --rate: 'inf'"),
        (
            ("--duration", "120"),
            "argument --duration: duration '120'; allowed: a number above 0 with its unit",
        ),
        (("--warm-up", "0"), "argument --warm-up: duration '0'"),
        (("--scenario", "x"), "argument --scenario: invalid choice: 'x'"),
        (("--environment", "x"), "argument --environment: invalid choice: 'x'"),
        (("--spacing", "odd"), "argument --spacing: "),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as refused:
        parse(*arguments)
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err


def test_all_options_that_do_not_fit_are_named_at_once():
    with pytest.raises(options.OptionsError) as refused:
        checked("--users", "20000", "--rate", "0.1", "--duration", "1s", "--start-at", "5")
    assert refused.value.problems == (
        "--rate 0.1 for 1 s plans no write; ask for at least one",
        "--users 20000; allowed: 1 to 10000, a tenth of the 100000 customers",
        "--start-at 5; allowed: a unix time to come, within 30 days",
    )


@pytest.mark.parametrize("is_conducted", [False, True])
def test_production_is_loaded_by_nobody_not_even_by_a_worker(is_conducted, monkeypatch):
    qinghai = environment("qinghai")
    monkeypatch.setenv(CONSENT_VARIABLE, "qinghai")
    with pytest.raises(options.OptionsError, match="is for production"):
        options.checked(parse(), qinghai, is_conducted=is_conducted)
    rehearsal = replace(qinghai, purpose=Purpose.REHEARSAL)
    assert options.checked(parse(), rehearsal, is_conducted=is_conducted).is_conducted is is_conducted
    monkeypatch.delenv(CONSENT_VARIABLE)
    if is_conducted:
        assert options.checked(parse(), rehearsal, is_conducted=True).is_conducted
    else:
        with pytest.raises(options.OptionsError, match="--yes qinghai"):
            options.checked(parse(), rehearsal)
