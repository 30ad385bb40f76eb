"""A new database in an empty folder: never over data, and a standby only with all tables."""

import pytest

from tests.unit.hosttools.oceanbase.host import LOCAL, OTHER_PEER, PEER, SILENT, Host

_START = "systemctl start u.service"


def comes_up_as(host: Host, role: str, **answers: object) -> list[str]:
    """Have the database come up at its start; return what each start is told."""
    told: list[str] = []

    def starts(call: str) -> int:
        if call == _START:
            told.append((host.run_dir / "bootstrap").read_text())
            host.says(LOCAL, role, **answers)
        return 0

    host.at_call = starts
    return told


def test_data_are_not_bootstrapped_over(host: Host) -> None:
    host.recorded("STANDBY")
    (host.base_dir / "store").mkdir()
    assert "already a STANDBY: nothing to make" in host.run("bootstrap", "auto").stderr
    for how in (("primary",), ("standby", PEER)):
        refused = host.run("bootstrap", *how)
        assert (refused.returncode, (host.base_dir / "store").exists()) == (1, True)
        assert "already holds a STANDBY" in refused.stderr


def test_a_primary_gets_roots_password_before_it_counts(host: Host) -> None:
    told = comes_up_as(host, "PRIMARY", fresh=True)
    done = host.run("bootstrap", "primary")
    assert done.returncode == 0, done.stderr
    assert told == ["PRIMARY \n"]
    assert "local: ALTER USER root IDENTIFIED BY open-Sesame_1" in host.calls
    assert host.role_file == "PRIMARY\n"
    assert not (host.run_dir / "bootstrap").exists()
    assert "Sesame" not in done.stdout + done.stderr


def test_a_primary_that_does_not_come_up_is_none(host: Host) -> None:
    host.at_call = lambda call: 3 if call.startswith("systemctl is-active") else 0
    assert "did not come up; see: journalctl -u u.service" in host.run("bootstrap", "primary").stderr
    assert host.role_file is None
    assert not (host.run_dir / "bootstrap").exists()


def test_a_password_that_would_need_quotes_is_refused_before_anything_is_deleted(host: Host) -> None:
    (host.folder / "root.cnf").write_text("[client]\nuser=root\npassword=it's\n")
    (host.base_dir / "half-made").mkdir()
    refused = host.run("bootstrap", "primary")
    assert "allowed: letters, digits, - and _" in refused.stderr
    assert "it's" not in refused.stderr
    assert (host.base_dir / "half-made").exists()


def test_a_standby_is_begun_only_once_its_source_has_every_table_on_disk(host: Host) -> None:
    """A table that is in the primary's memory alone arrives without its base, and cannot be read, ever."""
    host.says(PEER, "PRIMARY", in_memory=1)
    told = comes_up_as(host, "STANDBY")
    looks: list[bool] = []

    def later() -> None:
        looks.append(_START in host.calls)
        host.says(PEER, "PRIMARY", in_memory=0)

    host.clock.at_sleep.append(later)
    done = host.run("bootstrap", "standby", PEER)
    assert done.returncode == 0, done.stderr
    assert looks == [False]
    assert host.calls.index(f"{PEER}: ALTER SYSTEM MINOR FREEZE") < host.calls.index(_START)
    assert told == [f"STANDBY {PEER}\n"]
    assert host.role_file == "STANDBY\n"


def test_a_standby_that_lacks_a_table_is_not_called_one(host: Host) -> None:
    host.says(PEER, "PRIMARY")
    comes_up_as(host, "STANDBY", without_base=1)
    failed = host.run("bootstrap", "standby", PEER)
    assert failed.returncode == 1
    assert "waited 15 s for the standby to have its tables" in failed.stderr
    assert host.role_file is None


def test_a_source_that_is_too_young_is_waited_for(host: Host) -> None:
    host.says(PEER, "PRIMARY", age=15)
    comes_up_as(host, "STANDBY")
    host.clock.at_sleep.append(lambda: host.says(PEER, "PRIMARY", age=16))
    assert host.run("bootstrap", "standby", PEER).returncode == 0
    assert host.clock.now_s > 0


@pytest.mark.parametrize("age", ["a[$(touch /tmp/x)0]", "NULL", "9" * 30, None])
def test_an_age_that_is_no_number_is_no_age(host: Host, age: object) -> None:
    host.says(PEER, "PRIMARY", age=age)
    refused = host.run("bootstrap", "standby", PEER)
    assert f"waited 30 s for {PEER} to have served for 16 s" in refused.stderr
    assert "systemctl" not in host.called


def test_another_try_is_made_until_the_time_is_over(host: Host) -> None:
    host.says(PEER, "PRIMARY")
    host.configure(bootstrap_deadline_s=5)
    host.at_call = lambda call: 1 if call == _START else 0
    failed = host.run("bootstrap", "standby", PEER)
    assert "try 1 made no standby (a young primary's EAGAIN, -4023, is the usual reason)" in failed.stderr
    assert f"no standby of {PEER} after 4 tries in 5 s" in failed.stderr
    assert host.calls.count(_START) == 4


def test_auto_follows_a_peer_that_is_primary_also_where_the_inventory_says_primary(host: Host) -> None:
    host.configure(peers=[PEER, OTHER_PEER])
    host.says(PEER, SILENT)
    host.says(OTHER_PEER, "PRIMARY")
    told = comes_up_as(host, "STANDBY")
    assert host.run("bootstrap", "auto").returncode == 0
    assert told == [f"STANDBY {OTHER_PEER}\n"]


@pytest.mark.parametrize(("role", "told"), [("PRIMARY", "PRIMARY \n"), ("STANDBY", f"STANDBY {PEER}\n")])
def test_auto_without_a_primary_does_what_the_inventory_says(host: Host, role: str, told: str) -> None:
    host.configure(inventory_role=role, bootstrap_deadline_s=60)
    host.clock.at_sleep.append(lambda: host.says(PEER, "PRIMARY"))
    # A new primary knows only an empty password; a standby has copied its primary's.
    starts = comes_up_as(host, role, fresh=role == "PRIMARY")
    assert host.run("bootstrap", "auto").returncode == 0
    assert starts == [told]


def test_a_standby_without_peers_is_a_mistake_of_the_inventory(host: Host) -> None:
    host.configure(inventory_role="STANDBY", peers=[])
    assert "no peer to follow" in host.run("bootstrap", "auto").stderr
