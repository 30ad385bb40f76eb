"""Secrets are generated once, only their owner can read them, and no message holds one."""

import json
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from inventory import secrets


def test_a_generated_file_is_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secrets.json"
    first = secrets.ensure(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secrets.ensure(path) == first
    assert len(set(asdict(first).values())) == len(asdict(first))
    assert list(path.parent.iterdir()) == [path]


def test_two_environments_share_no_secret(tmp_path: Path) -> None:
    one, two = secrets.ensure(tmp_path / "one"), secrets.ensure(tmp_path / "two")
    assert not set(asdict(one).values()) & set(asdict(two).values())


def test_the_values_do_not_show_in_repr(tmp_path: Path) -> None:
    made = secrets.ensure(tmp_path / "secrets.json")
    assert not any(value in repr(made) for value in asdict(made).values())


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = secrets.ensure(path)
    path.chmod(0o640)
    with pytest.raises(secrets.SecretsError, match="0640; allowed: 0600") as caught:
        secrets.load(path)
    assert made.database_root_password not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        (
            json.dumps({"loan_app_password": "x"}),
            "database_root_password, loan_owner_password, probe_password",
        ),
        (json.dumps({}), "lacks"),
    ],
)
def test_a_broken_file_says_what_is_missing(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(secrets.SecretsError, match=message):
        secrets.load(path)


def test_a_missing_file_says_who_makes_it(tmp_path: Path) -> None:
    with pytest.raises(secrets.SecretsError, match="generated when the environment comes up"):
        secrets.load(tmp_path / "none.json")


def test_a_file_of_an_earlier_version_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = asdict(secrets.ensure(path))
    path.write_text(json.dumps({k: v for k, v in first.items() if k != "agent_token"}))
    again = asdict(secrets.ensure(path))
    assert {k: v for k, v in again.items() if k != "agent_token"} == {
        k: v for k, v in first.items() if k != "agent_token"
    }
    assert again["agent_token"] not in first.values()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_not_whole_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("[]")
    path.chmod(0o600)
    with pytest.raises(secrets.SecretsError, match="not a JSON object"):
        secrets.ensure(path)
    assert path.read_text() == "[]"
