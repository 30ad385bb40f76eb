"""Starts: the guard that lets no second primary start, and what a start is told."""

import pytest

from hosttools.oceanbase import lock
from tests.unit.hosttools.oceanbase.host import LOCAL, OTHER_PEER, PEER, REFUSED, SILENT, Host


def test_an_old_primary_does_not_start_beside_a_new_one(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, "PRIMARY")
    refused = host.run("guard")
    assert refused.returncode == 1
    assert f"a peer is PRIMARY now; run: loanstack-db rejoin {PEER}" in refused.stderr


@pytest.mark.parametrize("answer", ["STANDBY", REFUSED])
def test_a_primary_starts_when_no_peer_can_be_one(host: Host, answer: str) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, answer)
    assert host.run("guard").returncode == 0


@pytest.mark.parametrize("answer", [SILENT, "LEADER", "$(id)", ""])
def test_a_primary_does_not_start_while_its_peer_is_silent_or_says_nothing_known(
    host: Host, answer: str
) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, answer)
    refused = host.run("guard")
    assert refused.returncode == 1
    assert "may be PRIMARY; when sure that it is not: loanstack-db start --alone" in refused.stderr


def test_a_peer_that_speaks_in_time_is_heard(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, SILENT)
    host.clock.at_sleep.append(lambda: host.says(PEER, "STANDBY"))
    assert host.run("guard").returncode == 0


def test_one_primary_among_several_peers_decides(host: Host) -> None:
    host.configure(peers=[PEER, OTHER_PEER])
    host.recorded("PRIMARY")
    host.says(PEER, SILENT)
    host.says(OTHER_PEER, "PRIMARY")
    assert f"rejoin {OTHER_PEER}" in host.run("guard").stderr


def test_a_standby_starts_without_asking(host: Host) -> None:
    host.recorded("STANDBY")
    assert host.run("guard").returncode == 0
    assert host.calls == []


def test_a_half_made_data_folder_is_never_started(host: Host) -> None:
    assert "no complete database" in host.run("guard").stderr
    host.run_dir.mkdir()
    (host.run_dir / "bootstrap").write_text("PRIMARY \n")
    assert host.run("guard").returncode == 1, "a bootstrap that was killed left that"
    with lock.one_at_a_time(host.settings):
        assert host.run("guard").returncode == 0, "but the start that makes it is"


def test_a_start_alone_needs_the_command_that_asked_for_it(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, "PRIMARY")
    host.run_dir.mkdir(exist_ok=True)
    (host.run_dir / "alone").touch()
    assert host.run("guard").returncode == 1, "one that was killed left that"
    with lock.one_at_a_time(host.settings):
        assert host.run("guard").returncode == 0


def test_a_start_alone_is_not_asked_of_the_peers_and_only_this_one(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, "PRIMARY")
    guarded = []

    def starts(call: str) -> int:
        if call == "systemctl start u.service":
            guarded.append(host.run("guard").returncode)
            host.says(LOCAL, "PRIMARY")
        return 0

    host.at_call = starts
    assert host.run("start", "--alone").returncode == 0
    assert guarded == [0]
    assert not (host.run_dir / "alone").exists()
    host.run("start")
    assert guarded == [0, 1]


def test_a_start_is_not_told_what_a_killed_command_left(host: Host) -> None:
    host.recorded("PRIMARY")
    host.says(PEER, "PRIMARY")
    host.run_dir.mkdir(exist_ok=True)
    for name in ("alone", "bootstrap", "source"):
        (host.run_dir / name).write_text("")
    host.run("start")
    assert [(host.run_dir / name).exists() for name in ("alone", "bootstrap", "source")] == [False] * 3
    assert host.run("guard").returncode == 1


def test_a_start_that_fails_is_said_and_the_next_one_asks_the_peers(host: Host) -> None:
    host.recorded("PRIMARY")
    host.at_call = lambda call: 1
    refused = host.run("start", "--alone")
    assert (refused.returncode, (host.run_dir / "alone").exists()) == (1, False)
    assert "did not start; see: journalctl -u u.service" in refused.stderr


