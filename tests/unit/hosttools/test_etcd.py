"""loanstack-etcd's own decisions, with stand-ins for etcdctl and for the members."""

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploys import certificates
from inventory.places import PROJECT_ROOT

_STAND_IN = Path(__file__).parent / "fake_etcdctl"
_HERE = "127.0.0.1"
_OTHERS = ("127.0.0.2", "127.0.0.3")
_PREFIX = "/loanstack/lab/"
_WHOLE = {
    "closed": "",
    "users/root": "word-of-root",
    "users/root.roles": "root",
    "users/failover": "word-of-agent",
    "users/failover.roles": "failover",
    "roles/failover": _PREFIX,
}
"""Files of the stand-in, once users and rights are whole."""


class Members(ThreadingHTTPServer):
    """The members of etcd: this host's answers clients, and the others answer members."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("0.0.0.0", 0), _Asked)
        subject = certificates.Subject(
            file_name="member", names=certificates.addresses((_HERE, *_OTHERS)), is_client=True
        )
        now = certificates.utc_now()
        issued = certificates.certificate(folder / "ca", subject, now=now)
        texts = {
            "authority": certificates.authority_certificate(folder / "ca", now=now),
            "certificate": issued.certificate,
            "private_key": issued.private_key,
        }
        self.files = {name: str(folder / f"{name}.pem") for name in texts}
        for name, text in texts.items():
            Path(self.files[name]).write_text(text)
        trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.files["authority"])
        trust.load_cert_chain(self.files["certificate"], self.files["private_key"])
        trust.verify_mode = ssl.CERT_OPTIONAL
        self.socket = trust.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.health = b""
        self.answering: Sequence[str] = ()

    def answer_to(self, address: str, path: str, *, is_member: bool) -> bytes | None:
        if address == _HERE:
            return self.health if path == "/health" else None
        is_there = path == "/raft/probing" and is_member and address in self.answering
        return b"" if is_there else None


class _Asked(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Members)
        connection = self.connection
        assert isinstance(connection, ssl.SSLSocket)
        address = connection.getsockname()[0]
        body = self.server.answer_to(address, self.path, is_member=bool(connection.getpeercert()))
        self.send_response(503 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    with Members(tmp_path_factory.mktemp("members")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Member:
    """A pretended member: say what etcd holds, run the tool, see what it holds then."""

    def __init__(self, folder: Path, members: Members) -> None:
        tools = folder / "tools"
        tools.mkdir()
        (tools / "etcdctl").symlink_to(_STAND_IN)
        self.data = folder / "data"
        self.members = members
        self.root_password = folder / "root.password"
        self.root_password.write_text("word-of-root\n")
        (folder / "agent.password").write_text("word-of-agent\n")
        port = members.server_address[1]
        self.settings = folder / "etcd.json"
        self.says = {
            "client_port": port,
            "peer_port": port,
            "others": _OTHERS,
            **members.files,
            "root_password_file": str(self.root_password),
            "agent_password_file": f"{folder}/agent.password",
            "agent_user": "failover",
            "agent_prefix": _PREFIX,
        }
        self.settings.write_text(json.dumps(self.says))
        self.environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT_ROOT),
            "LOANSTACK_ETCD_SETTINGS": str(self.settings),
            "ETCD_DATA": str(self.data),
        }
        for name in ("users", "roles"):
            (self.data / name).mkdir(parents=True)
        self.is_heard()
        self.allows_changes()

    def holds(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.data / name).write_text(f"{text}\n" if text else "")

    def is_heard(self, *, health: str = '{"health": "true"}', answering: Sequence[str] = _OTHERS) -> None:
        self.members.health = health.encode()
        self.members.answering = answering

    def allows_changes(self, count: int = -1) -> None:
        self.holds({"changes-left": str(count)})

    @property
    def access(self) -> dict[str, str]:
        files = (p for p in self.data.rglob("*") if p.is_file())
        found = {str(p.relative_to(self.data)): p.read_text().strip() for p in files}
        return {name: text for name, text in found.items() if name == "closed" or "/" in name}

    @property
    def called(self) -> list[str]:
        log = self.data / "called"
        return log.read_text().splitlines() if log.exists() else []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hosttools.etcd", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def lacks(self) -> list[str]:
        found: list[str] = json.loads(self.run("status").stdout)["lacks"]
        return found


@pytest.fixture
def member(tmp_path: Path, members: Members) -> Member:
    return Member(tmp_path, members)


def test_help_names_every_command(member: Member) -> None:
    said = member.run("--help").stdout
    for command in ("status", "wait-healthy", "may-restart", "lacks", "grant", "ctl"):
        assert f"\n  {command}" in said
    assert member.run("frobnicate").returncode == 2


def test_a_new_etcd_is_closed_and_a_second_time_changes_nothing(member: Member) -> None:
    assert member.lacks() == ["authentication"]
    assert member.run("grant").returncode == 0
    assert (member.access, member.lacks()) == (_WHOLE, [])
    member.allows_changes(0)
    assert member.run("grant").returncode == 0


@pytest.mark.parametrize("changes", range(7))
def test_wherever_it_broke_off_the_next_run_completes_it(member: Member, changes: int) -> None:
    member.allows_changes(changes)
    broken = member.run("grant")
    assert broken.returncode == 1, "there are seven changes in all"
    assert "request timed out" in broken.stderr
    assert member.lacks() == ["authentication"]
    member.allows_changes()
    assert member.run("grant").returncode == 0
    assert member.access == _WHOLE


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"roles/failover": f"{_PREFIX}\n/"}, ["rights of failover"]),
        ({"roles/failover": ""}, ["rights of failover", "user failover"]),
        ({"roles/failover": None}, ["rights of failover", "user failover"]),
        ({"users/failover": None, "users/failover.roles": None}, ["user failover"]),
        ({"users/failover": "old"}, ["user failover"]),
        ({"users/failover.roles": ""}, ["user failover"]),
        ({"users/failover.roles": "failover\nroot"}, ["user failover"]),
        ({"closed": None}, ["authentication"]),
    ],
)
def test_what_was_changed_by_hand_is_named_and_put_right(
    member: Member, change: dict[str, str | None], lacks: list[str]
) -> None:
    member.holds({name: text for name, text in {**_WHOLE, **change}.items() if text is not None})
    assert member.lacks() == lacks
    assert member.run("grant").returncode == 0
    assert member.access == _WHOLE


def test_another_password_of_root_is_refused_with_the_way_out(member: Member) -> None:
    member.holds(_WHOLE)
    member.root_password.write_text("another\n")
    assert member.lacks() == ["root"]
    refused = member.run("grant")
    assert refused.returncode == 1
    assert "root's password in etcd is not the one in" in refused.stderr
    assert "bring the old secrets file back" in refused.stderr
    assert member.access == _WHOLE


def test_passwords_are_in_no_argument(member: Member) -> None:
    member.run("grant")
    member.run("status")
    assert len(member.called) > 10
    assert [line for line in member.called if "word-of" in line] == []


def test_only_the_member_with_the_passwords_keeps_access(member: Member) -> None:
    member.root_password.unlink()
    assert member.lacks() == []
    for command in (("grant",), ("lacks",), ("ctl", "user", "list")):
        refused = member.run(*command)
        assert refused.returncode == 1
        assert "only the first member of the inventory has the passwords" in refused.stderr
    assert member.called == []


def test_status_names_who_answers(member: Member) -> None:
    member.holds(_WHOLE)
    member.is_heard(answering=_OTHERS[:1])
    assert member.run("status").stdout == '{"healthy": true, "others": ["127.0.0.2"], "lacks": []}\n'
    member.is_heard(health='{"health": "false"}', answering=())
    assert member.run("status").stdout == '{"healthy": false, "others": [], "lacks": ["unknown"]}\n'


def test_the_state_of_members_is_known_without_a_login(member: Member) -> None:
    member.holds({})
    member.is_heard(answering=_OTHERS)
    asked = member.run("status", "--members").stdout
    assert asked == '{"healthy": true, "others": ["127.0.0.2", "127.0.0.3"], "lacks": []}\n'
    assert member.called == []


def test_a_member_is_not_restarted_while_another_is_silent(member: Member) -> None:
    assert member.run("may-restart").returncode == 0
    member.is_heard(answering=_OTHERS[1:])
    refused = member.run("may-restart")
    assert refused.returncode == 1
    assert "not restarted: 127.0.0.2 does not answer" in refused.stderr


def test_waiting_for_a_majority_has_an_end_and_says_who_answers(member: Member) -> None:
    assert member.run("wait-healthy", "1").returncode == 0
    member.is_heard(health='{"health": "false"}', answering=_OTHERS[:1])
    refused = member.run("wait-healthy", "1")
    assert refused.returncode == 1
    assert "waited 1 s for a majority of etcd" in refused.stderr
    assert refused.stderr.strip().endswith("answer: 127.0.0.2")


@pytest.mark.parametrize("limit", ["a[$(touch injected)0]", "$(touch injected)", "1\n2", "-1", "9" * 30, ""])
def test_a_limit_that_is_no_number_is_refused_and_runs_nothing(member: Member, limit: str) -> None:
    refused = member.run("wait-healthy", "--", limit)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Invalid value for 'LIMIT_S'" in refused.stderr
    assert "allowed: a whole number of at most 86400" in refused.stderr


@pytest.mark.parametrize(
    "health",
    [
        "",
        "[]",
        '"true"',
        '{"health": "yes"}',
        "$(touch injected)",
        "x" * 100_000,
        "[" * 50_000,
        '{"a":' * 10_000,
    ],
)
def test_a_member_that_answers_nonsense_is_not_healthy(member: Member, health: str) -> None:
    member.is_heard(health=health)
    assert member.run("status").stdout.startswith('{"healthy": false, ')


def test_a_member_of_another_authority_does_not_count(member: Member, tmp_path: Path) -> None:
    other = certificates.authority_certificate(tmp_path / "another", now=certificates.utc_now())
    (tmp_path / "another.pem").write_text(other)
    member.settings.write_text(json.dumps({**member.says, "authority": str(tmp_path / "another.pem")}))
    assert member.run("status").stdout.startswith('{"healthy": false, "others": []')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_port": "2379; id"}, "Expected `int`, got `str`"),
        ({"peers": []}, "unknown field `peers`"),
        ({"agent_prefix": None}, "Expected `str`, got `null`"),
    ],
)
def test_wrong_settings_are_refused_with_their_file(
    member: Member, change: dict[str, object], said: str
) -> None:
    member.settings.write_text(json.dumps({**member.says, **change}))
    refused = member.run("status")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"{member.settings}: " in refused.stderr
    assert said in refused.stderr
