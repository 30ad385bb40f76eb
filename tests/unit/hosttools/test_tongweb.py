"""loanstack-tongweb against a server that a test scripts: started, warm, served, configured, secured."""

import base64
import json
import os
import pwd
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.tongweb import log, warm_up
from hosttools.tongweb import server as server_module
from hosttools.tongweb.configuration import Configuration
from hosttools.tongweb.console import Console
from hosttools.tongweb.log import ServerLog
from hosttools.tongweb.server import Server
from hosttools.tongweb.settings import TongWebSettings

HOSTILE = ("a[$(touch injected)0]", "$(touch injected)", "1\n2", "9" * 30, "-1", "")
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


def test_a_start_shuts_gateways_out_until_it_is_up_and_warm(host: Host) -> None:
    host.writes(f"of an earlier start: {STARTED}")
    host.server.begin()
    assert host.rotation.told == ["close-port starting"]
    with pytest.raises(ToolError, match="waited 90 s for the server to be ready"):
        host.server.ready(None)
    host.writes(STARTED)
    host.server.ready(os.getpid())
    assert host.rotation.told == ["close-port starting", "in starting"]
    assert host.product.asked["GET /portal/api/readyz none"] == 50
    assert host.product.asked["POST /portal/api/readyz none"] == 50


def test_a_server_that_ended_is_said_with_its_own_reason(host: Host) -> None:
    host.server.begin()
    host.writes("[SEVERE] something\nLicense expired\nmore\n")
    with pytest.raises(ToolError, match="it ended: License expired"):
        host.server.ready(2**22 + 1)
    (host.folder / "journal").write_text("Address already in use (Bind failed)\n")
    assert host.log.why() == "License expired\nAddress already in use (Bind failed)"


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_journal_that_does_not_answer_hides_no_reason(
    host: Host, monkeypatch: pytest.MonkeyPatch, is_installed: bool
) -> None:
    journalctl = host.folder / "tools/journalctl"
    journalctl.write_text("#!/bin/sh\nexec sleep 60\n")
    if not is_installed:
        journalctl.unlink()
        monkeypatch.setenv("PATH", str(host.folder / "tools"))
    monkeypatch.setattr(log, "_JOURNAL_S", 0.0)
    host.server.begin()
    host.writes("License expired\n")
    assert host.log.why() == "License expired"


def test_without_a_word_of_the_vendor_the_severe_lines_are_shown(host: Host) -> None:
    host.server.begin()
    host.writes("".join(f"[SEVERE] {number}\n" for number in range(5)))
    assert host.log.why() == "[SEVERE] 2\n[SEVERE] 3\n[SEVERE] 4"


