"""Kept connections: what is definite and what is not, and where the next request goes."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.transport.connections import Connections, Target, target_of
from loadtests.transport.exchange import NoAnswerError, NotSentError

HEAD = "GET /v1/products HTTP/1.1\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%b\r\n{}"
NAME = "loan.test"
NOBODYS_PORT = 9
"""Of no other test either: the kernel gives it to nobody who asks for any port."""

Serve = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the other thread of this process as long as it needs to take a connection."""
    monkeypatch.setattr("loadtests.transport.connections.CONNECT_TIMEOUT_S", 60.0)


@contextmanager
def server(*scripts: Serve, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve one connection with each script in turn; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        for script in scripts:
            connection, _ = listener.accept()
            try:
                script(tls.wrap_socket(connection, server_side=True) if tls else connection)
            except OSError:
                connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(timeout=120)
        listener.close()
        assert not thread.is_alive()


def answers(count: int, header: bytes = b"", *, closed: threading.Event | None = None) -> Serve:
    def script(connection: socket.socket) -> None:
        for _ in range(count):
            assert connection.recv(4096)
            connection.sendall(ANSWER % header)
        connection.close()
        if closed is not None:
            closed.set()

    return script


def hangs_up(connection: socket.socket) -> None:
    assert connection.recv(4096)
    connection.close()


def cuts_off(connection: socket.socket) -> None:
    assert connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
    connection.close()


def talks_nonsense(connection: socket.socket) -> None:
    assert connection.recv(4096)
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
    connection.close()


def says_nothing(connection: socket.socket) -> None:
    assert connection.recv(4096)
    connection.recv(4096)
    connection.close()


def target(port: int, ca_file: Path | None = None, name: str = NAME) -> Target:
    url = f"https://127.0.0.1:{port}"
    return Target(url=url, address="127.0.0.1", port=port, server_name=name, ca_file=ca_file)


def connections(*targets: Target, deadline_s: float = 60.0) -> Connections:
    return Connections(targets, first=0, deadline_s=deadline_s)


def test_a_connection_is_kept_for_many_requests():
    with server(answers(3)) as port:
        found = connections(target(port))
        assert [found.send(HEAD, b"").status for _ in range(3)] == [200, 200, 200]
        found.close()


def test_an_answer_carries_its_body_and_whether_to_come_back():
    with server(answers(1, b"Retry-After: 1\r\n")) as port:
        reply = connections(target(port)).send(HEAD, b"")
    assert (reply.status, reply.body, reply.retry_after) == (200, b"{}", True)


def test_a_connection_that_was_closed_between_requests_is_replaced_without_a_loss():
    closed = threading.Event()
    with server(answers(1, closed=closed), answers(1)) as port:
        found = connections(target(port))
        assert found.send(HEAD, b"").status == 200
        # The end of the kept connection is here; a client that did not look would lose a request to it.
        assert closed.wait(120)
        assert found.send(HEAD, b"").status == 200


def test_a_connection_that_is_announced_to_close_is_not_used_again():
    with server(answers(1, b"Connection: close\r\n"), answers(1)) as port:
        found = connections(target(port))
        assert [found.send(HEAD, b"").status for _ in range(2)] == [200, 200]


def speaks(*pieces: bytes) -> Serve:
    """Answer the first request in pieces, and a second one if it comes on the same connection."""

    def script(connection: socket.socket) -> None:
        assert connection.recv(4096)
        for piece in pieces:
            connection.sendall(piece)
            threading.Event().wait(0.02)
        if connection.recv(4096):
            connection.sendall(ANSWER % b"")
        connection.close()

    return script


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ((b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\nX: y\r\n\r\n", b"ab", b"cd"), 201, b"abcd"),
        ((b"HTTP/1.1 201 Created\r\nContent-Le", b"ngth: 4\r\n\r\nabcd"), 201, b"abcd"),
        ((b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{}",), 200, b"{}"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), 204, b""),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",), 200, b"{}"),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), 200, b"{}"),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n", b"0\r\n\r\n"),
            None,
            b"",
        ),
    ],
)
def test_answers_of_every_shape_are_read_whole(pieces, status, body):
    with server(speaks(*pieces)) as port:
        found = connections(target(port))
        if status is None:
            # Two lengths at once are how requests are smuggled past a proxy.
            with pytest.raises(NoAnswerError):
                found.send(HEAD, b"")
            return
        reply = found.send(HEAD, b"")
        assert (reply.status, reply.body) == (status, body)
        assert found.send(HEAD, b"").body == b"{}"
        found.close()


def test_bytes_behind_an_answer_are_never_taken_for_the_next_one():
    late = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    with server(speaks(late), answers(1)) as port:
        found = connections(target(port))
        assert [found.send(HEAD, b"").status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("script", [hangs_up, cuts_off, talks_nonsense])
def test_a_request_without_a_whole_answer_may_have_happened(script):
    with server(script) as port, pytest.raises(NoAnswerError):
        connections(target(port)).send(HEAD, b"")


def test_an_answer_that_does_not_come_is_given_up():
    with server(says_nothing) as port:
        found = connections(target(port), deadline_s=0.2)
        with pytest.raises(NoAnswerError, match="timed out"):
            found.send(HEAD, b"")


def test_a_refused_connection_is_a_definite_no():
    with pytest.raises(NotSentError, match="connect: Connection refused"):
        connections(target(NOBODYS_PORT)).send(HEAD, b"")


def test_after_a_failure_the_next_request_goes_to_the_next_gateway():
    with server(answers(2)) as port:
        found = connections(target(NOBODYS_PORT), target(port))
        with pytest.raises(NotSentError):
            found.send(HEAD, b"")
        assert found.send(HEAD, b"").status == 200
        assert found.send(HEAD, b"").status == 200
        found.close()


def test_users_are_spread_over_gateways():
    with server(answers(1)) as first, server(answers(1)) as second:
        targets = (target(first), target(second))
        for number in (0, 3):
            assert Connections(targets, first=number, deadline_s=60.0).send(HEAD, b"").status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for NAME that is its own authority, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-days", "2"),
            *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


@pytest.fixture
def tls(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def test_a_gateway_with_the_right_certificate_is_trusted(certificate, tls):
    with server(answers(2), tls=tls) as port:
        found = connections(target(port, certificate))
        found.connect()
        assert [found.send(HEAD, b"").status for _ in range(2)] == [200, 200]
        found.close()


def test_a_certificate_for_another_name_is_refused_before_anything_is_sent(certificate, tls):
    with server(answers(1), tls=tls) as port, pytest.raises(NotSentError, match="Hostname mismatch"):
        connections(target(port, certificate, name="other.test")).send(HEAD, b"")


def test_a_certificate_of_another_authority_is_refused_before_anything_is_sent(certificate, tls, tmp_path):
    other = tmp_path / "ca.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(other), "-days", "2", "-subj", "/CN=other"),
        ],
        check=True,
        capture_output=True,
    )
    with server(answers(1), tls=tls) as port, pytest.raises(NotSentError, match="certificate verify failed"):
        connections(target(port, other)).send(HEAD, b"")


def test_a_host_url_is_understood_or_refused():
    plain, safe = target_of("http://127.0.0.1:8080"), target_of("https://loan.example")
    assert (plain.port, plain.server_name, plain.ca_file) == (8080, "127.0.0.1", None)
    assert safe.port == 443
    assert safe.ca_file is not None
    for wrong in ("127.0.0.1:8080", "ftp://x", "https://", "https://x/path"):
        with pytest.raises(ValueError, match="allowed: http://ADDRESS:PORT"):
            target_of(wrong)
