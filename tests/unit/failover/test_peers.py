"""Direct looks at other hosts: a greeting, not an open port, is an answer of SQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from failover import signature
from failover.api.status import status_of
from failover.core.observed import Database, Observed
from failover.host.peers import PeerWatch
from failover.settings import Peer
from tests.unit.failover import virtual
from tests.unit.failover.config import READING_KEY, TOKEN, settings

HERE = "127.0.0.1"
SAID = '{"me": "ob-b", "fenced_epoch": 7, "scn": 1, "more": []}'
GREETING = b"\x4a\x00\x00\x00\x0a5.7.25\x00"


async def pause() -> None:
    await asyncio.sleep(0.02)


class Clock:
    now_ms = 1000

    def __call__(self) -> int:
        return self.now_ms


@asynccontextmanager
async def sql(greeting: bytes, *, then_close: bool = True) -> AsyncIterator[int]:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        if then_close:
            writer.close()

    server = await asyncio.start_server(greet, HERE, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


Sign = Callable[[str, bytes], str]


def signs(nonce: str, body: bytes) -> str:
    return signature.of_answer(TOKEN, nonce=nonce, target="/status", status=200, body=body)


@asynccontextmanager
async def agent(text: str, sign: Sign) -> AsyncIterator[int]:
    async def status(request: web.Request) -> web.Response:
        given = sign(request.headers[signature.NONCE_HEADER], text.encode())
        return web.Response(text=text, headers={signature.SIGNATURE_HEADER: given} if given else {})

    application = web.Application()
    application.router.add_get("/status", status)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, HERE, 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def look(
    greeting: bytes | None, status: str | None, *, then_close: bool = True, sign: Sign = signs
) -> tuple[bool, bool, int]:
    """Return whether SQL and agent were heard, and the fenced epoch."""

    async def play() -> tuple[bool, bool, int]:
        clock = Clock()
        async with (
            sql(greeting or b"", then_close=then_close) as sql_port,
            agent(status or "", sign) as agent_port,
        ):
            watch = PeerWatch(
                (Peer(host="ob-b", address=HERE, candidate=True, fence=None),),
                sql_port=sql_port if greeting is not None else 1,
                agent_port=agent_port if status is not None else 1,
                token=TOKEN,
                pause=pause,
                now_ms=clock,
            )
            clock.now_ms = 2000
            running = asyncio.create_task(watch.run())
            await asyncio.sleep(0.15)
            running.cancel()
            (seen,) = watch.observe()
        return seen.sql_silent_ms == 0, seen.agent_silent_ms == 0, seen.reported_fenced_epoch

    return virtual.run(play())


def test_a_host_that_answers_is_heard() -> None:
    assert look(GREETING, SAID) == (True, True, 7)


@pytest.mark.parametrize(
    "sign",
    [
        lambda _nonce, _body: "",
        lambda nonce, body: signs(nonce, body)[:-1],
        lambda _nonce, body: signs("0" * 32, body),
        lambda nonce, _body: signs(nonce, b'{"fenced_epoch": 6, "scn": 1}'),
        lambda nonce, body: signature.of_answer(
            TOKEN, nonce=nonce, target="/primary", status=200, body=body
        ),
        lambda nonce, body: signature.of_answer(TOKEN, nonce=nonce, target="/status", status=503, body=body),
        lambda nonce, body: signature.of_answer(
            READING_KEY, nonce=nonce, target="/status", status=200, body=body
        ),
        lambda nonce, body: signature.of_command(
            TOKEN, host="ob-b", nonce=nonce, sent_ms="200", target="/status", body=body
        ),
    ],
    ids=["none", "cut", "of-an-earlier-question", "of-another-body", "of-another-path", "of-another-status",
         "of-a-reader", "of-an-order"],
)  # fmt: skip
def test_an_answer_without_the_signature_of_this_very_answer_is_silence(sign: Sign) -> None:
    """A fenced epoch lets another host lead: whoever answers for that address must not be able to say one."""
    assert look(GREETING, SAID, sign=sign) == (True, False, 0)


def test_an_answer_that_another_agent_signed_is_silence() -> None:
    """Each agent has the same token, so somebody in between could have a living one sign for a dead one."""
    assert look(GREETING, SAID.replace("ob-b", "ob-c")) == (True, False, 0)


def test_doubt_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    answers = 0

    def sign(nonce: str, body: bytes) -> str:
        nonlocal answers
        answers += 1
        return signs(nonce, body) if answers > 3 else ""

    assert look(GREETING, SAID, sign=sign) == (True, True, 7)
    assert [r.message for r in caplog.records if r.name == "failover.peers"] == [
        "an answer is not that agent's",
        "its answers are its own again",
    ]


def test_what_an_agent_tells_is_what_the_others_read() -> None:
    """Both sides of the wire: a field that one calls otherwise would make every agent look silent."""
    seen = Observed(now_ms=1, me="ob-b", fenced_epoch=9, database=Database(scn=4711))
    told = msgspec.json.encode(
        status_of(seen, settings(), last_decision="", reports={}, paused=None)
    ).decode()
    assert look(GREETING, told) == (True, True, 9)


def test_one_that_refuses_both_is_silent() -> None:
    assert look(None, None) == (False, False, 0)


def test_a_port_that_is_open_and_greets_nobody_is_silence() -> None:
    assert look(b"", "{}", then_close=False) == (False, False, 0)


def test_another_program_on_the_port_is_silence() -> None:
    assert look(b"HTTP/1.1 400 Bad Request\r\n", "not JSON") == (False, False, 0)


def test_silence_counts_from_the_first_look() -> None:
    clock = Clock()
    peers = (Peer(host="ob-b", address=HERE, candidate=True, fence=None),)
    watch = PeerWatch(peers, sql_port=1, agent_port=1, token=TOKEN, pause=pause, now_ms=clock)
    clock.now_ms += 1234
    (seen,) = watch.observe()
    assert (seen.sql_silent_ms, seen.agent_silent_ms, seen.reported_fenced_epoch) == (1234, 1234, 0)
    assert watch.position_of("ob-b") == watch.position_of("ob-x") == (0, None)


def test_where_there_is_nobody_to_look_at_looking_goes_on() -> None:
    async def play() -> None:
        running = asyncio.create_task(PeerWatch((), sql_port=1, agent_port=1, token=TOKEN, pause=pause).run())
        await asyncio.sleep(0.05)
        assert not running.done()
        running.cancel()

    virtual.run(play())
