"""loanstack-store's own decisions, with a stand-in for the store."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploys.content import TEMPLATES

_SCRIPT = TEMPLATES / "etcd" / "loanstack-store"
_STAND_IN = Path(__file__).parent / "fake_etcdctl"
_OTHERS = ("198.18.2.23", "198.18.3.31")
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


class Member:
    """A pretended member: say what the store holds, run the tool, see what it holds then."""

    def __init__(self, folder: Path) -> None:
        tools = folder / "tools"
        tools.mkdir()
        for name in ("etcdctl", "curl"):
            (tools / name).symlink_to(_STAND_IN)
        self.store = folder / "store"
        self.root_password = folder / "root.password"
        self.root_password.write_text("word-of-root\n")
        (folder / "agent.password").write_text("word-of-agent\n")
        settings = folder / "store.conf"
        settings.write_text(
            f'CLIENT_PORT=2379\nPEER_PORT=2380\nOTHERS="{" ".join(_OTHERS)}"\nAUTHORITY=a\nCERTIFICATE=c\n'
            f"PRIVATE_KEY=k\nROOT_PASSWORD={self.root_password}\nAGENT_PASSWORD={folder}/agent.password\n"
            f"AGENT_USER=failover\nAGENT_PREFIX={_PREFIX}\n"
        )
        self.environment = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "LOANSTACK_STORE_SETTINGS": str(settings),
            "STORE": str(self.store),
        }
        for name in ("users", "roles"):
            (self.store / name).mkdir(parents=True)
        self.is_heard()
        self.allows_changes()

    def holds(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.store / name).write_text(f"{text}\n" if text else "")

    def is_heard(self, *, healthy: bool = True, answering: Sequence[str] = _OTHERS) -> None:
        self.holds(
            {"health": json.dumps({"health": str(healthy).lower()}), "answering": "\n".join(answering)}
        )

    def allows_changes(self, count: int = -1) -> None:
        self.holds({"changes-left": str(count)})

    @property
    def access(self) -> dict[str, str]:
        files = (p for p in self.store.rglob("*") if p.is_file())
        found = {str(p.relative_to(self.store)): p.read_text().strip() for p in files}
        return {name: text for name, text in found.items() if name == "closed" or "/" in name}

    @property
    def called(self) -> list[str]:
        log = self.store / "called"
        return log.read_text().splitlines() if log.exists() else []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(_SCRIPT), *arguments],
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
def member(tmp_path: Path) -> Member:
    return Member(tmp_path)


def test_help_names_every_command(member: Member) -> None:
    said = member.run("--help").stdout
    for command in ("status", "wait-healthy", "may-restart", "lacks", "grant", "ctl"):
        assert f"\n  {command}" in said
    assert member.run("frobnicate").returncode == 2


def test_a_new_store_is_closed_and_a_second_time_changes_nothing(member: Member) -> None:
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
    assert "root's password in the store is not the one in" in refused.stderr
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
    assert member.run("status").stdout == '{"healthy": true, "others": ["198.18.2.23"], "lacks": []}\n'
    member.is_heard(healthy=False, answering=())
    assert member.run("status").stdout == '{"healthy": false, "others": [], "lacks": ["unknown"]}\n'


def test_a_member_is_not_restarted_while_another_is_silent(member: Member) -> None:
    assert member.run("may-restart").returncode == 0
    member.is_heard(answering=_OTHERS[1:])
    refused = member.run("may-restart")
    assert refused.returncode == 1
    assert "not restarted: 198.18.2.23 does not answer" in refused.stderr


def test_waiting_for_a_majority_has_an_end_and_says_who_answers(member: Member) -> None:
    assert member.run("wait-healthy", "1").returncode == 0
    member.is_heard(healthy=False, answering=_OTHERS[:1])
    refused = member.run("wait-healthy", "1")
    assert refused.returncode == 1
    assert "waited 1 s for a majority of the store" in refused.stderr
    assert refused.stderr.strip().endswith("answer: 198.18.2.23")
