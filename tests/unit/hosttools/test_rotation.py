"""loanstack-rotation against a service that a test scripts: out, judged, rolled back."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploys.rotation import Rotation, files_of
from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.rotation import service as service_module
from hosttools.rotation.__main__ import tool

BACK_S = 1.0
HOSTILE = ("a[$(touch injected)0]", "$(touch injected)", "1;id", "9" * 30, "-1", "NaN", "")


@dataclass
class Service:
    """What it answers."""

    is_well: bool = True
    in_flight: list[float | None] = field(default_factory=lambda: [1.0])
    """One after the other; the last one stays. None: it is too busy to say."""
    has_metrics: bool = True
    smoke_test_status: int = 200
    smoke_tests_asked: int = 0
    entity: str | None = None


@pytest.fixture
def service() -> Iterator[tuple[Service, int]]:
    state = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = 404, b""
            if self.path == "/readyz":
                status = 200 if state.is_well else 503
            elif self.path == "/metrics":
                count = state.in_flight.pop(0) if len(state.in_flight) > 1 else state.in_flight[0]
                status = 404 if not state.has_metrics else 503 if count is None else 200
                body = f"# TYPE x gauge\nloan_requests_in_flight {count}\nother 9\n".encode()
            elif self.path.startswith("/v1/products"):
                state.smoke_tests_asked += 1
                state.entity = self.headers["X-Legal-Entity"]
                status = state.smoke_test_status
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield state, server.server_address[1]
    server.shutdown()
    server.server_close()


class Killed(BaseException):
    """The end of the tool in the middle of its work."""


class Clock:
    """A clock that only pauses move, so that no test takes the time that a service is given."""

    def __init__(self) -> None:
        self.paused_s: list[float] = []

    def now_s(self) -> float:
        return sum(self.paused_s)

    def pause(self, seconds: float) -> None:
        self.paused_s.append(seconds)


@dataclass
class Done:
    """How the tool ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Host:
    """One host's folder, and the tool on it."""

    folder: Path
    service: Service
    clock: Clock
    capsys: pytest.CaptureFixture[str]

    def tool(self, *arguments: str, name: str = "loan") -> Done:
        self.capsys.readouterr()
        status, message = 0, ""
        try:
            tool.main([name, *arguments], prog_name="loanstack-rotation")
        except SystemExit as ended:
            status = int(ended.code or 0)
        except ToolError as refused:
            status, message = 1, str(refused)
        said = self.capsys.readouterr()
        return Done(status, said.out, said.err + message)

    @property
    def settings(self) -> Path:
        return self.folder / "etc/loan.json"

    def change(self, **changes: object) -> None:
        self.settings.write_text(json.dumps(json.loads(self.settings.read_text()) | changes))

    @property
    def reasons(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "out").iterdir())

    def link(self, name: str) -> str:
        return str((self.folder / "versions" / name).readlink())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waiting, "now_s", made.now_s)
    monkeypatch.setattr(waiting, "pause", made.pause)
    return made