def test_a_start_waits_for_the_recorded_role(host: Host) -> None:
    host.recorded("STANDBY")
    late = host.run("start")
    assert late.returncode == 1
    assert "waited 90 s for the database to answer as STANDBY" in late.stderr


def test_following_needs_a_primary_and_a_standbys_data(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(PEER, "STANDBY")
    assert "nothing to follow" in host.run("follow", PEER).stderr
    host.recorded("PRIMARY")
    host.says(PEER, "PRIMARY")
    assert "only a standby's data can follow" in host.run("follow", PEER).stderr
    assert "systemctl" not in host.called


def test_a_standby_is_started_again_on_its_data_with_the_source_it_shall_follow(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY")
    host.says(PEER, "PRIMARY")
    source = host.run_dir / "source"
    told = []

    def running_until_killed(call: str) -> int:
        if call.startswith("systemctl start"):
            told.append(source.read_text())
        return 3 if call.startswith("systemctl is-active") and "systemctl kill" in host.called else 0

    host.at_call = running_until_killed
    done = host.run("follow", PEER)
    assert done.returncode == 0, done.stderr
    assert [call for call in host.calls if call.startswith(("systemctl kill", "systemctl st"))] == [
        "systemctl kill --kill-who=main --signal=SIGTERM u.service",
        "systemctl start u.service",
    ]
    assert told == [f"{PEER}\n"]
    assert not source.exists()


def test_one_that_does_not_end_by_itself_is_stopped(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY")
    host.says(PEER, "PRIMARY")
    done = host.run("follow", PEER)
    assert "waited 15 s for the database to stop" in done.stderr
    assert "systemctl stop u.service" in host.calls


def test_one_that_dies_at_its_start_after_a_hand_over_is_started_again(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(PEER, "PRIMARY")

    def works_the_second_time(call: str) -> int:
        if host.calls.count("systemctl start u.service") == 2:
            host.says(LOCAL, "STANDBY")
        return 3 if call.startswith("systemctl is-active") else 0

    host.at_call = works_the_second_time
    assert host.run("follow", PEER).returncode == 0
    assert host.calls.count("systemctl start u.service") == 2


def test_one_that_never_comes_up_is_given_up_after_three_starts(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(PEER, "PRIMARY")
    host.at_call = lambda call: 3 if call.startswith("systemctl is-active") else 0
    refused = host.run("follow", PEER)
    assert f"did not come up as a standby of {PEER} in 3 tries" in refused.stderr
    assert host.calls.count("systemctl start u.service") == 3
    assert not (host.run_dir / "source").exists()


def test_rejoin_keeps_the_data_while_the_source_is_no_primary(host: Host) -> None:
    host.recorded("PRIMARY")
    (host.base_dir / "store").mkdir()
    host.says(PEER, "STANDBY")
    refused = host.run("rejoin", PEER)
    assert refused.returncode == 1
    assert "does not say PRIMARY: the local data stay as they are" in refused.stderr
    assert (host.base_dir / "store").exists()
    assert "systemctl" not in host.called


def test_rejoin_deletes_the_data_of_a_stopped_database_alone(host: Host) -> None:
    host.recorded("PRIMARY")
    (host.base_dir / "store").mkdir()
    host.says(PEER, "PRIMARY")
    host.at_call = lambda call: 1 if call.startswith("systemctl stop") else 0
    assert "u.service does not stop" in host.run("rejoin", PEER).stderr
    assert (host.base_dir / "store").exists()
    assert host.role_file == "PRIMARY\n"
    host.at_call = lambda call: host.says(LOCAL, "STANDBY")
    assert host.run("rejoin", PEER).returncode == 0
    assert not (host.base_dir / "store").exists()
    assert host.role_file == "STANDBY\n"
