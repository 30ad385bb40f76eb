"""Servers of others are trusted by the inventory's authorities alone, from the inventory to the handshake."""

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploys import certificates, trust
from deploys.certificates import Subject, addresses, certificate, utc_now
from deploys.converge import DeployError
from deploys.depot_client import deploy as depot_client
from deploys.derived import packages_for
from deploys.facts.artifacts import InstalledArtifact
from deploys.facts.files import PathState, PathStates
from deploys.failover import deploy as failover
from deploys.operations import artifacts
from inventory.availability import Fence, FenceKind
from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from tests.plan.kit import Site, fresh, prepared, told

SWITCH_OFF = """
import asyncio, json, sys
from pathlib import Path
from failover.host.controller import Power
from failover.host.devices import switch
from failover.settings_file import parse
(peer,) = parse(json.loads(Path(sys.argv[1]).read_text())).peers
report = asyncio.run(switch(peer, Power.OFF))
print(report.reason)
sys.exit(0 if report.confirmed else 3)
"""
"""What an agent does, in a process of its own: pyinfra has patched this one."""


class _Board(BaseHTTPRequestHandler):
    """A management board whose host is off as soon as it is told; as a depot it has one file."""

    artifact = b"an artifact"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"{}")

    def do_GET(self) -> None:
        self._answer(self.artifact if self.path == "/artifact" else b'{"PowerState": "Off"}')

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server on loopback, whose certificate an authority of its own has signed."""

    url: str
    ca_file: Path


@contextmanager
def _server(folder: Path) -> Iterator[Server]:
    subject = Subject(file_name="board", names=addresses(["127.0.0.1"]))
    certificate(folder, subject, now=utc_now())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "board.pem", folder / "board.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Board) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Server(url=f"https://127.0.0.1:{server.server_port}", ca_file=folder / "ca.pem")
        server.shutdown()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with _server(tmp_path / "server") as found:
        yield found


@pytest.fixture
def another_authority(tmp_path: Path) -> Path:
    certificate(tmp_path / "another", Subject(file_name="x", names=addresses(["127.0.0.1"])), now=utc_now())
    return tmp_path / "another" / "ca.pem"


def _with_fence(env: Environment, target: str, fence: Fence) -> Environment:
    return replace(env, hosts=tuple(replace(h, fence=fence) if h.name == target else h for h in env.hosts))


def _fence(site: Site, server: Server, ca_file: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Switch ob-b off as the agent of ob-a does, with the files that a deploy of ob-a writes below `root`."""
    fence = Fence(kind=FenceKind.REDFISH, address=server.url, system="1", user="fence", ca_file=ca_file)
    site.env = _with_fence(site.env, "ob-b", fence)
    for file in failover.files_of(failover.spec_of(site.context("ob-a"))):
        path = root / file.path.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content.replace('"/etc/loanstack/', f'"{root}/etc/loanstack/'))
    settings = root / failover.CONFIG.removeprefix("/")
    return subprocess.run(
        [sys.executable, "-c", SWITCH_OFF, str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ | {"SSL_CERT_FILE": "/dev/null", "PYTHONPATH": str(PROJECT_ROOT)},
    )


def test_an_agent_switches_off_by_https_with_the_authority_of_the_inventory(
    lab_site: Site, server: Server, tmp_path: Path
) -> None:
    done = _fence(lab_site, server, server.ca_file, tmp_path / "host")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"ob-b is off: redfish at {server.url}" in done.stdout


def test_a_board_of_another_authority_is_not_believed(
    lab_site: Site, server: Server, another_authority: Path, tmp_path: Path
) -> None:
    done = _fence(lab_site, server, another_authority, tmp_path / "host")
    assert done.returncode == 3
    assert "certificate verify failed" in done.stdout


def test_each_host_gets_the_authorities_of_the_others_devices(qinghai_site: Site) -> None:
    for name, other in (("ob-a1", "ob-b1"), ("ob-b1", "ob-a1")):
        spec = failover.spec_of(qinghai_site.context(name))
        text = json.dumps(failover.settings(spec))
        assert f'"ca_file": "/etc/loanstack/fence-{other}-ca.pem"' in text
        files = {file.path: file for file in failover.files_of(spec)}
        assert "BEGIN CERTIFICATE" in files[f"/etc/loanstack/fence-{other}-ca.pem"].content
        assert f"/etc/loanstack/fence-{name}-ca.pem" not in files


def test_an_authority_that_is_no_longer_used_is_removed(lab_site: Site) -> None:
    written = "Failover agent | Write the agent's settings, unit and command"
    absent = "/etc/loanstack/fence-ob-b-ca.pem"
    there = PathState(kind="regular file", mode=0o644, user="root", group="root", sha256="0" * 64)
    facts = told(fresh(), {PathStates: lambda paths: {absent: there} if absent in paths else {}})
    planned = next(p for p in lab_site.plan("ob-a", facts) if p.name == written)
    assert f"rm -f {absent}" in [str(command) for command in planned.commands]


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_missing_authority_is_named_with_its_field(qinghai_site: Site, content: str | None) -> None:
    ca_file = qinghai_site.env.depot.ca_file
    assert ca_file is not None
    ca_file.unlink()
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(DeployError, match=r"qinghai: depot\.ca_file: .*ca-of-others\.pem is"):
        qinghai_site.plan("gw-a1", fresh())


@pytest.mark.parametrize(
    ("fence", "package"),
    [
        (Fence(kind=FenceKind.IPMI, address="198.18.9.9", user="fence"), "ipmitool"),
        (
            Fence(
                kind=FenceKind.FENCE_AGENT,
                address="198.18.9.9",
                user="fence",
                program="fence_apc",
                package="fence-agents-apc",
            ),
            "fence-agents-apc",
        ),
    ],
)
def test_the_program_of_a_fence_device_is_where_somebody_else_is_fenced_by_it(
    fence: Fence, package: str, lab_site: Site
) -> None:
    env = _with_fence(lab_site.env, "ob-b", fence)
    has_it = {host.name for host in env.hosts if package in packages_for(env, host)}
    assert has_it == {"ob-a"}, "ob-b itself is fenced by ob-a"
    assert not any(package in packages_for(lab_site.env, host) for host in lab_site.env.hosts)


def test_dnf_checks_the_depot_with_its_authority(qinghai_site: Site, lab_site: Site) -> None:
    spec = depot_client.spec_of(qinghai_site.context("gw-a1"))
    files = {file.path: file.content for file in depot_client.files_of(spec)}
    assert f"\nsslcacert={trust.DEPOT_AUTHORITY}\n" in files[depot_client.REPOSITORY_FILE]
    assert "BEGIN CERTIFICATE" in files[trust.DEPOT_AUTHORITY]
    none = depot_client.files_of(depot_client.spec_of(lab_site.context("gw-a")))
    assert trust.DEPOT_AUTHORITY not in {file.path for file in none}
    assert not any("sslcacert" in file.content for file in none)


def test_curl_checks_the_depot_with_its_authority(
    server: Server, another_authority: Path, tmp_path: Path
) -> None:
    """Every download and every look goes through the one command line."""
    for ca_file, is_trusted in (
        (server.ca_file, True),
        (another_authority, False),
        (tmp_path / "none", False),
    ):
        curl = trust.CURL.replace(trust.DEPOT_AUTHORITY, str(ca_file))
        done = subprocess.run(
            ["sh", "-c", f"{curl} {server.url}/artifact"], capture_output=True, check=False, timeout=240
        )
        assert (done.stdout == _Board.artifact) == is_trusted, done.stderr
    digest = sha256(b"").hexdigest()
    arguments = {"url": "https://depot/x.tar.gz", "sha256": digest, "folder": "/x", "version": "1"}
    with prepared("here", {InstalledArtifact: lambda folder, version="current": None}, {}):
        commands = [str(c) for c in artifacts.archive_installed._inner(**arguments, arch="x86_64")]
    downloads = [command for command in commands if "curl" in command]
    assert len(downloads) == 1
    assert downloads[0].count("curl ") == downloads[0].count(trust.CURL) == 2


_X = certificates.Subject(file_name="x", names=certificates.addresses(["127.0.0.1"]))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("ca.pem", lambda folder: certificates.authority_certificate(folder, now=certificates.utc_now())),
        ("x.pem", lambda folder: certificates.certificate(folder, _X, now=certificates.utc_now())),
        ("ca.pem", lambda folder: trust.authority(folder / "ca.pem", of="depot.ca_file", now=utc_now())),
    ],
)
def test_a_private_key_among_certificates_goes_to_no_host(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    made = certificates.certificate(tmp_path, _X, now=certificates.utc_now())
    with (tmp_path / name).open("a") as file:
        file.write(made.private_key)
    with pytest.raises(trust.AuthorityError, match=rf"{name} has a private key"):
        read(tmp_path)


def test_an_authority_of_others_that_has_ended_is_refused_with_its_field(tmp_path: Path) -> None:
    long_ago = utc_now() - timedelta(days=4000)
    ended = certificates.authority_certificate(tmp_path, now=long_ago)
    present = certificates.authority_certificate(tmp_path / "present", now=utc_now())
    said = r"lab: depot\.ca_file: .*ca\.pem ended on [0-9-]+; put the authority's present one there"
    with pytest.raises(trust.AuthorityError, match=said):
        trust.authority(tmp_path / "ca.pem", of="lab: depot.ca_file", now=utc_now())
    (tmp_path / "ca.pem").write_text(ended + present)
    assert trust.authority(tmp_path / "ca.pem", of="x", now=utc_now()) == ended + present
