"""Secrets are generated once, only their owner can read them, and no message holds one."""

import json
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from inventory import secrets
from inventory.availability import Fence

FENCES = {
    "ob-a": Fence(kind="ipmi", address="198.18.9.9", user="fence"),
    "ob-b": Fence(kind="redfish", address="https://bmc", system="1", user="fence"),
    "ob-c": Fence(kind="fence_agent", address="pdu", user="fence", program="fence_apc"),
}


def written(path: Path, **changes: object) -> Path:
    """Write a good file with some values changed, and return its path."""
    good = asdict(secrets.ensure(path, fences=FENCES))
    path.write_text(json.dumps(good | changes))
    return path


def refused(path: Path) -> str:
    with pytest.raises(secrets.SecretsError) as caught:
        secrets.load(path, fences=FENCES)
    return str(caught.value)


def test_a_generated_file_is_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secrets.json"
    first = secrets.ensure(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secrets.ensure(path) == first
    assert len(set(first.named.values())) == len(first.named)
    assert list(path.parent.iterdir()) == [path]


def test_two_environments_share_no_secret(tmp_path: Path) -> None:
    one, two = secrets.ensure(tmp_path / "one"), secrets.ensure(tmp_path / "two")
    assert not set(one.named.values()) & set(two.named.values())


def test_the_values_do_not_show_in_repr(tmp_path: Path) -> None:
    made = secrets.ensure(tmp_path / "secrets.json", fences=FENCES)
    assert not any(value in repr(made) for value in made.named.values())


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
        (json.dumps({}), "lacks database_root_password, loan_owner_password, loan_app_password"),
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


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("loan_app_password", "it's-a-quote-0123", "16 to 64 characters of letters, digits, - and _"),
        ("loan_app_password", "white space 01234", "16 to 64"),
        ("loan_app_password", "a-new-line-01234\n", "16 to 64"),
        ("loan_app_password", "fifteen-letters", "16 to 64"),
        ("loan_app_password", "x" * 65, "16 to 64"),
        ("loan_app_password", "密码密码密码密码密码密码密码密码", "16 to 64"),
        ("database_root_password", "$(reboot)-01234567", "16 to 64"),
        ("agent_token", "", "16 to 64"),
        ("agent_token", 4711_4711_4711_4711, "16 to 64"),
        ("tongweb_license_key", "MIGf MA0GCSqGSIb3", "+, /, =, ., _, ~ and -"),
    ],
)
def test_a_secret_that_would_break_out_of_a_file_is_refused_and_not_shown(
    tmp_path: Path, name: str, value: object, allowed: str
) -> None:
    said = refused(written(tmp_path / "secrets.json", **{name: value}))
    assert f"  - {name}; allowed: " in said
    assert allowed in said
    assert not value or str(value).strip() not in said


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path / "secrets.json", loan_app_password="short", probe_password="'; DROP")
    found = json.loads(path.read_text())
    del found["agent_token"], found["fence_passwords"]["ob-b"]
    path.write_text(json.dumps(found))
    said = refused(path).splitlines()
    assert said[0] == f"{path}: secrets are missing or not allowed (values are not shown):"
    assert said[1].startswith("  - it lacks agent_token, fence_passwords.ob-b; ")
    assert [line.partition(";")[0] for line in said[2:]] == ["  - loan_app_password", "  - probe_password"]


def test_each_fence_device_has_a_password_of_its_own_that_every_board_takes(tmp_path: Path) -> None:
    passwords = secrets.ensure(tmp_path / "secrets.json", fences=FENCES).fence_passwords
    assert passwords.keys() == FENCES.keys()
    assert len(set(passwords.values())) == len(FENCES)
    assert all(len(password) == 16 for password in passwords.values())


@pytest.mark.parametrize(
    ("host", "password", "allowed"),
    [
        ("ob-a", "x" * 21, "8 to 20 characters of ASCII, without blanks: IPMI 2.0 has room for no more"),
        ("ob-b", "x" * 65, "8 to 64 characters of ASCII, without blanks"),
        ("ob-b", "has a blank", "8 to 64"),
        ("ob-b", None, "8 to 64"),
        ("ob-c", '"Passw0rd!of-c"', '8 to 64 characters of ASCII, without blanks and "'),
    ],
)
def test_a_password_that_a_board_does_not_take_is_refused(
    tmp_path: Path, host: str, password: object, allowed: str
) -> None:
    good = {"ob-a": "Passw0rd!of-a", "ob-b": 'Passw0rd!"of-b"', "ob-c": "Passw0rd!of-c"}
    assert secrets.load(written(tmp_path / "good.json", fence_passwords=good), fences=FENCES)
    said = refused(written(tmp_path / "secrets.json", fence_passwords=good | {host: password}))
    assert f"  - fence_passwords.{host}; allowed: {allowed}" in said


def test_passwords_of_fence_devices_are_an_object(tmp_path: Path) -> None:
    path = written(tmp_path / "secrets.json", fence_passwords="one-for-all-of-them")
    assert "fence_passwords must be an object of hosts and passwords" in refused(path)
    with pytest.raises(secrets.SecretsError, match="must be an object"):
        secrets.ensure(path, fences=FENCES)


def test_the_one_password_of_an_earlier_version_is_still_that_of_every_device(tmp_path: Path) -> None:
    path = written(tmp_path / "secrets.json", fence_password="one-for-all")
    found = json.loads(path.read_text())
    del found["fence_passwords"]
    path.write_text(json.dumps(found))
    assert secrets.ensure(path, fences=FENCES).fence_passwords == dict.fromkeys(FENCES, "one-for-all")


def test_a_secret_that_an_earlier_version_named_otherwise_keeps_its_value(tmp_path: Path) -> None:
    """A new password would be one that etcd does not know."""
    path = written(tmp_path / "secrets.json")
    found = json.loads(path.read_text())
    kept = {
        "store_root_password": "root-of-etcd-0123456789",
        "store_agent_password": "agent-of-etcd-0123456789",
    }
    del found["etcd_root_password"], found["etcd_agent_password"]
    path.write_text(json.dumps(found | kept))
    known = secrets.ensure(path, fences=FENCES)
    assert [known.etcd_root_password, known.etcd_agent_password] == list(kept.values())
    assert not kept.keys() & json.loads(path.read_text()).keys()