@pytest.fixture
def host(
    tmp_path: Path,
    service: tuple[Service, int],
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Host:
    state, port = service
    nft = tmp_path / "bin/nft"
    nft.parent.mkdir()
    nft.write_text(f"#!/bin/sh\n[ \"$1 $2\" = '-f -' ] && cat > {tmp_path}/rules\n")
    nft.chmod(0o755)
    monkeypatch.setenv("PATH", f"{nft.parent}:/usr/bin:/bin")
    monkeypatch.setenv("LOANSTACK_ROTATION", str(tmp_path / "etc"))
    lay_down(tmp_path, port)
    return Host(tmp_path, state, clock, capsys)


@pytest.fixture
def gated(host: Host) -> Host:
    """One that shuts its senders out, with an nft that only remembers what it was told."""
    host.change(senders=["198.18.1.11", "198.18.2.21"])
    return host


def lay_down(tmp_path: Path, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    settings = Rotation(
        name="loan",
        folder=str(tmp_path / "versions"),
        out_of_rotation=str(tmp_path / "out"),
        well_url=f"{url}/readyz",
        metrics_url=f"{url}/metrics",
        port=8088,
        in_flight="loan_requests_in_flight",
        idle_in_flight=1,
        smoke_test_url=f"{url}/v1/products",
        smoke_test_entity="QH01",
        drain_s=120,
        back_s=BACK_S,
        restart=(("touch", f"{tmp_path}/restarted"),),
        after_roll_back=(("cp", "-P", f"{tmp_path}/versions/current", f"{tmp_path}/started"),),
        ready_s=60,
    )
    (tmp_path / "etc").mkdir()
    _, written = files_of((settings,))
    (tmp_path / "etc/loan.json").write_text(written.content)
    for version in ("1.0", "1.1"):
        (tmp_path / "versions" / version).mkdir(parents=True)
    (tmp_path / "versions/current").symlink_to("1.1")
    (tmp_path / "versions/previous").symlink_to("1.0")


def test_reasons_come_and_go_one_by_one(host: Host) -> None:
    assert host.tool("out", "upgrade").returncode == 0
    assert host.tool("out", "verify").returncode == 0
    assert host.reasons == ["upgrade", "verify"]
    assert host.tool("in", "upgrade").returncode == 0
    assert host.tool("in", "upgrade").returncode == 0, "twice is no error"
    assert host.reasons == ["verify"]


def test_it_waits_until_nothing_is_under_way_but_its_own_question(host: Host) -> None:
    host.service.in_flight = [3.0, 2.0, 1.0]
    assert host.tool("drain", "upgrade").returncode == 0
    assert len(host.service.in_flight) == 1
    assert host.reasons == ["upgrade"]


def test_what_does_not_end_is_said_and_it_stays_out(host: Host) -> None:
    host.service.in_flight = [5.0]
    host.change(drain_s=2)
    done = host.tool("drain", "upgrade")
    assert done.returncode != 0
    assert "5 requests are still under way after 2 s" in done.stderr
    assert host.reasons == ["upgrade"]


def test_one_that_is_too_busy_to_say_is_asked_again(host: Host) -> None:
    host.service.in_flight = [None, None, 2.0, 1.0]
    assert host.tool("drain", "upgrade").returncode == 0
    assert len(host.service.in_flight) == 1


def test_one_that_never_says_is_not_taken_for_idle(gated: Host) -> None:
    gated.service.in_flight = [3.0, None]
    gated.change(drain_s=2)
    done = gated.tool("drain", "upgrade")
    assert done.returncode == 1
    assert "loan does not say how many requests are still under way after 2 s" in done.stderr
    assert gated.reasons == ["upgrade"]
    assert not (gated.folder / "rules").exists(), "what may be under way must still be answered"
    assert json.loads(gated.tool("status").stdout)["in_flight"] is None


@pytest.mark.parametrize(("accepts", "status"), [(True, 1), (False, 0)])
def test_silence_is_idle_only_where_no_process_listens(
    host: Host, monkeypatch: pytest.MonkeyPatch, accepts: bool, status: int
) -> None:
    monkeypatch.setattr(service_module, "_ANSWER_S", 0.01)
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        if accepts:
            port.listen()
        host.change(metrics_url=f"http://127.0.0.1:{port.getsockname()[1]}/metrics", drain_s=0.1)
        assert host.tool("drain", "upgrade").returncode == status


def test_an_application_that_is_not_there_has_no_requests(host: Host) -> None:
    host.service.has_metrics = False
    assert host.tool("drain", "upgrade").returncode == 0


def test_who_sends_requests_is_shut_out_once_nothing_is_under_way(gated: Host) -> None:
    rules = gated.folder / "rules"
    assert gated.tool("out", "upgrade").returncode == 0
    assert not rules.exists(), "what is under way must still be answered"
    assert gated.tool("drain", "upgrade").returncode == 0
    assert "ip saddr { 198.18.1.11, 198.18.2.21 } tcp dport 8088 reject with tcp reset" in rules.read_text()


def test_it_is_shut_until_the_last_reason_is_gone(gated: Host) -> None:
    rules = gated.folder / "rules"
    for reason in ("upgrade", "starting"):
        assert gated.tool("close-port", reason).returncode == 0
    assert gated.tool("in", "starting").returncode == 0
    assert "reject" in rules.read_text()
    assert gated.tool("in", "upgrade").returncode == 0
    assert "delete table inet loanstack_rotation_8088" in rules.read_text()
    assert "reject" not in rules.read_text()


def test_it_is_back_when_those_who_send_requests_have_noticed(host: Host) -> None:
    for reason in ("upgrade", "verify"):
        assert host.tool("out", reason).returncode == 0
    assert host.tool("in", "verify").returncode == 0
    assert host.clock.paused_s == [], "another reason is left"
    assert host.tool("in", "upgrade").returncode == 0
    assert host.clock.paused_s == [BACK_S]


def test_it_is_started_anew_by_its_own_command(host: Host) -> None:
    assert host.tool("restart").returncode == 0
    assert (host.folder / "restarted").exists()


def test_the_gate_asks_as_a_legal_entity_and_passes_what_answers_200(host: Host) -> None:
    done = host.tool("smoke-test")
    assert (done.returncode, done.stdout.strip()) == (0, "40 x 200")
    assert (host.service.smoke_tests_asked, host.service.entity) == (40, "QH01")


@pytest.mark.parametrize("status", [500, 503, 404])
def test_the_gate_refuses_everything_else_and_says_what_came(host: Host, status: int) -> None:
    host.service.smoke_test_status = status
    done = host.tool("smoke-test")
    assert done.returncode != 0
    assert f"loan answers 40 x {status} instead of 40 x 200" in done.stderr


def test_its_state_is_one_line_of_json(host: Host) -> None:
    host.tool("out", "upgrade")
    host.service.is_well, host.service.in_flight = False, [4.0]
    assert json.loads(host.tool("status").stdout) == {
        "is_well": False,
        "in_flight": 4,
        "out_because": ["upgrade"],
        "version": "1.1",
        "previous": "1.0",
    }


def test_its_state_is_printed_as_ever(host: Host) -> None:
    assert host.tool("status").stdout == (
        '{"is_well":true,"in_flight":1,"out_because":[],"version":"1.1","previous":"1.0"}\n'
    )


def test_a_roll_back_swaps_the_versions_and_starts_the_one_of_before(host: Host) -> None:
    done = host.tool("roll-back")
    assert (done.returncode, done.stdout.strip()) == (0, "1.0")
    assert (host.link("current"), host.link("previous")) == ("1.0", "1.1")
    assert str((host.folder / "started").readlink()) == "1.0"


@pytest.mark.parametrize("renames", [0, 1])
def test_a_roll_back_that_was_killed_is_finished_by_the_next_one(
    host: Host, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    done: list[Path] = []
    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if len(done) == renames:
            raise Killed
        done.append(target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(Killed):
        host.tool("roll-back")
    monkeypatch.setattr(Path, "rename", rename)
    assert (host.link("current"), host.link("previous")) == (("1.1", "1.0"), ("1.0", "1.0"))[renames]
    again = host.tool("roll-back")
    assert (again.returncode, again.stdout.strip()) == (0, "1.0")
    assert (host.link("current"), host.link("previous")) == ("1.0", "1.1")
    assert str((host.folder / "started").readlink()) == "1.0"


def test_a_version_is_not_rolled_back_to_itself(host: Host) -> None:
    (host.folder / "versions/previous").unlink()
    (host.folder / "versions/previous").symlink_to("1.1")
    done = host.tool("roll-back")
    assert (done.returncode, "no version of before" in done.stderr) == (1, True)
    assert not (host.folder / "started").is_symlink()


def test_without_a_version_of_before_nothing_is_touched(host: Host) -> None:
    (host.folder / "versions/previous").unlink()
    done = host.tool("roll-back")
    assert done.returncode != 0
    assert "no version of before" in done.stderr
    assert host.link("current") == "1.1"


@pytest.mark.parametrize(
    ("arguments", "name", "says"),
    [
        (("out", "two words"), "loan", "REASON is 'two words'"),
        (("out",), "loan", "REASON is ''"),
        (("status",), "../loan", "no service '../loan' here"),
        (("status",), "loan\n", "no service 'loan\\n' here"),
        (("out", "a/../../b"), "loan", "REASON is 'a/../../b'"),
        (("out", "a\n"), "loan", "REASON is 'a\\n'"),
        (("status",), "portal", "no service 'portal' here; allowed: loan"),
        (("reload",), "loan", "SERVICE COMMAND [ARGS]"),
    ],
)
def test_bad_words_are_refused_and_change_nothing(
    host: Host, arguments: tuple[str, ...], name: str, says: str
) -> None:
    done = host.tool(*arguments, name=name)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (host.folder / "out").exists() or host.reasons == []


@pytest.mark.parametrize("said", HOSTILE)
def test_a_metric_that_is_no_number_is_refused(host: Host, said: str) -> None:
    host.service.in_flight = [said]  # type: ignore[list-item] # wrong on purpose
    done = host.tool("drain", "upgrade")
    assert done.returncode == 1
    assert "loan_requests_in_flight is " in done.stderr
    assert host.tool("status").returncode == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"senders": ["198.18.1.11 } accept; #"]}, "allowed: an IPv4 address"),
        ({"senders": ["198.18.1.11\n"]}, "allowed: an IPv4 address"),
        ({"senders": ["198.18.1.11\0"]}, "allowed: an IPv4 address"),
        ({"senders": ["198.18.1.11", "dead"]}, "sender is 'dead'"),
        ({"senders": ["10.0.0.999"]}, "allowed: an IPv4 address"),
        ({"senders": ["::1"]}, "allowed: an IPv4 address"),
        ({"port": 70000}, "65535"),
        ({"port": "8088"}, "Expected `int`"),
        ({"restart": "touch x"}, "Expected `array`"),
        ({"restart": [[]]}, "length >= 1"),
        ({"after": []}, "unknown field `after`"),
    ],
)
def test_settings_that_could_end_a_rule_or_reach_a_shell_are_refused(
    host: Host, changes: dict[str, object], said: str
) -> None:
    host.change(**changes)
    done = host.tool("close-port", "upgrade")
    assert done.returncode == 1
    assert f"{host.settings}: " in done.stderr
    assert said in done.stderr
    assert not (host.folder / "rules").exists()


