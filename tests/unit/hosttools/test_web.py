"""Questions over HTTP: what a server sends, and when, that means well or not."""

import http.client
import io

import pytest

from hosttools import waiting, web

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


class Dripping(io.RawIOBase):
    """A connection that gives a few bytes a second; a clock that only this moves."""

    def __init__(self, answer: bytes, bytes_a_second: int) -> None:
        super().__init__()
        self._answer = io.BytesIO(answer)
        self._bytes_a_second = bytes_a_second
        self.at_s = 0.0
        self.limits_s: list[float] = []

    def now_s(self) -> float:
        return self.at_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # it gets no other buffer
        self.at_s += 1.0
        piece = self._answer.read(min(self._bytes_a_second, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def settimeout(self, seconds: float) -> None:
        self.limits_s.append(seconds)

    def sendall(self, _: bytes) -> None:
        pass

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self)


def asked(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, limit_s: float, *, bytes_a_second: int = 1
) -> tuple[web.Answer | None, Dripping]:
    link = Dripping(answer, bytes_a_second)
    connection = http.client.HTTPConnection("127.0.0.1", 1)
    connection.sock = link
    monkeypatch.setattr(waiting, "now_s", link.now_s)
    monkeypatch.setattr(web, "_connection", lambda *_: connection)
    return web.ask("http://127.0.0.1:1/x", limit_s=limit_s), link


@pytest.mark.parametrize("answer", [ANSWER, CHUNKED])
def test_a_slow_answer_is_taken_while_there_is_time(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    found, link = asked(monkeypatch, answer, 1000.0)
    assert found == web.Answer(status=200, body="ok")
    assert link.limits_s[:2] == [1000.0, 999.0], "each step has what is left"
    assert link.closed


@pytest.mark.parametrize("limit_s", [5.0, 25.0, len(ANSWER) - 1.0])
@pytest.mark.parametrize("answer", [ANSWER, CHUNKED])
def test_an_answer_that_drips_ends_with_its_time(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, limit_s: float
) -> None:
    found, link = asked(monkeypatch, answer, limit_s)
    assert found is None
    assert link.at_s == limit_s


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + b"x" * (web._LARGEST_ANSWER_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n$(id)\r\n",
        b"HTTP/1.1 99999999 OK\r\n\r\n",
        b"$(touch injected)\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["endless", "chunk", "status", "no HTTP", "header", "nothing"],
)
def test_an_answer_that_is_none_is_none(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    assert asked(monkeypatch, answer, 1e9, bytes_a_second=1 << 16)[0] is None
