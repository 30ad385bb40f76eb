"""The daily merge: allowed while it lasts, and never longer."""

import pytest

from tests.unit.hosttools.oceanbase.host import LOCAL, Host

MERGES = "ALTER SYSTEM SET enable_major_freeze = "
MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize(("role", "freezes"), [("PRIMARY", 1), ("STANDBY", 0)])
def test_a_merge_is_allowed_for_as_long_as_it_takes_and_frozen_by_the_primary_alone(
    host: Host, role: str, freezes: int
) -> None:
    host.says(LOCAL, role, scn=5 * MINUTE_NS, merged=[0, 0, 0, 1])
    done = host.run("merge")
    assert done.returncode == 0, done.stderr
    called = host.called
    assert called.count("ALTER SYSTEM MAJOR FREEZE") == freezes
    assert called.index(f"{MERGES}True") < called.index("LAST_SCN") < called.rindex(f"{MERGES}False")
    # One of the day before does not count, one that the other side began a moment ago does.
    assert called.count(f"LAST_SCN >= {4 * MINUTE_NS}\n") == 4
    assert called.count(MERGES) == 2


@pytest.mark.parametrize("merged", [0, 2, "a[$(id)0]", None])
def test_a_merge_that_does_not_end_is_said_and_none_is_allowed_afterwards(host: Host, merged: object) -> None:
    host.says(LOCAL, "PRIMARY", scn=5 * MINUTE_NS, merged=[merged])
    done = host.run("merge", "600")
    assert done.returncode == 1
    assert "waited 600 s for a merge of this PRIMARY to end" in done.stderr
    assert host.called.rstrip().endswith(f"{MERGES}False")


def test_merges_are_forbidden_again_when_one_cannot_be_begun(host: Host) -> None:
    host.says(LOCAL, "PRIMARY", refusals=[0, 4012])
    assert host.run("merge").returncode == 1
    assert host.called.rstrip().endswith(f"{MERGES}False")


def test_a_database_that_is_down_is_not_merged(host: Host) -> None:
    done = host.run("merge")
    assert (done.returncode, host.called.count(MERGES)) == (1, 0)
    assert "nothing to merge" in done.stderr


def test_a_position_that_is_no_number_is_formatted_into_no_statement(host: Host) -> None:
    host.says(LOCAL, "PRIMARY", scn="1 OR 1=1")
    assert host.run("merge").returncode == 1
    assert "LAST_SCN" not in host.called