def test_a_command_of_the_settings_meets_no_shell(host: Host) -> None:
    name = "$(touch injected); touch injected"
    host.change(restart=[["touch", f"{host.folder}/{name}"]])
    assert host.tool("restart").returncode == 0
    assert (host.folder / name).exists()


def test_a_service_that_does_not_come_up_is_said(host: Host) -> None:
    host.service.is_well = False
    done = host.tool("restart")
    assert (done.returncode, "waited 60 s for loan to be well" in done.stderr) == (1, True)


def test_links_of_the_service_are_not_followed(host: Host) -> None:
    theirs = host.folder / "shadow"
    theirs.write_text("root's\n")
    (host.folder / "out").mkdir()
    (host.folder / "out/upgrade").symlink_to(theirs)
    assert host.tool("out", "upgrade").returncode == 0
    assert theirs.read_text() == "root's\n"
    assert host.tool("in", "upgrade").returncode == 0
    assert host.reasons == []
    assert theirs.exists()
    elsewhere = host.folder / "elsewhere"
    elsewhere.mkdir()
    (host.folder / "out").rmdir()
    (host.folder / "out").symlink_to(elsewhere)
    refused = host.tool("out", "upgrade")
    assert (refused.returncode, "allowed: a folder" in refused.stderr) == (1, True)
    assert list(elsewhere.iterdir()) == []


def test_names_that_the_service_put_there_are_only_text(host: Host) -> None:
    (host.folder / "out").mkdir()
    hostile = 'a", "is_well": true, "x": "$(touch injected)'
    (host.folder / "out" / hostile).touch()
    assert json.loads(host.tool("status").stdout)["out_because"] == [hostile]
    (host.folder / "out" / hostile).rename(host.folder / "out" / os.fsdecode(b"no-text-\xff"))
    assert json.loads(host.tool("status").stdout)["out_because"] == ["no-text-\ufffd"]
