"""What an agent says arrives at once, and what is no answer counts as silence."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app_stub import agent_signature
from app_stub.agent_poller import Refusal, Trust, poll, word_in
from app_stub.http_get import BadAnswerError, GetConnection
from app_stub.primary_rule import Word
from app_stub.settings import Endpoint
from failover import signature
from failover.signature import Keys
from tests import virtual_time
from tests.unit.app_stub.fake_agent import KEY, FakeAgent

A = Endpoint(host="198.18.1.13", port=2881)
B = Endpoint(host="203.0.113.9", port=2881)
Heard = Word | Refusal | None
SERVING = b'{"host":"ob-a","address":"198.18.1.13","port":2881,"epoch":5,"phase":"serving","tag":"x"}'


def _play(story: Callable[[FakeAgent, list[Heard]], Awaitable[None]]) -> None:
    async def play() -> None:
        agent = FakeAgent()
        await agent.start()
        heard: list[Heard] = []
        task = asyncio.create_task(
            poll(
                agent.endpoint,
                lambda _, word, _asked_s: heard.append(word),
                lambda _, because: heard.append(because),
                Trust(key=KEY, databases=(A,)),
                connect_timeout_s=0.2,
            )
        )
        try:
            await story(agent, heard)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await agent.stop()

    virtual_time.run(play())


async def _until(heard: list[Heard], last: Heard) -> None:
    async with asyncio.timeout(3):
        while not heard or heard[-1] != last:
            await asyncio.sleep(0.002)


def test_a_change_is_told_at_once_and_asked_for_by_tag() -> None:
    async def story(agent: FakeAgent, heard: list[Heard]) -> None:
        await _until(heard, Word(epoch=0, phase="unknown"))
        await asyncio.sleep(0.05)
        assert len(agent.asked) == 2, "a held question is not repeated"
        assert "unless=0%2Fof%20this%20test%26&wait_ms=" in agent.asked[-1]
        agent.says(5, "serving", A)
        await asyncio.sleep(0.03)
        assert heard[-1] == Word(epoch=5, phase="serving", primary=A)
        agent.says(5, "handover")
        await asyncio.sleep(0.03)
        assert heard[-1] == Word(epoch=5, phase="handover")

    _play(story)


def test_an_agent_that_goes_is_silent_and_is_heard_again_when_it_comes_back() -> None:
    async def story(agent: FakeAgent, heard: list[Heard]) -> None:
        agent.says(5, "serving", A)
        await _until(heard, Word(epoch=5, phase="serving", primary=A))
        await agent.stop()
        await _until(heard, None)
        await agent.start()
        await _until(heard, Word(epoch=5, phase="serving", primary=A))

    _play(story)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"x" * 100_000,
    ],
)
def test_what_is_no_answer_is_silence(raw: bytes) -> None:
    async def story(agent: FakeAgent, heard: list[Heard]) -> None:
        agent.raw = raw
        await _until(heard, None)
        agent.raw = None
        await _until(heard, Word(epoch=0, phase="unknown"))

    _play(story)


@pytest.mark.parametrize(
    ("key", "primary", "because"),
    [("", A, "signature"), ("another-key", A, "signature"), (KEY, B, "address")],
    ids=["not-signed", "signed-with-another-key", "another-database"],
)
def test_what_is_not_believed_is_told_and_counts_as_silence(
    key: str, primary: Endpoint, because: Refusal
) -> None:
    async def story(agent: FakeAgent, heard: list[Heard]) -> None:
        await _until(heard, Word(epoch=0, phase="unknown"))
        agent.key = key
        agent.says(5, "serving", primary)
        await _until(heard, None)
        assert heard[-2:] == [because, None]
        assert not any(isinstance(word, Word) and word.primary for word in heard)
        agent.key = KEY
        agent.says(6, "serving", A)
        await _until(heard, Word(epoch=6, phase="serving", primary=A))

    _play(story)


def test_an_earlier_answer_is_none_to_a_later_question() -> None:
    async def story(agent: FakeAgent, heard: list[Heard]) -> None:
        agent.says(5, "serving", A)
        agent.raw = agent.answer("0" * 32, "/primary")
        await _until(heard, None)
        assert heard[-2:] == ["signature", None]

    _play(story)


def test_what_the_agents_sign_is_what_the_services_verify() -> None:
    """The two sides share no code, because each is on hosts where the other is not."""
    said = {"nonce": "a" * 32, "target": "/primary?unless=1&wait_ms=2", "status": 503, "body": b"{}\n"}
    given = signature.of_answer(Keys(token="t", reading=KEY).of_answer("/primary"), **said)
    assert agent_signature.is_signed(given, KEY, **said)
    assert (
        signature.NONCE_HEADER,
        signature.SIGNATURE_HEADER.lower(),
    ) == (agent_signature.NONCE_HEADER, agent_signature.SIGNATURE_HEADER)
    for name, other in {"nonce": "b" * 32, "target": "/primary", "status": 200, "body": b"{}"}.items():
        assert not agent_signature.is_signed(given, KEY, **{**said, name: other})


def test_words() -> None:
    assert word_in(200, SERVING) == (Word(epoch=5, phase="serving", primary=A), "x")
    held = b'{"epoch":5,"phase":"handover","tag":"y"}'
    assert word_in(503, held) == (Word(epoch=5, phase="handover"), "y")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, SERVING),
        (200, b"{}"),
        (200, b"no"),
        (200, SERVING.replace(b'"x"', b'""')),
        (200, SERVING.replace(b"2881", b"0")),
        (200, SERVING.replace(b"198.18.1.13", b"")),
    ],
)
def test_no_words(status: int, body: bytes) -> None:
    with pytest.raises(BadAnswerError):
        word_in(status, body)


def test_a_server_that_accepts_and_says_nothing_is_late() -> None:
    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        # Without this use, Python 3.14 drops the writer above, and so cuts the connection.
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connection = GetConnection(Endpoint(host="127.0.0.1", port=port), connect_timeout_s=0.2)
        with pytest.raises(TimeoutError):
            await connection.get("/primary", timeout_s=0.05, headers={})
        server.close()

    virtual_time.run(story())
