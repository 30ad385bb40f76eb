"""The lab's receiver of alerts: it writes what comes with the right token, and nothing else."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory import environment
from lab import alert_receiver
from lab.network import ALERT_RECEIVER_PORT, plan_of
from lab.network_setup import _FIREWALL

_TOKEN = "word-of-the-desk"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


@pytest.fixture
def port(file: Path) -> Iterator[int]:
    with alert_receiver.server_of(file, _TOKEN, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def send(
    port: int, body: str, *, token: str = _TOKEN, path: str = alert_receiver.PATH, length: str | None = None
) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    said = {"Authorization": f"Bearer {token}", "Content-Length": length or str(len(body.encode()))}
    connection.request("POST", path, body.encode(), said)
    status = connection.getresponse().status
    connection.close()
    return status


def test_each_message_is_one_line(port: int, file: Path) -> None:
    for number in (1, 2):
        assert send(port, json.dumps({"alerts": [], "number": number}, indent=2)) == 200
    assert [json.loads(line)["number"] for line in file.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize(
    ("body", "token", "path", "status"),
    [
        ("{}", "another", alert_receiver.PATH, 401),
        ("{}", "\u00e4".encode().decode("latin-1"), alert_receiver.PATH, 401),
        ("{}", _TOKEN, "/", 404),
        ("no json", _TOKEN, alert_receiver.PATH, 400),
        ("[" * 100_000, _TOKEN, alert_receiver.PATH, 400),
    ],
)
def test_anything_else_is_refused_and_not_written(
    port: int, file: Path, body: str, token: str, path: str, status: int
) -> None:
    assert send(port, body, token=token, path=path) == status
    assert not file.exists()


@pytest.mark.parametrize("length", ["1048577", "-1", "two", "\u00b2", "1e9"])
def test_a_message_without_a_length_that_is_allowed_is_not_read(port: int, file: Path, length: str) -> None:
    assert send(port, "{}", length=length) == 413
    assert not file.exists()


def test_a_client_that_says_nothing_keeps_no_other_waiting(
    port: int, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_receiver._Handler, "timeout", None)
    with socket.create_connection(("127.0.0.1", port)) as silent, silent.makefile("rb") as answer:
        silent.sendall(b"POST /alerts HTTP/1.1\r\n")
        assert send(port, json.dumps({"number": 1})) == 200
        assert json.loads(file.read_text())["number"] == 1
        silent.shutdown(socket.SHUT_WR)
        assert answer.read().startswith(b"HTTP/1.0 401"), "it was waited for all the time"


def test_a_full_file_is_begun_anew(port: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_receiver, "_FILE_MAX_BYTES", 10)
    for number in range(3):
        assert send(port, json.dumps({"number": number, "more": "x" * 20})) == 200
    assert json.loads(file.read_text())["number"] == 2


def test_the_inventory_says_where_it_listens_and_hosts_may_go_there() -> None:
    lab = environment("lab")
    url = f"http://{plan_of(lab).depot_address}:{ALERT_RECEIVER_PORT}{alert_receiver.PATH}"
    assert lab.alerting.webhook_url == url
    assert f", {ALERT_RECEIVER_PORT} }} accept" in _FIREWALL
