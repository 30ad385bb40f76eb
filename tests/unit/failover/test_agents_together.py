"""Agents with the real core, loop, etcd client and API, on hosts and an etcd in memory, in real time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from failover.core.observed import RequestKind, Role, UnprotectedMode
from tests import virtual_time
from tests.unit.failover import virtual
from tests.unit.failover.fake_etcd import FakeEtcd, member
from tests.unit.failover.fake_hosts import FakeHosts, hosts

TIMING = {
    "lease_ttl_ms": 2000,
    "loop_interval_ms": 100,
    "calm_interval_ms": 250,
    "store_timeout_ms": 300,
    "safety_margin_ms": 600,
    "database_silent_ms": 800,
    "peer_silent_ms": 600,
    "failover_cooldown_ms": 1500,
    "rejoin_interval_ms": 3000,
}
LEASE_ENDS_S = TIMING["lease_ttl_ms"] / 1000

Story = Callable[[FakeHosts, FakeEtcd], Awaitable[None]]


def play(
    tmp_path: Path, certificate: Path, story: Story, *, names: tuple[str, ...] = ("ob-a", "ob-b")
) -> None:
    async def whole() -> None:
        etcd = FakeEtcd(now=virtual_time.now_s)
        async with (
            member(etcd, certificate) as endpoint,
            hosts(tmp_path, (endpoint,), certificate, names=names, timing=TIMING) as them,
        ):
            await them.start_agents()
            await them.until(lambda: them.serves("ob-a"), "the first primary to serve", within_s=5)
            for name in names[1:]:
                await fit_to_lead(them, name)
            await story(them, etcd)
            assert them.most_writable == 1, them.describe()

    virtual.run(whole())


async def fit_to_lead(them: FakeHosts, name: str, *, asked: str = "ob-a") -> None:
    """Wait until, to the agent of `asked`, nothing speaks against a switchover to `name`."""
    agent = them[asked].agent
    assert agent is not None
    for _ in range(100):
        against = await agent.backend.objections(RequestKind.SWITCHOVER, name, False, False)
        if not against:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} is not fit to lead: {against}")


async def events(them: FakeHosts, name: str) -> list[str]:
    agent = them[name].agent
    assert agent is not None
    return [line["event"] for lines in (await agent.backend.history()).values() for line in lines]


async def local_state(them: FakeHosts, event: str) -> None:
    """Wait until one of the two histories holds an event: it is written once what it tells is done."""
    for _ in range(40):
        if event in await events(them, "ob-a") or event in await events(them, "ob-b"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"no history holds {event!r}")


async def follows(them: FakeHosts, name: str, leader: str) -> None:
    host = them[name]
    await them.until(
        lambda: (
            host.is_running
            and host.role is Role.STANDBY
            and host.source == them[leader].address
            and host.epoch == them[leader].epoch
        ),
        f"{name} to follow {leader}",
        within_s=8,
    )


def test_both_name_the_same_primary_and_its_own_says_whether_it_is_alone(
    tmp_path: Path, certificate: Path
) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        agents = [host.agent for host in them.hosts.values()]
        answers = [a.backend.announcement.answer for a in agents if a is not None]
        assert {(answer.epoch, answer.phase, answer.host) for answer in answers} == {(1, "serving", "ob-a")}
        assert [answer.primary and answer.primary.unprotected for answer in answers] == [
            UnprotectedMode.NO,
            None,
        ]
        assert them["ob-a"].epoch == 1

    play(tmp_path, certificate, story)


def test_a_crashed_database_is_followed_at_once_and_comes_back_as_a_standby(
    tmp_path: Path, certificate: Path
) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        them["ob-a"].end()
        took = await them.until(lambda: them.serves("ob-b"), "ob-b to serve", within_s=4)
        assert took < 1.5
        await follows(them, "ob-a", "ob-b")
        assert them["ob-b"].commands == ["promote --fenced"]
        assert them["ob-a"].commands == [f"rejoin {them['ob-b'].address}"]
        told = await events(them, "ob-b")
        first = {name: told.index(name) for name in ("detected", "fenced", "decided", "promoted", "serving")}
        assert first["detected"] < first["fenced"] < first["decided"] < first["promoted"]
        await local_state(them, "rejoined")

    play(tmp_path, certificate, story)


def test_a_database_that_was_stopped_is_killed_and_followed(tmp_path: Path, certificate: Path) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        them["ob-a"].stopped = True
        pid = them["ob-a"].pid
        await them.until(lambda: them.serves("ob-b"), "ob-b to serve", within_s=4)
        assert them["ob-a"].pid != pid

    play(tmp_path, certificate, story)


def test_without_etcd_the_leader_is_fenced_before_its_lease_ends(tmp_path: Path, certificate: Path) -> None:
    async def story(them: FakeHosts, etcd: FakeEtcd) -> None:
        etcd.silent = {0}
        took = await them.until(lambda: not them["ob-a"].is_running, "ob-a to be fenced", within_s=4)
        assert took < LEASE_ENDS_S
        await asyncio.sleep(1)
        assert not any(h.is_writable for h in them.hosts.values())
        etcd.silent = set()
        await them.until(
            lambda: them.serves("ob-a") or them.serves("ob-b"), "anybody to serve again", within_s=6
        )

    play(tmp_path, certificate, story)


def test_a_host_without_power_is_confirmed_by_its_device_and_switched_on_again(
    tmp_path: Path, certificate: Path
) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        await them["ob-a"].power_off()
        took = await them.until(lambda: them.serves("ob-b"), "ob-b to serve", within_s=6)
        assert took < 3
        assert "power ob-a Off" in them["ob-b"].commands
        await them.until(lambda: them["ob-a"].has_power, "ob-a to be switched on again", within_s=4)
        await them["ob-a"].start_agent(them.settings["ob-a"])
        await follows(them, "ob-a", "ob-b")

    play(tmp_path, certificate, story)


def test_a_dead_host_whose_device_does_not_answer_is_followed_after_its_lease(
    tmp_path: Path, certificate: Path
) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        them["ob-a"].device_works = False
        await them["ob-a"].power_off()
        took = await them.until(lambda: them.serves("ob-b"), "ob-b to serve", within_s=8)
        assert took > (TIMING["lease_ttl_ms"] + TIMING["safety_margin_ms"]) / 1000
        agent = them["ob-b"].agent
        assert agent is not None
        history = [line for lines in (await agent.backend.history()).values() for line in lines]
        assert [line["detail"] for line in history if line["event"] == "guarantee"][-1] == "lease"

    play(tmp_path, certificate, story)


def test_an_agent_that_is_told_to_stop_leaves_its_lead_to_the_standby(
    tmp_path: Path, certificate: Path
) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        await them["ob-a"].stop_agent()
        assert not them["ob-a"].is_running
        took = await them.until(lambda: them.serves("ob-b"), "ob-b to serve", within_s=4)
        assert took < 1.5
        assert not any(c.startswith("power") for c in them["ob-b"].commands)

    play(tmp_path, certificate, story)


def test_a_switchover_keeps_all_data_and_changes_both_roles(tmp_path: Path, certificate: Path) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        agent = them["ob-b"].agent
        assert agent is not None
        await agent.backend.submit(RequestKind.SWITCHOVER, "ob-b", False, False)
        took = await them.until(lambda: them.serves("ob-b"), "ob-b to serve", within_s=4)
        assert took < 2
        await follows(them, "ob-a", "ob-b")
        assert them["ob-a"].commands == ["hand-over", f"follow {them['ob-b'].address}"]
        assert them["ob-b"].commands[0].startswith("take-over ")
        await fit_to_lead(them, "ob-a", asked="ob-b")
        await agent.backend.submit(RequestKind.SWITCHOVER, "ob-a", False, False)
        await them.until(lambda: them.serves("ob-a"), "ob-a to serve again", within_s=6)
        await follows(them, "ob-b", "ob-a")

    play(tmp_path, certificate, story)


def test_a_handover_nobody_takes_is_called_off_and_the_old_primary_leads_on(
    tmp_path: Path, certificate: Path
) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        agent, b = them["ob-a"].agent, them["ob-b"]
        assert agent is not None
        b.gets_no_log = True
        await agent.backend.submit(RequestKind.SWITCHOVER, "ob-b", False, False)
        await them.until(lambda: them["ob-a"].drained, "ob-a to be drained", within_s=4)
        await them.until(lambda: them.serves("ob-a"), "ob-a to serve again", within_s=10)
        assert b.role is Role.STANDBY

    play(tmp_path, certificate, story)


def test_during_a_pause_nobody_is_promoted_and_fencing_goes_on(tmp_path: Path, certificate: Path) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        agent = them["ob-b"].agent
        assert agent is not None
        await agent.backend.pause()
        await asyncio.sleep(0.5)
        them["ob-a"].end()
        await asyncio.sleep(2)
        assert not them.serves("ob-b")
        await agent.backend.resume()
        await them.until(lambda: them.serves("ob-a") or them.serves("ob-b"), "anybody to serve", within_s=5)

    play(tmp_path, certificate, story)


def test_what_a_deploy_does_with_the_database_is_left_alone(tmp_path: Path, certificate: Path) -> None:
    async def story(them: FakeHosts, _: FakeEtcd) -> None:
        b = them["ob-b"]
        b.used_by_others = True
        b.end()
        b.record_role(None)
        await asyncio.sleep(0.5)
        assert b.commands == []
        b.start()
        pid = b.pid
        await asyncio.sleep(0.5)
        assert b.pid == pid

    play(tmp_path, certificate, story)
