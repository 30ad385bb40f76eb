"""A standby becomes primary without its source."""

import pytest

from hosttools.errors import ToolError
from hosttools.oceanbase import promotion
from tests.unit.hosttools.oceanbase.host import LOCAL, OTHER_PEER, PEER, Host

_ACTIVATE = "local: ALTER SYSTEM ACTIVATE STANDBY"
_UNCUT = "nft delete table ip loanstack_promote"


@pytest.fixture
def standby(host: Host) -> Host:
    host.recorded("STANDBY")
    host.says(LOCAL, "STANDBY")
    host.at_change = lambda name, statement: host.says(LOCAL, "PRIMARY")
    return host


def test_promotion_is_refused_while_a_peer_is_primary(standby: Host) -> None:
    standby.says(PEER, "PRIMARY")
    refused = standby.run("promote")
    assert refused.returncode == 1
    assert "would make two" in refused.stderr
    assert _ACTIVATE not in standby.calls


def test_fenced_promotion_cuts_the_log_source_and_does_not_ask_the_peer(standby: Host) -> None:
    standby.configure(peers=[PEER, OTHER_PEER])
    assert standby.run("promote", "--fenced").returncode == 0
    assert standby.role_file == "PRIMARY\n"
    assert f"{PEER}:" not in standby.called
    calls = standby.calls
    rules = (
        "nft table ip loanstack_promote { chain output { type filter hook output priority 0;"
        f" ip daddr {PEER} tcp dport 2882 reject with tcp reset;"
        f" ip daddr {OTHER_PEER} tcp dport 2882 reject with tcp reset; }};}}"
    )
    assert calls.index(rules) < calls.index(_ACTIVATE)
    assert calls.index("ss --kill --no-header --tcp dport = :2882") < calls.index(_ACTIVATE)
    assert calls[-1] == _UNCUT
    assert calls.count(_UNCUT) == 2, "what a killed promotion left is taken away first"


def test_a_source_that_cannot_be_cut_makes_it_slower_and_no_more(standby: Host) -> None:
    standby.at_call = lambda call: 1 if call.startswith(("nft table", "ss")) else 0
    done = standby.run("promote", "--fenced")
    assert done.returncode == 0
    assert "could not cut the log source" in done.stderr


def test_a_cut_that_stays_is_said(standby: Host) -> None:
    standby.at_call = lambda call: 1 if call == _UNCUT else 0
    assert "may still be cut" in standby.run("promote", "--fenced").stderr


def test_the_source_is_given_back_when_the_database_refuses(standby: Host) -> None:
    standby.says(LOCAL, "STANDBY", refusals=[1064])
    refused = standby.run("promote", "--fenced")
    assert refused.returncode == 1
    assert "ACTIVATE STANDBY: no (1064)" in refused.stderr
    assert standby.calls[-1] == _UNCUT
    assert standby.role_file == "STANDBY\n"


@pytest.mark.parametrize("code", [4109, 4012])
def test_a_refusal_under_ddl_is_tried_again(standby: Host, code: int) -> None:
    standby.says(LOCAL, "STANDBY", refusals=[code] * 19)
    assert standby.run("promote", "--fenced").returncode == 0
    assert standby.calls.count(_ACTIVATE) == 20
    standby.says(LOCAL, "STANDBY", refusals=[code] * 20)
    refused = standby.run("promote", "--fenced")
    assert "ACTIVATE STANDBY still refused after 20 tries" in refused.stderr


def test_one_that_does_not_become_primary_is_not_recorded_as_one(standby: Host) -> None:
    standby.at_change = lambda name, statement: None
    late = standby.run("promote", "--fenced")
    assert "waited 20 s for the role to be PRIMARY" in late.stderr
    assert standby.role_file == "STANDBY\n"
    assert standby.calls[-1] == _UNCUT


def test_a_primary_is_one_already_and_is_recorded(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "PRIMARY")
    done = host.run("promote", "--fenced")
    assert (done.returncode, host.role_file) == (0, "PRIMARY\n")
    assert "already PRIMARY" in done.stderr
    assert _ACTIVATE not in host.calls


def test_a_database_that_is_down_is_not_promoted(host: Host) -> None:
    host.recorded("STANDBY")
    assert "down: nothing to promote" in host.run("promote", "--fenced").stderr
    assert host.role_file == "STANDBY\n"


def test_a_host_without_a_packet_filter_promotes_all_the_same(
    standby: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(command: list[str], *, limit_s: float) -> None:
        raise ToolError(f"{command[0]}: No such file or directory")

    monkeypatch.setattr(promotion.programs, "run", nothing)
    assert standby.run("promote", "--fenced").returncode == 0
