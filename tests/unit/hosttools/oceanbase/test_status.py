"""The state in one line, whatever peers and the database answer."""

import json

import pytest

from deploys.oceanbase.facts import LocalDatabase
from hosttools.oceanbase.roles import Role, deciding
from tests.unit.hosttools.oceanbase.host import LOCAL, PEER, REFUSED, SILENT, Host

HOSTILE = (
    "a[$(touch /tmp/loanstack-injected)0]",
    "1\n2",
    '", "role": "PRIMARY',
    "9" * 5000,
    "-1",
    None,
    b"\xff",
)


@pytest.mark.parametrize(
    ("answer", "role"),
    [("PRIMARY", "PRIMARY"), ("STANDBY", "STANDBY"), (REFUSED, "DOWN"), (SILENT, "UNREACHABLE")],
)
def test_a_refused_connection_is_down_and_silence_is_unknown(host: Host, answer: str, role: str) -> None:
    host.says(PEER, answer)
    assert host.run("peer-role").stdout == f"{role}\n"


@pytest.mark.parametrize(
    ("roles", "worst"),
    [
        (("DOWN", "STANDBY", "UNREACHABLE", "PRIMARY"), "PRIMARY"),
        (("DOWN", "STANDBY", "UNREACHABLE"), "UNREACHABLE"),
        (("DOWN", "STANDBY"), "STANDBY"),
        (("DOWN",), "DOWN"),
        ((), "DOWN"),
    ],
)
def test_the_role_that_matters_most_decides(roles: tuple[str, ...], worst: str) -> None:
    assert deciding(Role(each) for each in roles) == worst


@pytest.mark.parametrize(
    ("answer", "role"), [("PRIMARY", "PRIMARY"), (REFUSED, "DOWN"), (SILENT, "DOWN"), ("x\ny", "UNKNOWN")]
)
def test_the_own_role(host: Host, answer: str, role: str) -> None:
    host.says(LOCAL, answer)
    assert host.run("role").stdout == f"{role}\n"


def test_without_root_s_password_the_state_is_told_all_the_same(host: Host) -> None:
    """A deploy that writes the file anew asks before."""
    (host.folder / "root.cnf").unlink()
    host.says(LOCAL, "PRIMARY")
    host.says(PEER, "STANDBY")
    status = host.run("status")
    assert status.returncode == 0
    assert json.loads(status.stdout)["role"] == "DOWN"
    assert json.loads(status.stdout)["peer_role"] == "UNREACHABLE"


def test_a_fresh_database_knows_only_an_empty_password(host: Host) -> None:
    host.says(LOCAL, "PRIMARY", fresh=True)
    assert host.run("role").stdout == "PRIMARY\n"


def test_status_gives_the_lag_of_a_standby(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY", scn=1_000_000_000)
    host.says(PEER, "PRIMARY", scn=1_087_500_000)
    assert host.run("status").stdout == (
        '{"role": "STANDBY", "recorded_role": "STANDBY", "peer_role": "PRIMARY", '
        '"scn": 1000000000, "lag_ms": 87, "has_tables": true}\n'
    )
    own = host.calls.index("local: SELECT END_SCN FROM oceanbase.`V$OB_LOG_STAT`")
    assert own < host.calls.index(f"{PEER}: SELECT END_SCN FROM oceanbase.`V$OB_LOG_STAT`")
    host.says(PEER, "PRIMARY", scn=1)
    assert '"lag_ms": 0,' in host.run("status").stdout


def test_what_is_down_has_no_position(host: Host) -> None:
    assert host.run("status").stdout == (
        '{"role": "DOWN", "recorded_role": "NONE", "peer_role": "DOWN", '
        '"scn": null, "lag_ms": null, "has_tables": false}\n'
    )


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("side", [LOCAL, PEER])
def test_whatever_is_answered_the_line_is_json_without_it(host: Host, side: str, value: object) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY", scn=5)
    host.says(PEER, "PRIMARY", scn=5)
    host.says(side, host.databases[side].role, scn=value, without_base=value)
    done = host.run("status")
    state = LocalDatabase().process(done.stdout.splitlines())
    assert state.lag_ms is None
    assert (state.scn is None, state.has_tables) == ((True, False) if side == LOCAL else (False, True))
    assert "touch" not in done.stdout
    assert host.run("wait-healthy", "500", "1").returncode == 1


@pytest.mark.parametrize("value", HOSTILE[:4])
@pytest.mark.parametrize("side", [LOCAL, PEER])
def test_a_role_that_is_none_does_not_get_through(host: Host, side: str, value: str) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY")
    host.says(PEER, "PRIMARY")
    host.says(side, value)
    found = json.loads(host.run("status").stdout)
    key, role = ("role", "UNKNOWN") if side == LOCAL else ("peer_role", "UNREACHABLE")
    assert found[key] == role


@pytest.mark.parametrize("record", ["LEADER", "", "$(id)", '", "x": "', "PRIMARY\nPRIMARY", "x" * 100])
def test_a_recorded_role_that_is_none_is_refused_and_no_data_are_made_over_it(
    host: Host, record: str
) -> None:
    host.recorded(record)
    for command in (
        ("status",),
        ("guard",),
        ("bootstrap", "auto"),
        ("bootstrap", "primary"),
        ("follow", PEER),
    ):
        refused = host.run(*command)
        assert refused.returncode == 1
        assert "loanstack-role" in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert "systemctl" not in host.called


def test_what_was_waited_for_is_printed_as_it_was_seen(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY", scn=1_000_000_000)
    host.says(PEER, "PRIMARY", scn=1_087_500_000)
    assert host.run("wait-healthy", "87", "1").stdout == host.run("status").stdout
    assert host.run("wait-healthy", "86", "1").returncode == 1
    host.says(LOCAL, "STANDBY", without_base=1)
    assert host.run("wait-healthy", "87", "1").returncode == 1, "it could not be read"
    host.says(LOCAL, "PRIMARY", scn=1)
    assert host.run("wait-healthy", "500", "1").returncode == 1, "its peer is a primary too"
    host.says(PEER, "STANDBY", scn=1)
    assert '"role": "PRIMARY"' in host.run("wait-healthy", "500", "1").stdout


def test_waiting_for_health_says_what_it_waited_for(host: Host) -> None:
    host.says(LOCAL, "STANDBY", scn=1)
    refused = host.run("wait-healthy", "500", "1")
    assert refused.returncode == 1
    assert (
        "waited 1 s for this to be the only primary, or a standby at most 500 ms behind\n" in refused.stderr
    )
    assert 'loanstack-db: it is: {"role": "STANDBY", ' in refused.stderr
    assert '"peer_role": "DOWN"' in refused.stderr


def test_the_position_is_a_number_or_an_error(host: Host) -> None:
    host.says(LOCAL, "PRIMARY", scn=4711)
    assert host.run("scn").stdout == "4711\n"
    host.says(LOCAL, "PRIMARY", scn="a[$(id)0]")
    assert host.run("scn").returncode == 1
