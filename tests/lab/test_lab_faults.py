"""What the lab can break from outside: power by the switch, frozen hosts, cuts; and that it mends."""

import shlex
import time
from collections.abc import Iterator

import pytest

from inventory import secrets
from inventory.model import Environment
from lab import cgroups
from lab import host as hosts
from lab.network import POWER_SWITCH_PORT

SWITCH = f"http://198.18.0.1:{POWER_SWITCH_PORT}/redfish/v1/Systems"
BROKEN = "ob-b"
FENCE_S_MAX = 1.0
"""A fence is waited for by everybody."""


@pytest.fixture
def switch(lab: Environment, on_host):
    """Ask the power switch from ob-a, as an agent does: `switch("GET", "ob-b")` -> (status, body)."""
    passwords = secrets.load(lab.secrets_file).fence_passwords

    def switch(host: str, reset: str | None = None, *, user: str | None = None) -> tuple[str, str]:
        url = f"{SWITCH}/{host}" + ("/Actions/ComputerSystem.Reset" if reset else "")
        body = ["-d", f'{{"ResetType": "{reset}"}}'] if reset else []
        asked = ["curl", "-s", "--max-time", "5", "-K", "-", "-w", "\n%{http_code} %{time_total}", *body, url]
        account = user or f"agent:{passwords.get(host, passwords[BROKEN])}"
        done = on_host("ob-a", shlex.join(asked), stdin=f'user = "{account}"\n')
        assert done.exit_code == 0, done.output
        text, _, last = done.stdout.rpartition("\n")
        return last, text

    return switch


@pytest.fixture
def whole(lab: Environment, lab_command) -> Iterator[None]:
    """Whatever a test breaks is put right."""
    yield
    assert lab_command("net", "mend").exit_code == 0
    assert lab_command("power", "thaw", BROKEN).exit_code == 0
    assert lab_command("power", "on", BROKEN).exit_code == 0


def state_of(lab_command, host: str) -> str:
    found = lab_command("status", "--json").results
    return next(h["state"] for h in found["hosts"] if h["name"] == host)


def wait_until(met, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not met():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.2)


def test_the_switch_takes_power_from_a_frozen_host_at_once_and_gives_it_back(
    whole: None, lab: Environment, lab_command, switch
) -> None:
    assert lab_command("power", "freeze", BROKEN).exit_code == 0
    assert state_of(lab_command, BROKEN) == "frozen"
    assert not hosts.answers_ssh(lab.host(BROKEN).management_address), "it may connect, and nobody greets"
    assert switch(BROKEN)[0].startswith("200")
    for _ in range(2):
        status, seconds = switch(BROKEN, "ForceOff")[0].split()
        assert status == "204"
        assert float(seconds) < FENCE_S_MAX
    assert '"PowerState": "Off"' in switch(BROKEN)[1]
    assert not hosts.is_running(BROKEN)
    for _ in range(2):
        assert switch(BROKEN, "On")[0].startswith("204")
    wait_until(lambda: state_of(lab_command, BROKEN) == "up", within_s=60)


def test_the_switch_obeys_nobody_else(lab: Environment, switch) -> None:
    assert switch(BROKEN, "ForceOff", user="agent:wrong")[0].startswith("401")
    assert switch("mon-c", "ForceOff")[0].startswith("404")
    assert hosts.is_running(BROKEN)
    assert hosts.is_running("mon-c")


def test_a_switch_that_was_killed_is_started_again_by_up(lab: Environment, lab_command, switch) -> None:
    cgroups.kill("power-switch")
    assert lab_command("up").exit_code == 0
    assert switch(BROKEN)[0].startswith("200")


def test_a_host_is_frozen_and_thawed_by_hand_and_by_its_timer(whole: None, lab_command, on_host) -> None:
    boot = on_host(BROKEN, "cat /proc/1/stat").stdout
    assert lab_command("power", "freeze", BROKEN).exit_code == 0
    assert lab_command("power", "thaw", BROKEN).exit_code == 0
    assert lab_command("power", "freeze", BROKEN, "--for", "1").exit_code == 0
    wait_until(lambda: state_of(lab_command, BROKEN) == "up", within_s=20)
    assert on_host(BROKEN, "cat /proc/1/stat").stdout.split()[21] == boot.split()[21], "it never booted anew"


def test_a_frozen_host_does_not_keep_the_lab_from_coming_up(whole: None, lab_command) -> None:
    assert lab_command("power", "freeze", BROKEN).exit_code == 0
    assert lab_command("up").exit_code == 0
    assert state_of(lab_command, BROKEN) == "up"


def test_a_host_without_power_cannot_be_frozen(whole: None, lab_command) -> None:
    assert lab_command("power", "off", BROKEN).exit_code == 0
    refused = lab_command("power", "freeze", BROKEN)
    assert refused.exit_code == 2
    assert f"loanstack lab power on {BROKEN}" in refused.stderr
    assert lab_command("power", "thaw", BROKEN).exit_code == 0


def pings_heard(on_host, receiver: str) -> int:
    """Echo requests that a host has received since it booted."""
    names, values = on_host(receiver, "grep ^Icmp: /proc/net/snmp").stdout.splitlines()
    return int(dict(zip(names.split(), values.split(), strict=True))["InEchos"])


def hears(on_host, lab: Environment, receiver: str, sender: str) -> bool:
    before = pings_heard(on_host, receiver)
    on_host(sender, f"ping -c1 -W1 {lab.host(receiver).address}")
    return pings_heard(on_host, receiver) > before


def cuts_made(lab_command) -> list[str]:
    return list(lab_command("status", "--json").results["cuts"])


def test_a_centre_is_cut_off_and_mended(whole: None, lab: Environment, lab_command, on_host) -> None:
    assert lab_command("net", "cut", "centre-a").exit_code == 0
    assert cuts_made(lab_command) == ["centre-a"]
    assert "loanstack lab net mend centre-a" in lab_command("status").stdout
    assert not hears(on_host, lab, "ob-b", "ob-a"), "and the management network let us ask"
    assert not hears(on_host, lab, "ob-a", "mon-c")
    assert hears(on_host, lab, "mon-c", "ob-b"), "the others still hear each other"
    assert hears(on_host, lab, "app-a", "ob-a"), "and so do those inside"
    assert lab_command("net", "mend", "centre-a").exit_code == 0
    assert cuts_made(lab_command) == []
    assert hears(on_host, lab, "ob-b", "ob-a")


def test_one_direction_is_cut_and_mended_by_its_timer(
    whole: None, lab: Environment, lab_command, on_host
) -> None:
    assert lab_command("net", "cut", "a-to-b", "--for", "4").exit_code == 0
    # First, while the cut certainly is there: the timer does not wait for a slow machine.
    assert not hears(on_host, lab, "ob-b", "ob-a")
    assert hears(on_host, lab, "ob-a", "ob-b")
    wait_until(lambda: cuts_made(lab_command) == [], within_s=20)
    assert hears(on_host, lab, "ob-b", "ob-a")


def test_unknown_cuts_are_refused_with_the_known_ones(lab: Environment, lab_command) -> None:
    refused = lab_command("net", "cut", "a-to-a")
    assert refused.exit_code == 2
    assert "centre-a" in refused.output
