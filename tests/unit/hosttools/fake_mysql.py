"""A server that speaks as much of the MySQL protocol as the tools need, on this machine alone."""

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Answer = str | int | bytes | tuple[int, str] | None
"""One value, an error (code, message), None: done, without rows; or a packet as it is, whatever it means."""

_CAPABILITIES = 0x0000_8000 | 0x0000_0200 | 0x0008_0000 | 0x0000_0001 | 0x0000_2000 | 0x0002_0000
_AUTOCOMMIT = 2
_QUERY, _QUIT = 3, 1
_EOF = b"\xfe" + struct.pack("<HH", 0, _AUTOCOMMIT)
_OK = b"\x00\x00\x00" + struct.pack("<HH", _AUTOCOMMIT, 0)


def _text(value: bytes) -> bytes:
    length = bytes([len(value)]) if len(value) < 251 else b"\xfd" + struct.pack("<I", len(value))[:3]
    return length + value


class _Session(socketserver.StreamRequestHandler):
    server: "_Server | _LocalServer"

    def handle(self) -> None:
        greeting = b"\x0a5.7.25-fake\x00" + struct.pack("<I", 1) + b"12345678\x00"
        greeting += struct.pack("<HBHH", _CAPABILITIES & 0xFFFF, 45, _AUTOCOMMIT, _CAPABILITIES >> 16)
        greeting += bytes([21]) + bytes(10) + b"123456789012\x00" + b"mysql_native_password\x00"
        self._send(0, greeting)
        number, _ = self._receive()
        if self.server.login:
            self._send(number + 1, b"\xfe" + self.server.login)
            number, said = self._receive()
            self.server.said_at_login.append(said)
        self._send(number + 1, _OK)
        while True:
            _, command = self._receive()
            if not command or command[0] == _QUIT:
                return
            assert command[0] == _QUERY
            statement = command[1:].decode()
            self._answer(None if statement.startswith("SET NAMES") else self.server.answer(statement))

    def _answer(self, answer: Answer) -> None:
        if answer is None:
            self._send(1, _OK)
        elif isinstance(answer, bytes):
            self._send(1, answer)
        elif isinstance(answer, tuple):
            code, message = answer
            self._send(1, b"\xff" + struct.pack("<H", code) + b"#HY000" + message.encode())
        else:
            column = b"".join(_text(each) for each in (b"def", b"", b"", b"", b"value", b""))
            column += b"\x0c" + struct.pack("<HIBHBH", 45, 255, 253, 0, 0, 0)
            self._send(1, b"\x01")
            self._send(2, column)
            self._send(3, _EOF)
            self._send(4, _text(str(answer).encode()))
            self._send(5, _EOF)

    def _send(self, number: int, packet: bytes) -> None:
        self.wfile.write(struct.pack("<I", len(packet))[:3] + bytes([number]) + packet)

    def _receive(self) -> tuple[int, bytes]:
        head = self.rfile.read(4)
        if len(head) < 4:
            return 0, b""
        return head[3], self.rfile.read(int.from_bytes(head[:3], "little"))


class _Answering:
    daemon_threads = True
    answer: Callable[[str], Answer]
    login: bytes
    said_at_login: list[bytes]


class _Server(_Answering, socketserver.ThreadingTCPServer):
    pass


class _LocalServer(_Answering, socketserver.ThreadingUnixStreamServer):
    pass


@contextmanager
def serving(
    answer: Callable[[str], Answer],
    *,
    socket: Path | None = None,
    login: bytes = b"",
    said_at_login: list[bytes] | None = None,
) -> Iterator[int]:
    """Serve until the end of this; give the port, 0 on a local socket.

    + answer: called with each statement
    + socket: path of a local socket; None: a free port of the loopback interface
    + login: another way to log in that the server asks for: its name, a zero byte, and data
    + said_at_login: gets what the client then says
    """
    server: _Server | _LocalServer
    server = _Server(("127.0.0.1", 0), _Session) if socket is None else _LocalServer(str(socket), _Session)
    server.answer = answer
    server.login = login
    server.said_at_login = [] if said_at_login is None else said_at_login
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield 0 if socket else int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
