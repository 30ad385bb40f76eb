"""The roles of a pair swapped: hand over and take over."""

import pytest

from tests.unit.hosttools.oceanbase.host import LOCAL, Host

HANDS_OVER = ["SWITCHOVER TO STANDBY VERIFY", "SWITCHOVER TO STANDBY"]


def switched(host: Host) -> list[str]:
    return [each.removeprefix("local: ALTER SYSTEM ") for each in host.calls if "SWITCHOVER" in each]


def test_a_primary_hands_over_once_it_may_and_says_how_far_it_got(host: Host) -> None:
    host.says(LOCAL, "PRIMARY", scn=4711)
    assert host.run("hand-over").stdout == "4711\n"
    assert host.role_file == "STANDBY\n"
    assert switched(host) == HANDS_OVER


def test_a_dry_run_of_a_hand_over_changes_nothing(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(LOCAL, "PRIMARY", scn=4711)
    done = host.run("hand-over", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "")
    assert host.role_file == "PRIMARY\n"
    assert switched(host) == HANDS_OVER[:1]


@pytest.mark.parametrize(("role", "command"), [("STANDBY", ("hand-over",)), ("PRIMARY", ("take-over", "1"))])
def test_the_wrong_side_changes_no_role(host: Host, role: str, command: tuple[str, ...]) -> None:
    host.says(LOCAL, role, scn=4711)
    assert host.run(*command).returncode == 1
    assert switched(host) == []


def test_a_standby_takes_over_only_once_it_has_everything(host: Host) -> None:
    host.says(LOCAL, "STANDBY", scn=4710)
    behind = host.run("take-over", "4711")
    assert behind.returncode == 1
    assert "waited 2 s for the standby to have everything up to 4711" in behind.stderr
    assert switched(host) == []
    host.says(LOCAL, "STANDBY", scn=4711)
    assert host.run("take-over", "4711").returncode == 0
    assert host.role_file == "PRIMARY\n"


@pytest.mark.parametrize("scn", ["a[$(id)0]", "9" * 40, "NULL", "4711; x", None, -1])
def test_a_position_that_is_no_number_is_never_far_enough(host: Host, scn: object) -> None:
    host.says(LOCAL, "STANDBY", scn=scn)
    assert host.run("take-over", "4711").returncode == 1
    assert switched(host) == []


@pytest.mark.parametrize(
    ("limit_ms", "command", "role"), [(2000, "hand-over", "PRIMARY"), (400, "take-over", "STANDBY")]
)
def test_a_refusal_under_ddl_is_tried_again_for_a_while(
    host: Host, limit_ms: int, command: str, role: str
) -> None:
    arguments = (command,) if command == "hand-over" else (command, "1")
    host.says(LOCAL, role, scn=1, refusals=[4109, 4012])
    assert host.run(*arguments).returncode == 0
    host.clock.now_s = 0
    host.says(LOCAL, role, scn=1, refusals=[4109] * 1000)
    refused = host.run(*arguments)
    assert ": no (4109)" in refused.stderr
    assert host.clock.now_s == pytest.approx(limit_ms / 1000, abs=0.06)


def test_another_refusal_is_final(host: Host) -> None:
    host.says(LOCAL, "PRIMARY", refusals=[4179])
    refused = host.run("hand-over")
    assert "SWITCHOVER TO STANDBY VERIFY: no (4179)" in refused.stderr
    assert (host.clock.now_s, host.role_file) == (0, None)
