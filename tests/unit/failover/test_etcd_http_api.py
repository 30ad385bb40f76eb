"""etcd's door: users, tokens, and whichever member answers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover.etcd.http_api import EtcdError, EtcdHttpApi, EtcdRefusedError, encoded
from failover.settings import Etcd
from tests import virtual_time
from tests.unit.failover import virtual
from tests.unit.failover.fake_etcd import PASSWORD, USER, FakeEtcd, member, write_certificate

READ = {"key": encoded("/loanstack/lab/leader")}
TIMEOUT_MS = 150


def play(
    certificate: Path,
    story: Callable[[EtcdHttpApi, FakeEtcd], Awaitable[Any]],
    *,
    members: int = 1,
    change: Callable[[Etcd], Etcd] = lambda s: s,
) -> tuple[FakeEtcd, list[str]]:
    etcd, failed = FakeEtcd(now=virtual_time.now_s), list[str]()

    async def stage() -> None:
        async with AsyncExitStack() as stack:
            endpoints = [
                await stack.enter_async_context(member(etcd, certificate, number=n)) for n in range(members)
            ]
            settings = Etcd(
                endpoints=tuple(endpoints), user=USER, password=PASSWORD, ca_file=str(certificate)
            )
            http_api = EtcdHttpApi(change(settings), timeout_ms=TIMEOUT_MS, on_failure=failed.append)
            stack.push_async_callback(http_api.close)
            await story(http_api, etcd)
            failed[:] = [str(endpoints.index(e)) for e in failed]

    virtual.run(stage())
    return etcd, failed


def test_calls_that_go_on_side_by_side_log_in_once(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, _: FakeEtcd) -> None:
        await asyncio.gather(*(http_api.call("/v3/kv/range", READ) for _ in range(5)))

    etcd, failed = play(certificate, story)
    assert (etcd.logins, len(etcd.calls), failed) == (1, 6, [])


def test_a_forgotten_token_is_renewed_within_the_call(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        await http_api.call("/v3/kv/range", READ)
        etcd.tokens.clear()
        await asyncio.gather(*(http_api.call("/v3/kv/range", READ) for _ in range(3)))

    etcd, failed = play(certificate, story)
    assert (etcd.logins, failed) == (2, [])


def test_a_wrong_password_is_refused_and_not_tried_at_every_member(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, _: FakeEtcd) -> None:
        with pytest.raises(EtcdRefusedError, match=r"user 'failover': .*authentication failed") as refused:
            await http_api.call("/v3/kv/range", READ)
        assert "other-secret" not in str(refused.value)

    etcd, _ = play(certificate, story, members=3, change=lambda s: replace(s, password="other-secret"))
    assert etcd.logins == 1


def test_the_next_member_answers_for_one_without_a_leader_and_is_remembered(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        etcd.down = {0, 1}
        await http_api.call("/v3/kv/range", READ)
        await http_api.call("/v3/kv/range", READ)

    _, failed = play(certificate, story, members=3)
    assert failed == ["0", "1"]


def test_a_silent_member_costs_its_time_out_once(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        await http_api.call("/v3/kv/range", READ)
        etcd.silent = {0}
        before = virtual_time.now_s()
        await http_api.call("/v3/kv/range", READ)
        after = virtual_time.now_s()
        assert 0.9 * TIMEOUT_MS / 1000 < after - before < 3 * TIMEOUT_MS / 1000
        await http_api.call("/v3/kv/range", READ)
        assert virtual_time.now_s() - after < TIMEOUT_MS / 1000

    _, failed = play(certificate, story, members=2)
    assert failed == ["0"]


def test_without_any_member_every_endpoint_is_named(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        etcd.down, etcd.silent = {0}, {1}
        with pytest.raises(EtcdError) as failed:
            await http_api.call("/v3/kv/range", READ)
        text = str(failed.value)
        assert text.count("https://127.0.0.1:") == 2
        assert "no leader" in text
        assert "no answer in time" in text

    play(certificate, story, members=2)


def test_a_member_with_another_authoritys_certificate_is_not_believed(
    certificate: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    write_certificate(other)

    async def story(http_api: EtcdHttpApi, _: FakeEtcd) -> None:
        with pytest.raises(EtcdError, match="certificate"):
            await http_api.call("/v3/kv/range", READ)

    etcd, _ = play(certificate, story, change=lambda s: replace(s, ca_file=str(other)))
    assert etcd.calls == []


WATCH = [{"create_request": {"key": encoded("/loanstack/lab/a"), "range_end": encoded("/loanstack/lab/b")}}]


async def events(http_api: EtcdHttpApi, told: "asyncio.Queue[object]") -> None:
    """Tell what is streamed, without the words that it was taken; at last, why it ended."""
    try:
        async for answer in http_api.stream("/v3/watch", WATCH):
            if answer["result"].get("events"):
                told.put_nowait(answer["result"]["events"])
    except EtcdError as failure:
        told.put_nowait(failure)


async def listened(etcd: FakeEtcd) -> None:
    while not etcd.watches:
        await asyncio.sleep(0.001)


def test_a_stream_tells_for_as_long_as_it_is_listened_to(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        told: asyncio.Queue[object] = asyncio.Queue()
        listening = asyncio.create_task(events(http_api, told))
        await listened(etcd)
        for number in range(3):
            # Far longer than any call may take.
            await asyncio.sleep(100 * TIMEOUT_MS / 1000)
            etcd.put("/loanstack/lab/aa", str(number))
            assert isinstance(await told.get(), list)
        etcd.put("/loanstack/lab/b", "outside")
        await asyncio.sleep(1)
        assert told.empty()
        listening.cancel()

    play(certificate, story)


def test_a_stream_that_its_member_ends_is_an_error(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        told: asyncio.Queue[object] = asyncio.Queue()
        listening = asyncio.create_task(events(http_api, told))
        await listened(etcd)
        etcd.watches[0][1].put_nowait(None)
        assert "has ended" in str(await told.get())
        await listening

    play(certificate, story)


def test_a_stream_is_left_once_its_member_is_silent_to_calls_and_another_answers(certificate: Path) -> None:
    """A member that was cut off tells nothing, and its stream would be waited for without end."""

    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        told: asyncio.Queue[object] = asyncio.Queue()
        listening = asyncio.create_task(events(http_api, told))
        await listened(etcd)
        etcd.silent = {0}
        await http_api.call("/v3/kv/range", READ)
        assert isinstance(await told.get(), EtcdError)
        await listening
        again = asyncio.create_task(events(http_api, told))
        # The first is still there: its member has not noticed that nobody listens any more.
        while len(etcd.watches) < 2:
            await asyncio.sleep(0.001)
        etcd.put("/loanstack/lab/aa", "news")
        assert isinstance(await told.get(), list)
        again.cancel()

    play(certificate, story, members=2)


def test_a_stream_without_a_member_that_answers_is_an_error_in_time(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        etcd.silent = {0}
        told: asyncio.Queue[object] = asyncio.Queue()
        await events(http_api, told)
        assert "no answer in time" in str(await told.get())

    play(certificate, story)


def test_a_stream_with_a_forgotten_token_is_an_error_and_the_next_one_logs_in(certificate: Path) -> None:
    async def story(http_api: EtcdHttpApi, etcd: FakeEtcd) -> None:
        await http_api.call("/v3/kv/range", READ)
        etcd.tokens.clear()
        told: asyncio.Queue[object] = asyncio.Queue()
        await events(http_api, told)
        assert "invalid auth token" in str(await told.get())
        listening = asyncio.create_task(events(http_api, told))
        await listened(etcd)
        listening.cancel()

    etcd, _ = play(certificate, story)
    assert etcd.logins == 2
