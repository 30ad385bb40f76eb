"""Fence devices behind ipmitool, and behind a fence agent of ClusterLabs."""

import asyncio
import stat
from pathlib import Path

import pytest

from failover.host.controller import Power
from failover.host.devices import Report, switch
from failover.settings import Fence, Peer
from tests.unit.failover.test_devices import PASSWORD, USER, peer


def ipmitool(folder: Path, text: str, name: str = "ipmitool") -> str:
    program = folder / name
    program.write_text(f"#!/bin/sh\nfolder={folder}\n{text}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def by_ipmi(program: str, power: Power = Power.OFF, deadline_s: float = 300.0) -> Report:
    device = peer("198.18.9.9", kind="ipmi")
    return asyncio.run(switch(device, power, deadline_s=deadline_s, ipmitool=program))


SWITCHES = """
echo "$*" >> $folder/asked
[ "$IPMI_PASSWORD" = secret-of-the-fence ] || { echo "RAKP 2 HMAC is invalid"; exit 1; }
for word; do :; done
case $word in
    status) echo "Chassis Power is $(cat $folder/state)" ;;
    *) echo "$word" > $folder/state; echo "Chassis Power Control: $word" ;;
esac
"""


@pytest.mark.parametrize("power", list(Power))
def test_ipmi_gets_its_password_by_the_environment(tmp_path: Path, power: Power) -> None:
    report = by_ipmi(ipmitool(tmp_path, SWITCHES), power)
    assert report == Report(confirmed=True, reason=f"ob-b is {power.lower()}: ipmi at 198.18.9.9 says so")
    asked = (tmp_path / "asked").read_text().splitlines()
    common = "-I lanplus -H 198.18.9.9 -U agent -E chassis power"
    assert asked == [f"{common} {power.lower()}", f"{common} status"]


@pytest.mark.parametrize(
    ("text", "deadline_s", "words"),
    [
        ("echo 'Unable to establish session'; exit 1", 300, "ended with 1: Unable to establish session"),
        ("echo 'Chassis Power is strange'", 300, "does not tell the power state"),
        ("exec sleep 600", 0.5, "it did not say Off within 0.5 s"),
    ],
)
def test_ipmi_that_does_not_work_fails(tmp_path: Path, text: str, deadline_s: float, words: str) -> None:
    report = by_ipmi(ipmitool(tmp_path, text), deadline_s=deadline_s)
    assert not report.confirmed
    assert "ob-b is not known to be off: ipmi at 198.18.9.9" in report.reason
    assert words in report.reason


def test_ipmi_without_its_program_fails(tmp_path: Path) -> None:
    report = by_ipmi(str(tmp_path / "ipmitool"))
    assert not report.confirmed
    assert "cannot be run: No such file or directory" in report.reason


def test_a_cancelled_order_is_cancelled_and_leaves_no_process(tmp_path: Path) -> None:
    program = ipmitool(tmp_path, "echo $$ > $folder/pid; exec sleep 600")

    async def play() -> None:
        task = asyncio.create_task(
            switch(peer("198.18.9.9", kind="ipmi"), Power.OFF, deadline_s=300, ipmitool=program)
        )
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


AGENT = """
cat > $folder/options
action=$(sed -n 's/^action=//p' $folder/options)
echo "$action$*" >> $folder/asked
grep -qx 'password=secret-of-the-fence' $folder/options || { echo 'Unable to connect/login'; exit 1; }
case $action in
    status) [ "$(cat $folder/state)" = on ] && exit 0; exit 2 ;;
    on | off) echo $action > $folder/state ;;
esac
"""


def _by_agent(program: str) -> Peer:
    fence = Fence(
        kind="fence_agent",
        address="pdu.example",
        system="",
        user=USER,
        password=PASSWORD,
        reason="",
        ca_file="",
        program=program,
        options=("plug=3",),
    )
    return Peer(host="ob-b", address="198.18.2.23", candidate=True, fence=fence)


def by_agent(program: str, power: Power = Power.OFF) -> Report:
    return asyncio.run(switch(_by_agent(program), power, deadline_s=300))


@pytest.mark.parametrize("power", list(Power))
def test_a_fence_agent_gets_everything_on_stdin(tmp_path: Path, power: Power) -> None:
    program = ipmitool(tmp_path, AGENT, "fence_apc")
    report = by_agent(program, power)
    assert report == Report(
        confirmed=True, reason=f"ob-b is {power.lower()}: {program} at pdu.example says so"
    )
    assert (tmp_path / "asked").read_text().splitlines() == [power.lower(), "status"], "and no arguments"
    options = set((tmp_path / "options").read_text().splitlines())
    assert options == {"plug=3", "ip=pdu.example", "username=agent", f"password={PASSWORD}", "action=status"}


@pytest.mark.parametrize(
    ("text", "confirmed", "words"),
    [
        ("grep -q status && exit 1; exit 0", False, "status ended with 1"),
        (
            "grep -q status && exit 2; echo 'Failed: timed out'; exit 1",
            False,
            "off ended with 1: Failed: timed out",
        ),
        (
            "echo 'fence_apc: cannot open file'; exit 2",
            False,
            "off ended with 2: fence_apc: cannot open file",
        ),
        ("grep -q status && exit 2; exit 0", True, "ob-b is off"),
    ],
)
def test_only_the_status_of_a_fence_agent_counts(
    tmp_path: Path, text: str, confirmed: bool, words: str
) -> None:
    report = by_agent(ipmitool(tmp_path, text, "fence_apc"))
    assert report.confirmed is confirmed
    assert words in report.reason


def test_what_a_fence_agent_has_started_ends_with_it(tmp_path: Path) -> None:
    """A session that lives on could give a late order: to switch off the host that was switched on again."""
    program = ipmitool(tmp_path, "sleep 600 & echo $! > $folder/pid; exec sleep 600", "fence_apc")

    async def play() -> None:
        task = asyncio.create_task(switch(_by_agent(program), Power.OFF, deadline_s=300))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
