"""The settings file: read once, refused as a whole, silent about secrets."""

import json
from pathlib import Path
from typing import Any

import pytest

from failover.settings_file import SettingsError, load, parse
from tests.unit.failover.config import settings, settings_file


def problems_of(found: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        parse(found)
    return refused.value.problems


def changed(path: str, value: object) -> dict[str, Any]:
    found = settings_file()
    where: Any = found
    *steps, last = path.split(".")
    for step in steps:
        where = where[int(step) if step.isdigit() else step]
    if value is ...:
        del where[last]
    else:
        where[last] = value
    return found


def test_a_good_file_is_read_whole() -> None:
    found = settings()
    assert found.etcd.endpoints[0] == "https://198.18.1.13:2379"
    assert (found.agent.port, found.timing.lease_ttl_ms, found.durability.degrade_after_ms) == (
        8008,
        3000,
        8000,
    )
    peer = found.peer("ob-b")
    assert peer is not None
    assert peer.fence is not None
    assert (peer.fence.kind, peer.fence.system) == ("lab", "ob-b")
    assert found.peer("ob-x") is None
    assert (found.address_of("ob-a"), found.address_of("ob-x")) == ("127.0.0.1", None)


def test_no_secret_is_in_the_repr() -> None:
    shown = repr(settings())
    assert "secret-of" not in shown
    assert "token-of" not in shown


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("me", ..., "me is missing"),
        ("sql_port", 0, "sql_port=0; allowed: a whole number from 1 to 65535"),
        ("sql_port", True, "sql_port=True; allowed: a whole number from 1 to 65535"),
        ("candidate", "yes", "candidate='yes'; allowed: true or false"),
        ("address", 4, "address=4; allowed: a non-empty string"),
        ("peers.0.fence.reason", None, "peers[0].fence.reason=None; allowed: a string"),
        (
            "durability.degrade_after_ms",
            0,
            "durability.degrade_after_ms=0; allowed: a whole number from 1 to 86400000 or null",
        ),
        ("durability", None, "durability must be a JSON object"),
        ("etcd", ..., "etcd is missing"),
        ("etcd", [], "etcd must be a JSON object"),
        ("etcd.endpoints", [], "etcd.endpoints; allowed: at least one, and each one once"),
        (
            "etcd.endpoints",
            ["http://198.18.1.13:2379"],
            "etcd.endpoints[0]='http://198.18.1.13:2379'; allowed: a string that matches ^https://",
        ),
        (
            "etcd.endpoints",
            ["https://a", "https://a"],
            "etcd.endpoints; allowed: at least one, and each one once",
        ),
        ("etcd.password", "", "etcd.password; allowed: a non-empty string"),
        ("agent.token", "short", "agent.token; allowed: a string of at least 16 characters"),
        ("agent.tocken", "x", "agent.tocken is unknown; remove it"),
        ("peers", {}, "peers; allowed: a list"),
        ("peers.0.host", "ob-a", "peers; allowed: each host once, without `me`; ob-a is named twice"),
        (
            "peers.0.fence.kind",
            "ipmy",
            "peers[0].fence.kind='ipmy'; allowed: fence_agent, ipmi, lab, none, redfish",
        ),
        (
            "peers.0.fence.system",
            "",
            "peers[0].fence.system=''; allowed: a non-empty string: a fence of kind lab needs it",
        ),
        (
            "peers.0.fence.password",
            "",
            "peers[0].fence.password; allowed: a non-empty string: a fence of kind lab needs it",
        ),
        ("peers.0.fence.ca_file", ..., "peers[0].fence.ca_file is missing"),
        (
            "peers.0.fence.address",
            "https://bmc",
            "peers[0].fence.ca_file=''; allowed: a file: a device with an https URL is checked",
        ),
        ("peers.0.fence", ..., "peers[0].fence is missing"),
        ("durability.mode", "sometimes", "durability.mode='sometimes'; allowed: cross_centre, local"),
        (
            "timing.lease_ttl_ms",
            2299,
            (
                "timing.lease_ttl_ms=2299; allowed: at least 2300 (safety_margin_ms +"
                " 5 x loop_interval_ms, and calm_interval_ms with room for two calls of etcd_timeout_ms):"
                " a shorter lease ends before the loop can renew it"
            ),
        ),
        (
            "timing.calm_interval_ms",
            199,
            (
                "timing.calm_interval_ms=199; allowed: at least 200 (loop_interval_ms):"
                " a calm agent observes no more often than a busy one"
            ),
        ),
        (
            "timing.peer_silent_ms",
            1099,
            (
                "timing.peer_silent_ms=1099; allowed: at least 1100"
                " (calm_interval_ms + 3 x loop_interval_ms): one slow answer is no death"
            ),
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(path: str, value: object, problem: str) -> None:
    assert problems_of(changed(path, value)) == (problem,)


def test_all_problems_are_told_at_once() -> None:
    found = changed("me", "")
    found["timing"]["loop_interval_ms"] = "200"
    found["surplus"] = 1
    found["peers"][0]["fence"]["kind"] = "none"
    assert problems_of(found) == (
        "me=''; allowed: a non-empty string",
        "peers[0].fence.reason=''; allowed: a non-empty string: a fence of kind none needs it",
        "timing.loop_interval_ms='200'; allowed: a whole number from 20 to 10000",
        "surplus is unknown; remove it",
    )


def test_what_is_no_object_is_refused() -> None:
    assert problems_of([]) == ("the file must be a JSON object",)


def test_a_wrong_secret_is_not_shown() -> None:
    found = settings_file()
    found["agent"]["token"] = "short-secret"
    found["peers"][0]["fence"]["password"] = 4711
    assert "short-secret" not in str(problems_of(found))
    assert "4711" not in str(problems_of(found))


def test_a_host_that_is_not_fenced_says_why() -> None:
    fence = dict.fromkeys(("address", "system", "user", "password", "reason", "ca_file"), "")
    fence["kind"] = "none"
    assert problems_of(changed("peers.0.fence", fence)) == (
        "peers[0].fence.reason=''; allowed: a non-empty string: a fence of kind none needs it",
    )
    peer = parse(changed("peers.0.fence", {**fence, "reason": "no management board"})).peers[0]
    assert peer.fence is not None
    assert peer.fence.reason == "no management board"


def test_a_peer_may_have_no_fence_at_all_and_durability_may_never_degrade() -> None:
    assert parse(changed("peers.0.fence", None)).peers[0].fence is None
    assert parse(changed("durability.degrade_after_ms", None)).durability.degrade_after_ms is None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "failover.json"
    path.write_text(json.dumps(settings_file()))
    path.chmod(0o600)
    return path


def test_a_file_of_its_owner_only_is_read(file: Path) -> None:
    assert load(file) == settings()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused_with_the_remedy(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(SettingsError, match=rf"mode {mode:04o}; allowed: 0600; run: chmod 600"):
        load(file)


def test_a_missing_file_and_one_that_is_not_json_are_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing; the deploy"):
        load(tmp_path / "other.json")
    file.write_text("{")
    with pytest.raises(SettingsError, match=r"is not JSON: .*line 1"):
        load(file)


def test_a_file_with_bytes_that_are_no_text_is_refused_without_showing_them(file: Path) -> None:
    file.write_bytes(b'{"password": "s3cret\xff"}')
    with pytest.raises(SettingsError, match="is not JSON: ") as refused:
        load(file)
    assert "s3cret" not in str(refused.value)
