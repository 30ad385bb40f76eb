"""loanstack-rotation, run for real against a service that a test scripts: out, judged, rolled back."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploys.content import TEMPLATES, render
from deploys.rotation import Rotation

TOOL = TEMPLATES / "rotation/loanstack-rotation"
BACK_S = 1.0


@dataclass
class Service:
    """What it answers."""

    is_well: bool = True
    in_flight: list[float] = field(default_factory=lambda: [1.0])
    """One after the other; the last one stays."""
    gate: int = 200
    gate_asked: int = 0
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
                status, body = 200, f"# TYPE x gauge\nloan_requests_in_flight {count}\nother 9\n".encode()
            elif self.path.startswith("/v1/products"):
                state.gate_asked += 1
                state.entity = self.headers["X-Legal-Entity"]
                status = state.gate
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


@dataclass
class Host:
    """One host's folder, and the tool on it."""

    folder: Path
    service: Service

    def tool(self, *arguments: str, name: str = "loan") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(TOOL), name, *arguments],
            env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "LOANSTACK_ROTATION": str(self.folder / "etc")},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    @property
    def slept_s(self) -> list[float]:
        noted = self.folder / "slept"
        return [float(line) for line in noted.read_text().split()] if noted.exists() else []

    @property
    def reasons(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "out").iterdir())

    def link(self, name: str) -> str:
        return str((self.folder / "versions" / name).readlink())


@pytest.fixture
def host(tmp_path: Path, service: tuple[Service, int]) -> Host:
    return host_with(tmp_path, service, senders=())


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path) -> None:
    """Stand-ins that cost no time: a `sleep` that notes its seconds, and a `curl` that is patient."""
    tools = {
        "sleep": f"echo $1 >> {tmp_path}/slept\n[ $1 != 0.1 ] || exec /bin/sleep 0.1\n",
        "curl": 'exec /usr/bin/curl "$@" --max-time 120\n',
    }
    (tmp_path / "bin").mkdir()
    for name, text in tools.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}")
        (tmp_path / "bin" / name).chmod(0o755)


@pytest.fixture
def gated(tmp_path: Path, service: tuple[Service, int]) -> Host:
    """One that shuts its senders out, with an nft that only remembers what it was told."""
    nft = tmp_path / "bin/nft"
    nft.write_text(f"#!/bin/sh\n[ \"$1 $2\" = '-f -' ] && cat > {tmp_path}/rules\n")
    nft.chmod(0o755)
    return host_with(tmp_path, service, senders=("198.18.1.11", "198.18.2.21"))


def host_with(tmp_path: Path, service: tuple[Service, int], senders: tuple[str, ...]) -> Host:
    state, port = service
    url = f"http://127.0.0.1:{port}"
    settings = Rotation(
        name="loan",
        folder=str(tmp_path / "versions"),
        out_of_rotation=str(tmp_path / "out"),
        well_url=f"{url}/readyz",
        metrics_url=f"{url}/metrics",
        port=8088,
        senders=senders,
        in_flight="loan_requests_in_flight",
        idle_in_flight=1,
        gate_url=f"{url}/v1/products",
        gate_entity="QH01",
        drain_s=120,
        back_s=BACK_S,
        restart=f"touch {tmp_path}/restarted",
        after_roll_back=f"readlink {tmp_path}/versions/current > {tmp_path}/started",
    )
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/loan.conf").write_text(render("rotation/rotation.conf.j2", service=settings))
    for version in ("1.0", "1.1"):
        (tmp_path / "versions" / version).mkdir(parents=True)
    (tmp_path / "versions/current").symlink_to("1.1")
    (tmp_path / "versions/previous").symlink_to("1.0")
    return Host(tmp_path, state)


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
    settings = host.folder / "etc/loan.conf"
    settings.write_text(settings.read_text().replace("DRAIN_S=120", "DRAIN_S=2"))
    done = host.tool("drain", "upgrade")
    assert done.returncode != 0
    assert "5 requests are still under way after 2 s" in done.stderr
    assert host.reasons == ["upgrade"]


def test_who_sends_requests_is_shut_out_once_nothing_is_under_way(gated: Host) -> None:
    rules = gated.folder / "rules"
    assert gated.tool("out", "upgrade").returncode == 0
    assert not rules.exists(), "what is under way must still be answered"
    assert gated.tool("drain", "upgrade").returncode == 0
    assert "ip saddr { 198.18.1.11, 198.18.2.21 } tcp dport 8088 reject with tcp reset" in rules.read_text()


def test_it_is_shut_until_the_last_reason_is_gone(gated: Host) -> None:
    rules = gated.folder / "rules"
    for reason in ("upgrade", "starting"):
        assert gated.tool("shut", reason).returncode == 0
    assert gated.tool("in", "starting").returncode == 0
    assert "reject" in rules.read_text()
    assert gated.tool("in", "upgrade").returncode == 0
    assert "delete table inet loanstack_rotation_8088" in rules.read_text()
    assert "reject" not in rules.read_text()


def test_it_is_back_when_those_who_send_requests_have_noticed(host: Host) -> None:
    for reason in ("upgrade", "verify"):
        assert host.tool("out", reason).returncode == 0
    assert host.tool("in", "verify").returncode == 0
    assert host.slept_s == [], "another reason is left"
    assert host.tool("in", "upgrade").returncode == 0
    assert host.slept_s == [BACK_S]


def test_it_is_started_anew_by_its_own_command(host: Host) -> None:
    assert host.tool("restart").returncode == 0
    assert (host.folder / "restarted").exists()


def test_the_gate_asks_as_a_legal_entity_and_passes_what_answers_200(host: Host) -> None:
    done = host.tool("gate")
    assert (done.returncode, done.stdout.strip()) == (0, "40 x 200")
    assert (host.service.gate_asked, host.service.entity) == (40, "QH01")


@pytest.mark.parametrize("status", [500, 503, 404])
def test_the_gate_refuses_everything_else_and_says_what_came(host: Host, status: int) -> None:
    host.service.gate = status
    done = host.tool("gate")
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


def test_a_roll_back_swaps_the_versions_and_starts_the_one_of_before(host: Host) -> None:
    done = host.tool("roll-back")
    assert (done.returncode, done.stdout.strip()) == (0, "1.0")
    assert (host.link("current"), host.link("previous")) == ("1.0", "1.1")
    assert (host.folder / "started").read_text() == "1.0\n"


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
        (("status",), "portal", "no service 'portal' here; allowed: loan.conf"),
        (("reload",), "loan", "Usage: loanstack-rotation SERVICE COMMAND"),
    ],
)
def test_bad_words_are_refused_and_change_nothing(
    host: Host, arguments: tuple[str, ...], name: str, says: str
) -> None:
    done = host.tool(*arguments, name=name)
    assert done.returncode != 0
    assert says in done.stderr
    assert not (host.folder / "out").exists() or host.reasons == []
