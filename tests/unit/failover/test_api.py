"""The agent's API: what it tells anybody, what it takes from whom, and how it says no."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest

from failover import clock, signature
from failover.api.announcement import Answer
from failover.api.backend import RefusedError
from failover.api.command_check import VALID_MS, CommandCheck
from failover.api.http import Api, serve
from failover.api.problems import ProblemError
from failover.etcd.http_api import EtcdError
from tests import virtual_time
from tests.unit.failover import virtual
from tests.unit.failover.config import KEYS, TOKEN
from tests.unit.failover.fake_backend import FakeBackend, a_status, serving

Json = dict[str, Any]
ORDER = b'{"to": "ob-b"}'
COMMANDS = ["/switchover", "/failover", "/rejoin", "/pause", "/resume"]


def signed(
    path: str, body: bytes, *, token: str = TOKEN, sent_ms: int = 0, host: str = "ob-a"
) -> dict[str, str]:
    """Return the headers of an order, as the agents' own client makes them."""
    nonce, sent = signature.fresh_nonce(), str(sent_ms or clock.steady_ms())
    of_command = signature.of_command(token, host=host, nonce=nonce, sent_ms=sent, target=path, body=body)
    return {
        signature.NONCE_HEADER: nonce,
        signature.SENT_HEADER: sent,
        signature.SIGNATURE_HEADER: of_command,
    }


