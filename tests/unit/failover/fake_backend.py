"""An agent as a test wants it, and the API that answers for it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from failover.api.announcement import Announcement, Answer, Primary
from failover.api.http import serve
from failover.api.status import DatabaseStatus, LeaderStatus, MemberStatus, Status
from failover.core.observed import RequestKind
from failover.settings import Durability
from tests.unit.failover.config import KEYS

Json = dict[str, Any]
_DURABILITY = Durability(mode="cross_centre", timeout_ms=2000, degrade_after_ms=None)


def serving(host: str, epoch: int) -> Answer:
    address = {"ob-a": "198.18.1.13", "ob-b": "198.18.2.23"}[host]
    primary = Primary(host=host, address=address, port=2881, durability=_DURABILITY)
    return Answer(epoch=epoch, phase="serving", primary=primary)


def a_member(host: str, role: str | None, **changed: Any) -> MemberStatus:
    usual: Json = {
        "scn": 1_700_000_000_000_000_000,
        "lag_ms": None,
        "epoch": 12,
        "fenced_epoch": 0,
        "may_lead": True,
        "silent_ms": 120,
        "thinks": "",
    }
    return MemberStatus(host=host, role=role, **{**usual, **changed})


def a_status(**changed: Any) -> Status:
    usual: Json = {
        "environment": "lab",
        "me": "ob-a",
        "fenced_epoch": 11,
        "scn": 4711,
        "thinks": "leads, and nothing is to be done",
        "database": DatabaseStatus(process="running", role="PRIMARY", silent_ms=40),
        "durability": "local",
        "store_answered_ago_ms": 90,
        "leader": LeaderStatus(
            host="ob-a",
            epoch=12,
            phase="serving",
            guarantee="device",
            to=None,
            lease_alive=True,
            unfenced=(),
            powered_off=(),
            alone="no",
        ),
        "members": (a_member("ob-a", "PRIMARY", fenced_epoch=11), a_member("ob-b", "STANDBY", lag_ms=62)),
        "paused": None,
        "request": None,
    }
    return Status(**{**usual, **changed})


@dataclass
class FakeBackend:
    """Implements `failover.backend.Backend`; what comes of an order is the test's choice."""

    announcement: Announcement = field(default_factory=Announcement)
    me: str = "ob-a"
    lag_ms: int | None = None
    wrong: tuple[str, ...] = ()
    best: str | None = "ob-b"
    against: tuple[str, ...] = ()
    happened: dict[int, list[Json]] = field(default_factory=dict)
    told: Status = field(default_factory=a_status)
    failure: Exception | None = None
    """Raised by whatever needs etcd."""
    commands: list[tuple[object, ...]] = field(default_factory=list)
    on_submit: Callable[["FakeBackend"], Awaitable[None]] | None = None
    """Goes on in the background once a request was left."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def standby_lag_ms(self) -> int | None:
        return self.lag_ms

    def status(self) -> Status:
        return self.told

    def metrics(self) -> bytes:
        return b"failover_epoch 12.0\n"

    def health(self) -> tuple[str, ...]:
        return self.wrong

    def successor(self) -> str | None:
        return self.best

    async def history(self) -> Mapping[int, Sequence[Json]]:
        self._need_etcd()
        return self.happened

    async def objections(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> tuple[str, ...]:
        self.commands.append(("check", kind, to, force, accept_loss))
        return self.against

    async def submit(self, kind: RequestKind, to: str, force: bool, accept_loss: bool) -> str:
        self._need_etcd()
        self.commands.append(("submit", kind, to, force, accept_loss))
        if self.on_submit is not None:
            task = asyncio.ensure_future(self.on_submit(self))
            self._tasks.add(task)
        return "r-1"

    async def pause(self) -> None:
        self._need_etcd()
        self.commands.append(("pause",))

    async def resume(self) -> None:
        self._need_etcd()
        self.commands.append(("resume",))

    def _need_etcd(self) -> None:
        if self.failure is not None:
            raise self.failure


@contextmanager
def served(backend: FakeBackend) -> Iterator[int]:
    """Serve the API in a thread of its own; gives the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def in_loop(work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), loop).result(60)

    runner = in_loop(serve(backend, KEYS, addresses=(), port=0))
    try:
        yield runner.addresses[0][1]
    finally:
        loop.call_soon_threadsafe(backend.announcement.close)
        in_loop(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
