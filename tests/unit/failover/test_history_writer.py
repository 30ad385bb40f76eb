"""The history on its way into etcd: nothing is lost while that is away, and nobody waits."""

import asyncio
from typing import Any

from failover.etcd.history import Event
from failover.etcd.history_writer import HistoryWriter
from failover.etcd.http_api import EtcdError
from tests.unit.failover import virtual


class FakeHistory:
    def __init__(self) -> None:
        self.held: dict[int, list[dict[str, Any]]] = {}
        self.is_away = False

    async def append(self, epoch: int, event: Event) -> None:
        if self.is_away:
            raise EtcdError("silence")
        self.held.setdefault(epoch, []).append(event.line())

    async def read(self) -> dict[int, list[dict[str, Any]]]:
        if self.is_away:
            raise EtcdError("silence")
        return self.held


def test_events_reach_etcd_in_order_with_their_own_times() -> None:
    history, now = FakeHistory(), iter((1.5, 2.5))
    history_writer = HistoryWriter(history, "ob-a", wall_s=lambda: next(now))

    async def play() -> None:
        running = asyncio.create_task(history_writer.run())
        history_writer.record(3, "decided", "why", request="r")
        history_writer.record(3, "detected", "before", at_s=1.0)
        history_writer.record(4, "claimed", "again")
        await asyncio.sleep(0.05)
        running.cancel()
        assert [line["event"] for line in (await history_writer.history())[3]] == ["detected", "decided"]

    virtual.run(play())
    assert history.held[3][0] == {
        "at_s": 1.5, "event": "decided", "host": "ob-a", "detail": "why", "request": "r",
    }  # fmt: skip
    assert history.held[4][0]["at_s"] == 2.5


def test_without_etcd_the_history_is_what_was_read_and_what_waits() -> None:
    history = FakeHistory()
    history_writer = HistoryWriter(history, "ob-a", wall_s=lambda: 2.0)

    async def play() -> None:
        history.held = {2: [{"at_s": 1.0, "event": "claimed", "host": "ob-b", "detail": ""}]}
        await history_writer.history()
        history.is_away = True
        running = asyncio.create_task(history_writer.run())
        history_writer.record(3, "fenced", "down")
        await asyncio.sleep(0.02)
        told = await history_writer.history()
        assert {epoch: [line["event"] for line in lines] for epoch, lines in told.items()} == {
            2: ["claimed"],
            3: ["fenced"],
        }
        history.is_away = False
        await asyncio.sleep(0.7)
        running.cancel()
        assert [line["event"] for line in history.held[3]] == ["fenced"]
        # It is told once, although it is on its way no more.
        assert len((await history_writer.history())[3]) == 1

    virtual.run(play())


def test_a_refusal_that_answers_nobody_is_told_once_an_epoch() -> None:
    history = FakeHistory()
    history_writer = HistoryWriter(history, "ob-a", wall_s=lambda: 2.0)

    async def play() -> None:
        running = asyncio.create_task(history_writer.run())
        for lag_ms in (6000, 6200):
            history_writer.refuse(3, "claim", f"{lag_ms} ms behind", None)
        history_writer.refuse(4, "claim", "7000 ms behind", None)
        for request in ("r1", "r2"):
            history_writer.refuse(4, "switchover", "no", request)
        await asyncio.sleep(0.05)
        running.cancel()

    virtual.run(play())
    assert [line["detail"] for line in history.held[3]] == ["6000 ms behind"]
    assert [line.get("request") for line in history.held[4]] == [None, "r1", "r2"]