class Client:
    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def get(self, path: str) -> tuple[int, Any]:
        async with self._session.get(self._base + path) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text

    async def signed(self, path: str, nonce: str) -> tuple[int, bytes, str]:
        """Ask with a nonce; returns status, body and signature."""
        headers = {signature.NONCE_HEADER: nonce}
        async with self._session.get(self._base + path, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers.get(signature.SIGNATURE_HEADER, "")

    async def post(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = signed(path, data) if headers is None else headers
        async with self._session.post(self._base + path, data=data, headers=sent) as answer:
            assert answer.status < 400 or answer.content_type == "application/problem+json"
            return answer.status, await answer.json(content_type=None)


def play(backend: FakeBackend, story: Callable[[Client], Awaitable[Any]]) -> Any:
    async def stage() -> Any:
        runner = await serve(backend, KEYS, addresses=("127.0.0.1",), port=0)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                return await story(Client(session, f"http://127.0.0.1:{runner.addresses[0][1]}"))
            finally:
                backend.announcement.close()
                await runner.cleanup()

    return virtual.run(stage())


def got(backend: FakeBackend, path: str) -> tuple[int, Any]:
    found: tuple[int, Any] = play(backend, lambda client: client.get(path))
    return found


def posted(backend: FakeBackend, path: str, body: object = None) -> tuple[int, Any]:
    found: tuple[int, Any] = play(backend, lambda client: client.post(path, body))
    return found


def test_nobody_is_the_primary_before_anything_is_known() -> None:
    status, said = got(FakeBackend(), "/primary")
    assert (status, said["epoch"], said["phase"]) == (503, 0, "unknown")
    assert set(said) == {"epoch", "phase", "tag"}


def test_the_primary_is_told_with_what_a_service_needs() -> None:
    backend = FakeBackend()
    backend.announcement.say(serving("ob-b", 13))
    status, said = got(backend, "/primary")
    assert status == 200
    assert said == {
        "host": "ob-b",
        "address": "198.18.2.23",
        "port": 2881,
        "epoch": 13,
        "phase": "serving",
        "durability": "cross_centre",
        "durability_timeout_ms": 2000,
        "degrade_after_ms": None,
        "tag": backend.announcement.answer.tag,
    }


def test_a_proxy_finds_the_one_whose_own_database_is_to_be_written_to() -> None:
    backend = FakeBackend()
    assert got(backend, "/leader")[0] == 503, "nothing is known"
    backend.announcement.say(serving(backend.me, 12))
    status, said = got(backend, "/leader")
    assert (status, said["host"], said["epoch"]) == (200, backend.me, 12)
    for other in (serving("ob-b", 13), Answer(epoch=13, phase="handover")):
        backend.announcement.say(other)
        assert got(backend, "/leader")[0] == 503


def test_hundreds_who_wait_are_told_at_once_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeBackend()
    backend.announcement.say(serving("ob-a", 12))
    tag = backend.announcement.answer.tag

    held, other_than = 0, backend.announcement.other_than

    async def hold(tag: str | None, *, wait_s: float) -> Answer:
        nonlocal held
        held += 1
        return await other_than(tag, wait_s=wait_s)

    monkeypatch.setattr(backend.announcement, "other_than", hold)

    async def story(client: Client) -> float:
        waiting: list[asyncio.Future[tuple[int, Any]]] = []
        for _ in range(3):  # all at once they would wait for the kernel, whose queue has room for 128
            path = f"/primary?unless={tag}&wait_ms=5000"
            waiting += [asyncio.ensure_future(client.get(path)) for _ in range(100)]
            while held < len(waiting):
                await asyncio.sleep(0.001)
        assert not any(w.done() for w in waiting)
        begun = virtual_time.now_s()
        backend.announcement.say(Answer(epoch=12, phase="handover"))
        answers = await asyncio.gather(*waiting)
        assert {(status, said["phase"]) for status, said in answers} == {(503, "handover")}
        return virtual_time.now_s() - begun

    assert play(backend, story) < 1.5


def test_who_waits_for_nothing_new_gets_the_old_answer_in_the_end() -> None:
    backend = FakeBackend()
    backend.announcement.say(serving("ob-a", 12))
    tag = backend.announcement.answer.tag

    async def story(client: Client) -> None:
        begun = virtual_time.now_s()
        held = asyncio.ensure_future(client.get(f"/primary?unless={tag}&wait_ms=300"))
        await asyncio.sleep(0.1)
        backend.announcement.say(serving("ob-a", 12))
        status, said = await held
        assert (status, said["tag"]) == (200, tag)
        assert virtual_time.now_s() - begun >= 0.3
        begun = virtual_time.now_s()
        for path in (
            "/primary?unless=another&wait_ms=5000",
            f"/primary?unless={tag}",
            "/primary?wait_ms=5000",
        ):
            assert (await client.get(path))[0] == 200
        assert virtual_time.now_s() - begun < 1

    play(backend, story)


def test_the_end_of_the_agent_waits_for_nobody() -> None:
    backend = FakeBackend()

    async def story(client: Client) -> float:
        tag = backend.announcement.answer.tag
        held = asyncio.ensure_future(client.get(f"/primary?unless={tag}&wait_ms=5000"))
        await asyncio.sleep(0.1)
        begun = virtual_time.now_s()
        backend.announcement.close()
        assert (await held)[0] == 503
        return virtual_time.now_s() - begun

    assert play(backend, story) < 1


@pytest.mark.parametrize(
    ("path", "errors"),
    [
        ("/primary?wait_ms=5001", {"wait_ms": "whole milliseconds from 0 to 5000"}),
        (
            "/primary?wait_ms=-1&untill=x",
            {"wait_ms": "whole milliseconds from 0 to 5000", "untill": "one of unless, wait_ms"},
        ),
        ("/standby?lag=five", {"lag": "whole milliseconds from 0 to 86400000"}),
        ("/standby?lag=%D9%A3", {"lag": "whole milliseconds from 0 to 86400000"}),
        ("/standby?log=5", {"log": "one of lag"}),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(path: str, errors: dict[str, str]) -> None:
    status, said = got(FakeBackend(), path)
    assert status == 422
    assert {e["field"]: e["allowed"] for e in said["errors"]} == errors


@pytest.mark.parametrize(
    ("lag_ms", "path", "status"),
    [
        (62, "/standby?lag=62", 200),
        (63, "/standby?lag=62", 503),
        (9_000, "/standby", 200),
        (None, "/standby?lag=5000", 503),
        (None, "/standby", 503),
    ],
)
def test_a_standby_is_one_that_is_close_enough(lag_ms: int | None, path: str, status: int) -> None:
    found, said = got(FakeBackend(lag_ms=lag_ms), path)
    assert found == status
    assert (said["host"], said["lag_ms"]) == ("ob-a", lag_ms)


def test_status_metrics_and_health() -> None:
    status, said = got(FakeBackend(), "/status")
    assert (status, said["fenced_epoch"], said["leader"]["host"]) == (200, 11, "ob-a")
    assert [m["lag_ms"] for m in said["members"]] == [None, 62]
    assert got(FakeBackend(), "/metrics") == (200, "failover_epoch 12.0\n")
    assert got(FakeBackend(), "/healthz") == (200, {"healthy": True, "problems": []})
    wrong = FakeBackend(wrong=("the loop last ended 900 ms ago",))
    assert got(wrong, "/healthz") == (503, {"healthy": False, "problems": ["the loop last ended 900 ms ago"]})


def test_history_is_one_list_with_the_guarantee_of_its_epoch() -> None:
    events = [
        {"at_s": 1.0, "event": "claimed", "host": "ob-b", "detail": "ob-a is silent"},
        {"at_s": 2.0, "event": "guarantee", "host": "ob-b", "detail": "device: ob-a is off"},
        {"at_s": 2.1, "event": "promoted", "host": "ob-b", "detail": "", "request": "r-1"},
    ]
    first = [{"at_s": 0.5, "event": "promoted", "host": "ob-a", "detail": "first"}]
    status, said = got(FakeBackend(happened={2: events, 1: first}), "/history")
    assert status == 200
    assert [(e["epoch"], e["event"], e["guarantee"]) for e in said] == [
        (1, "promoted", None),
        (2, "claimed", None),
        (2, "guarantee", "device"),
        (2, "promoted", "device"),
    ]
    status, said = got(FakeBackend(failure=EtcdError("no member answered")), "/history")
    assert (status, said["type"], said["detail"]) == (
        503,
        "urn:loanstack:failover:no-store",
        "no member answered",
    )


@pytest.mark.parametrize("path", COMMANDS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}"},
        {signature.SIGNATURE_HEADER: TOKEN},
        {signature.SIGNATURE_HEADER: "t\u00f6ken"},
        signed("/another", ORDER),
        signed("/switchover?", ORDER),
        signed("/switchover", b"{}"),
        signed("/switchover", ORDER, token=KEYS.reading),
        signed("/switchover", ORDER, host="ob-b"),
        {**signed("/switchover", ORDER), signature.SENT_HEADER: "1"},
        {**signed("/switchover", ORDER), signature.NONCE_HEADER: "0" * 32},
    ],
)
def test_a_command_that_is_not_signed_as_it_stands_does_nothing(path: str, headers: dict[str, str]) -> None:
    backend = FakeBackend()
    status, said = play(backend, lambda client: client.post(path, ORDER, headers))
    assert (status, said["type"], backend.commands) == (401, "urn:loanstack:failover:not-signed", [])
    assert TOKEN not in json.dumps(said)


def test_a_command_is_taken_once() -> None:
    """Also when it is sent again while the first one is carried out, and not at all when it is old."""
    backend = FakeBackend()

    async def story(client: Client) -> list[int]:
        headers = signed("/pause", b"")
        return [(await client.post("/pause", b"", headers))[0] for _ in range(3)]

    assert play(backend, story) == [200, 401, 401]
    assert backend.commands == [("pause",)]

    async def late(client: Client) -> list[tuple[int, str]]:
        ages_ms = (VALID_MS + 1000, -VALID_MS - 1000)
        commands = [signed("/resume", b"", sent_ms=clock.steady_ms() - age_ms) for age_ms in ages_ms]
        answers = [await client.post("/resume", b"", order) for order in commands]
        return [(status, said["type"]) for status, said in answers]

    assert play(backend, late) == [(401, "urn:loanstack:failover:stale-order")] * 2
    assert backend.commands == [("pause",)]


def test_what_was_accepted_is_remembered_until_it_is_too_old_to_be_sent_again() -> None:
    now_ms = 50_000
    check = CommandCheck(TOKEN, "ob-a", lambda: now_ms)
    headers = signed("/pause", b"", sent_ms=now_ms)
    check.check(headers, target="/pause", body=b"")
    for later_ms in range(0, 3 * VALID_MS, 1000):
        now_ms = 50_000 + later_ms
        with pytest.raises(ProblemError):
            check.check(headers, target="/pause", body=b"")


def test_an_agent_that_started_again_takes_no_command_of_before() -> None:
    """It has forgotten what it accepted. An order that says to come from the future is none at all."""
    now_ms = 50_000
    first = CommandCheck(TOKEN, "ob-a", lambda: now_ms)
    sent, future = (signed("/pause", b"", sent_ms=at_ms) for at_ms in (now_ms, now_ms + 2))
    first.check(sent, target="/pause", body=b"")
    with pytest.raises(ProblemError):
        first.check(future, target="/pause", body=b"")
    now_ms += 1
    second = CommandCheck(TOKEN, "ob-a", lambda: now_ms)
    with pytest.raises(ProblemError):
        second.check(sent, target="/pause", body=b"")
    second.check(signed("/pause", b"", sent_ms=now_ms), target="/pause", body=b"")


def test_a_command_for_one_host_is_none_for_another() -> None:
    here, there = (CommandCheck(TOKEN, host, lambda: 50_000) for host in ("ob-a", "ob-b"))
    order = signed("/pause", b"", sent_ms=50_000, host="ob-b")
    with pytest.raises(ProblemError):
        here.check(order, target="/pause", body=b"")
    there.check(order, target="/pause", body=b"")


def test_an_answer_is_signed_for_its_question() -> None:
    backend = FakeBackend(told=a_status(me="ob-b"))
    backend.announcement.say(serving("ob-b", 13))
    nonces = ["a" * 32, "b" * 32, "", "a" * 31, "A" * 32]

    async def story(client: Client) -> dict[tuple[str, str], tuple[int, bytes, str]]:
        paths = ("/status", "/primary?unless=x&wait_ms=0", "/none")
        return {(path, nonce): await client.signed(path, nonce) for path in paths for nonce in nonces}

    for (path, nonce), (status, body, given) in play(backend, story).items():
        key = KEYS.reading if path.startswith("/primary") else KEYS.token
        expected = signature.of_answer(key, nonce=nonce, target=path, status=status, body=body)
        assert given == (expected if nonce in nonces[:2] else ""), (path, nonce)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_from_another_host_does_nothing_even_with_the_token(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp.web.BaseRequest.remote", "198.18.2.22")
    backend = FakeBackend()
    status, said = posted(backend, path, {"to": "ob-b"})
    assert (status, backend.commands) == (403, [])
    assert "198.18.2.22" in said["detail"]


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        (
            "/failover",
            {"to": 7, "force": "yes", "accept_loss": 1, "fast": True},
            {
                "to": "name of a database host",
                "force": "true or false",
                "accept_loss": "true or false",
                "fast": "one of to, accept_loss, dry_run, force, wait",
            },
        ),
        ("/failover", None, {"to": "name of a database host"}),
        (
            "/switchover",
            {"to": "", "force": True},
            {"to": "name of a database host", "force": "one of to, dry_run, wait"},
        ),
        ("/switchover", {"to": "x" * 65}, {"to": "name of a database host"}),
        ("/rejoin", {"wait": True}, {"wait": "one of to, dry_run"}),
        ("/pause", {"to": "ob-a"}, {"to": "no field at all"}),
        ("/resume", {"now": None}, {"now": "no field at all"}),
    ],
)
def test_all_bad_fields_are_told_at_once(path: str, body: object, errors: dict[str, str]) -> None:
    backend = FakeBackend()
    status, said = posted(backend, path, body)
    assert (status, backend.commands) == (422, [])
    assert {e["field"]: e["allowed"] for e in said["errors"]} == errors


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"to"', b"\xff"])
@pytest.mark.parametrize("path", COMMANDS)
def test_a_body_that_is_no_object_is_refused(path: str, body: bytes) -> None:
    backend = FakeBackend()
    status, said = posted(backend, path, body)
    assert (status, said["type"], backend.commands) == (400, "urn:loanstack:failover:bad-json", [])


def test_what_the_server_itself_refuses_is_a_problem_too() -> None:
    assert got(FakeBackend(), "/nothing")[0] == 404
    assert posted(FakeBackend(), "/status")[0] == 405
    assert got(FakeBackend(), "/pause")[1]["title"] == "Method Not Allowed"
    assert posted(FakeBackend(), "/pause", b" " * 20_000)[0] == 413
    status, said = posted(FakeBackend(failure=ZeroDivisionError("secret")), "/pause")
    assert (status, "secret" in json.dumps(said)) == (500, False)


def test_what_speaks_against_it_is_told_whole_and_nothing_is_left() -> None:
    against = ("ob-b is 9000 ms behind (limit 3000 ms)", "ob-b is configured never to be a candidate")
    for fields in ({"to": "ob-b"}, {"to": "ob-b", "dry_run": True}):
        backend = FakeBackend(against=against)
        status, said = posted(backend, "/switchover", fields)
        assert (status, said["refused"]) == (409, list(against))
        assert [order[0] for order in backend.commands] == ["check"]


def test_a_dry_run_checks_what_the_real_one_would_and_leaves_nothing() -> None:
    backend = FakeBackend()
    status, said = posted(backend, "/failover", {"to": "ob-b", "force": True, "dry_run": True})
    assert (status, said) == (200, {"kind": "failover", "to": "ob-b", "dry_run": True})
    assert backend.commands == [("check", "failover", "ob-b", True, False)]


def test_an_order_is_left_for_the_agents() -> None:
    backend = FakeBackend()
    status, said = posted(backend, "/failover", {"to": "ob-b", "accept_loss": True})
    assert (status, said) == (202, {"kind": "failover", "to": "ob-b", "id": "r-1"})
    assert backend.commands[1] == ("submit", "failover", "ob-b", False, True)


def test_who_is_not_named_is_chosen() -> None:
    backend = FakeBackend()
    assert posted(backend, "/switchover")[1]["to"] == "ob-b"
    assert posted(backend, "/rejoin")[1]["to"] == "ob-a"
    status, said = posted(FakeBackend(best=None), "/switchover", {"dry_run": True})
    assert (status, len(said["refused"])) == (409, 1)


def test_an_order_beside_another_is_refused() -> None:
    backend = FakeBackend(failure=RefusedError("a switchover to ob-b waits"))
    status, said = posted(backend, "/rejoin")
    assert (status, said["refused"]) == (409, ["a switchover to ob-b waits"])


def test_pause_and_resume() -> None:
    backend = FakeBackend()
    assert posted(backend, "/pause") == (200, {"paused": True})
    assert posted(backend, "/resume", {}) == (200, {"paused": False})
    assert backend.commands == [("pause",), ("resume",)]
    assert posted(FakeBackend(failure=EtcdError("no majority")), "/pause")[0] == 503


def test_the_token_is_not_in_the_repr_and_status_can_be_asked_by_all() -> None:
    assert TOKEN not in repr(KEYS) + repr(Api(FakeBackend(), KEYS))
    assert KEYS.reading not in repr(KEYS)
    assert got(FakeBackend(told=a_status(me="ob-b")), "/status")[1]["me"] == "ob-b"
