"""Which paths the real nginx lets through to the portal, with the configuration that gateways get."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory import lab
from tests.hostile_paths import HOSTILE_PATHS, REFUSED
from tests.unit.gateway import container, nginx

ENV = lab.ENVIRONMENT
GUARD = "        if ($is_plain_path = 0) {\n            return 404;\n        }\n"
INNER = ("/portal/metrics", "/portal/data-source", "/portal/WEB-INF/web.xml")


class Gateway:
    """A running gateway, and what reached the container behind it."""

    def __init__(self, port: int, authority: Path, reached: list[tuple[str, str]]) -> None:
        self._port, self._authority, self.reached = port, authority, reached

    def status(self, target: str) -> int:
        """Send a GET whose target goes over the wire byte by byte; returns the status."""
        context = ssl.create_default_context(cafile=self._authority)
        name = ENV.gateway.server_name
        with (
            socket.create_connection(("127.0.0.1", self._port), 60) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            return int(connection.makefile("rb").readline().split()[1])


@pytest.fixture(scope="module")
def _gateway() -> Iterator[Gateway]:
    with container.listening() as (upstream, reached), nginx.running(ENV, upstream) as (port, authority):
        yield Gateway(port, authority, reached)


@pytest.fixture
def gateway(_gateway: Gateway) -> Gateway:
    _gateway.reached.clear()
    return _gateway


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_path_that_two_programs_may_read_differently_reaches_no_portal(gateway: Gateway, path: str) -> None:
    assert gateway.status(path) in REFUSED
    assert gateway.reached == []


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/v1/products", "/portal/api/v1/products"),
        ("/v1/limits/1000000099/drawdowns", "/portal/api/v1/limits/1000000099/drawdowns"),
        ("/api/v1/applications/01HX-7_a/grant", "/portal/api/v1/applications/01HX-7_a/grant"),
        ("/v1/limits/7/entries?after=%3B..&limit=5", "/portal/api/v1/limits/7/entries?after=%3B..&limit=5"),
        ("http://loan.example/v1/products", "/portal/api/v1/products"),
        ("/healthz", "/portal/healthz"),
        ("/", "/portal/"),
        ("/bo.html", "/portal/bo.html"),
        ("/portal.css", "/portal/portal.css"),
    ],
)
def test_pages_and_the_api_reach_it_as_they_were_sent(gateway: Gateway, path: str, page: str) -> None:
    assert gateway.status(path) == 200
    assert [sent for sent, _ in gateway.reached] == [page]


def test_without_the_guard_the_container_would_serve_its_inner_pages() -> None:
    """The container of these tests is as easily misled as a real one: otherwise they would prove nothing."""
    with (
        container.listening() as (upstream, reached),
        nginx.running(ENV, upstream, without=GUARD) as (port, authority),
    ):
        open_gateway = Gateway(port, authority, reached)
        for path in HOSTILE_PATHS:
            open_gateway.status(path)
    assert {page for _, page in reached} >= set(INNER)
