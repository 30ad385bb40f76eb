"""A pretended TongWeb host: a test says what the server answers, and reads what it was asked."""

import base64
import os
import pwd
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hosttools import waiting
from hosttools.tongweb.log import ServerLog
from hosttools.tongweb.server import Server
from hosttools.tongweb.settings import TongWebSettings

STARTED = "TongWeb server startup complete in [4321] milliseconds\n"
ME = pwd.getpwuid(os.getuid()).pw_name


@dataclass
class Product:
    """What the server answers, and what it was asked."""

    version: str | None = "1.0"
    has_service: bool = True
    chunked: bool = False
    passwords: dict[str, str] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def product() -> Iterator[tuple[Product, int]]:
    state = Product()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = 404, b""
            if self.path == "/portal/metrics" and state.version is not None:
                status, body = 200, f'# x\nportal_info{{version="{state.version}"}} 1\n'.encode()
            elif self.path == "/portal/healthz":
                status = 200 if state.has_service else 503
            elif self.path == "/portal/api/readyz":
                status, body = 200, b"{}"
            elif self.path.startswith("/console/"):
                word = self.headers["Authorization"].removeprefix("Basic ")
                name, _, password = base64.b64decode(word).decode().partition(":")
                status = 200 if state.passwords.get(name) == password else 401
            self._answer(status, body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(405, b"no")

        def _answer(self, status: int, body: bytes) -> None:
            state.asked[f"{self.command} {self.path} {self.headers.get('X-Legal-Entity')}"] += 1
            self.send_response(status)
            if state.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"2\r\nab\r\n0\r\n\r\n")
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
    yield state, web.server_address[1]
    web.shutdown()
    web.server_close()


class Rotation:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def close_port(self, reason: str) -> None:
        self.told.append(f"close-port {reason}")

    def put_back(self, reason: str) -> None:
        self.told.append(f"in {reason}")


class Clock:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def now_s(self) -> float:
        return self.at_s

    def pause(self, seconds: float) -> None:
        self.at_s += seconds


@dataclass
class Host:
    """One host's folders, and the tool's parts on it."""

    folder: Path
    settings: TongWebSettings
    product: Product
    rotation: Rotation

    @property
    def log(self) -> ServerLog:
        return ServerLog(self.settings, state=self.folder / "state")

    @property
    def server(self) -> Server:
        return Server(self.settings, self.log, self.rotation)  # type: ignore[arg-type] # it is told the same

    def writes(self, text: str) -> None:
        with self.settings.log.open("a") as file:
            file.write(text)


@pytest.fixture
def host(tmp_path: Path, product: tuple[Product, int], monkeypatch: pytest.MonkeyPatch) -> Host:
    clock = Clock()
    monkeypatch.setattr(waiting, "now_s", clock.now_s)
    monkeypatch.setattr(waiting, "pause", clock.pause)
    state, port = product
    for name in ("home/logs", "home/conf", "home/bin", "home/autodeploy", "portal/1.0", "run", "tools"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "portal/current").symlink_to("1.0")
    (tmp_path / "portal/1.0/portal.war").write_bytes(b"war\0\xff")
    (tmp_path / "tools/journalctl").write_text("#!/bin/sh\ncat $FAKE_JOURNAL 2>/dev/null || true\n")
    (tmp_path / "tools/journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/tools:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_JOURNAL", str(tmp_path / "journal"))
    (tmp_path / "accounts").write_text("thanos thanos123.com ours-1\ncli cli123.com ours-2\n")
    (tmp_path / "configuration").write_text("<pool password='@data-source-password@'/>\n")
    (tmp_path / "data-source").write_text("word\n")
    settings = TongWebSettings(
        home=str(tmp_path / "home"),
        java_home="/opt/java",
        service_user=ME,
        accounts=str(tmp_path / "accounts"),
        configuration=str(tmp_path / "configuration"),
        data_source=str(tmp_path / "data-source"),
        console_host="127.0.0.1",
        console_port=port,
        portal_dir=str(tmp_path / "portal"),
        run_dir=str(tmp_path / "run"),
        unit="loanstack-tongweb.service",
        portal_url=f"http://127.0.0.1:{port}/portal",
        ready_s=90,
        application_s=10,
        replaced_s=30,
        services_s=10,
        warm_up_s=30,
        warm_up_requests=100,
    )
    return Host(tmp_path, settings, state, Rotation())


def script(host: Host, name: str, text: str) -> None:
    path = host.folder / "home/bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