def test_up_without_the_portal_it_stays_out_of_rotation(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.product.version = None
    host.server.begin()
    host.writes(STARTED)
    host.server.ready(None)
    assert host.rotation.told == ["close-port starting"]
    assert "up without the portal, and so out of rotation" in capsys.readouterr().err


def test_without_a_loan_service_it_is_let_in_cold(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.product.has_service = False
    host.server.serve("1.0")
    assert host.rotation.told == ["in starting"]
    assert "no loan service is there: not warmed up" in capsys.readouterr().err
    assert host.product.asked["GET /portal/api/readyz none"] == 0


def test_the_portal_is_served_once_that_version_answers(host: Host) -> None:
    host.server.serve("current")
    assert host.rotation.told == ["in starting"]
    with pytest.raises(
        ToolError, match=r"waited 30 s for portal 1\.1 to answer; portal that answers: '1\.0'"
    ):
        host.server.serve("1.1")


@pytest.mark.parametrize("note", HOSTILE)
def test_a_note_of_the_log_that_is_no_number_is_refused(host: Host, note: str) -> None:
    host.server.begin()
    (host.folder / "state/log-began").write_text(note)
    with pytest.raises(ToolError, match="allowed: a whole number"):
        host.log.this_start()


def test_the_note_of_the_log_is_where_the_service_cannot_write(host: Host) -> None:
    host.server.begin()
    folder = (host.folder / "state").stat()
    assert (folder.st_uid, folder.st_mode & 0o777) == (os.getuid(), 0o700)
    assert not list((host.folder / "run").iterdir())


def test_the_log_is_a_file_of_bounded_length_and_never_a_link(host: Host, tmp_path: Path) -> None:
    host.server.begin()
    host.writes("x" * (3 << 20) + STARTED)
    assert len(host.log.this_start()) == 1 << 20
    assert STARTED in host.log.this_start()
    host.server.begin()
    host.settings.log.write_text(STARTED)
    assert host.log.this_start() == STARTED, "one that was replaced is read from its beginning"
    (tmp_path / "shadow").write_text(f"secret {STARTED}")
    host.settings.log.unlink()
    host.settings.log.symlink_to(tmp_path / "shadow")
    with pytest.raises(ToolError, match="allowed: a regular file"):
        host.log.this_start()
    host.settings.log.unlink()
    host.settings.log.parent.rmdir()
    host.settings.log.parent.symlink_to(tmp_path)
    with pytest.raises(ToolError, match="allowed: a folder"):
        host.log.this_start()


def test_the_main_process_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAINPID", raising=False)
    assert server_module.main_pid() is None
    monkeypatch.setenv("MAINPID", "4321")
    assert server_module.main_pid() == 4321
    monkeypatch.setenv("MAINPID", "a[$(touch injected)0]")
    with pytest.raises(ToolError, match="MAINPID is "):
        server_module.main_pid()


@pytest.mark.parametrize("chunked", [False, True])
def test_all_requests_of_a_warm_up_are_answered(product: tuple[Product, int], chunked: bool) -> None:
    state, port = product
    state.chunked = chunked
    assert warm_up.warm_up(f"http://127.0.0.1:{port}/portal/api/readyz", 200, 60.0) == 200
    assert sum(percentage for _, percentage in warm_up.STEPS) == 100


def test_a_warm_up_of_nobody_ends(host: Host) -> None:
    assert warm_up.warm_up("http://127.0.0.1:1/portal/api/readyz", 100, 60.0) == 0


class Dripping:
    """A connection to a server that sends a byte a second, for ever."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waited_s: list[float] = []

    def sendall(self, request: bytes) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        self.waited_s.append(seconds)

    def recv(self, _: int) -> bytes:
        self._clock.pause(1.0)
        assert self._clock.now_s() < 60.0, "it would be waited for without end"
        return b"x"


def test_a_server_that_drips_does_not_hold_the_warm_up_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(waiting, "now_s", clock.now_s)
    sender = warm_up._Sender("http://127.0.0.1:1/x", b"", warm_up._Turns(1), 7.0)
    link = Dripping(clock)
    with pytest.raises(TimeoutError):
        sender._ask(link)  # type: ignore[arg-type] # it does the same
    assert clock.now_s() == 7.0
    assert link.waited_s == [5.0, 5.0, 5.0, 4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"x" * (2 << 20)]
)
def test_an_answer_without_an_end_is_none(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"too long|neither"):
        warm_up._is_whole(answer)


def test_the_configuration_is_put_together_once(host: Host) -> None:
    script(host, "password.sh", "read word; echo ENC-$word-$JAVA_HOME")
    configuration = Configuration(host.settings, note=host.folder / "state/note")
    assert configuration.is_stale()
    configuration.put_together()
    target = host.folder / "home/conf/tongweb.xml"
    assert target.read_text() == "<pool password='ENC-word-/opt/java'/>\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert not configuration.is_stale()
    for path in (target, Path(host.settings.data_source), Path(host.settings.configuration)):
        before = path.read_text()
        path.write_text(f"{before} ")
        assert configuration.is_stale(), path.name
        path.write_text(before)
        assert not configuration.is_stale()
    target.unlink()
    target.symlink_to("/etc/shadow")
    assert configuration.is_stale()


@pytest.mark.parametrize("text", ["exit 1", "true", "echo; exit 0"])
def test_without_a_password_of_the_product_nothing_is_written(host: Host, text: str) -> None:
    script(host, "password.sh", text)
    with pytest.raises(ToolError, match=r"password\.sh wrote no password"):
        Configuration(host.settings, note=host.folder / "note").put_together()
    assert not (host.folder / "home/conf/tongweb.xml").exists()


def test_links_of_the_service_are_replaced_and_not_followed(host: Host, tmp_path: Path) -> None:
    script(host, "password.sh", "echo ENC")
    shadow = tmp_path / "shadow"
    shadow.write_text("root's\n")
    for name in ("home/conf/tongweb.xml", "home/autodeploy/portal.war", "run/cli-password"):
        (tmp_path / name).symlink_to(shadow)
    Configuration(host.settings, note=tmp_path / "note").put_together()
    host.server.install_war()
    assert (tmp_path / "home/autodeploy/portal.war").read_bytes() == b"war\0\xff"
    script(
        host, "commandstool.sh", 'for word; do case $word in --passwordfile=*) cat "${word#*=}";; esac; done'
    )
    Console(host.settings).deploy_portal(host.server.war)
    assert shadow.read_text() == "root's\n"
    assert not (tmp_path / "run/cli-password").exists()


def test_the_console_gets_our_passwords_where_it_has_the_products(host: Host) -> None:
    host.product.passwords = {"thanos": "thanos123.com", "cli": "cli123.com"}
    assert Console(host.settings).insecure() == ["thanos", "cli"]
    host.product.passwords["thanos"] = "ours-1"
    assert Console(host.settings).insecure() == ["cli"]
    script(host, "password.sh", "read word; echo ENC-$word")
    noted = host.folder / "noted"
    script(host, "commandstool.sh", f'(cat; echo "$1"; cat {host.settings.run_dir}/cli-password) > {noted}')
    Console(host.settings).secure()
    assert noted.read_text() == ("ours-2\nours-2\nchange-admin-password\nAS_ADMIN_password=ENC-cli123.com\n")


def test_what_the_product_refuses_is_said_without_a_password(host: Host) -> None:
    script(host, "password.sh", "echo ENC")
    script(host, "commandstool.sh", "echo no such application >&2; exit 3")
    with pytest.raises(ToolError, match=r"commandstool\.sh deploy failed: no such application"):
        Console(host.settings).deploy_portal(host.server.war)
    script(host, "commandstool.sh", "echo wrong: $* >&2; exit 3")
    with pytest.raises(ToolError, match=r"commandstool\.sh config-password failed: wrong: ") as refused:
        Console(host.settings).secure()
    assert "--adminnewpassword=***" in str(refused.value)
    assert not any(word in str(refused.value) for word in ("ours-1", "thanos123.com"))
    (host.folder / "accounts").write_text("thanos word-1 word-2 more\n")
    with pytest.raises(ToolError) as refused:
        Console(host.settings)
    assert "word" not in str(refused.value).replace("a password", "").replace("initial password", "")


@pytest.mark.parametrize(
    "change",
    [{"console_port": "8088; id"}, {"ready_s": 0}, {"ready_s": 10**9}, {"warm_up_requests": -1}, {"more": 1}],
)
def test_wrong_settings_are_refused(host: Host, change: dict[str, object]) -> None:
    says = {**msgspec.to_builtins(host.settings), **change}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(says), type=TongWebSettings)
