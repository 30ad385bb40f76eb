"""The edges: what is written, what is followed, what is put on a command line."""

import contextlib
import gzip
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import orjson
import pytest

from chaos.catalogue.model import HealRecord
from chaos.engine.heal import load_record, save_record
from chaos.recorders import clients, export, replication
from chaos.recorders.clients import LoadClients, RecordTail, end_cleanly
from chaos.system import databases as ssh_databases
from chaos.system.databases import SshDatabases
from chaos.system.shells import Shells
from chaos.system.sql_session import RoleAndPosition
from chaos.system.switches import NetworkSwitch, PowerSwitch
from chaos.system.world import ImpossibleHereError, WorldError
from inventory.lab import ENVIRONMENT
from inventory.model import Environment, Host
from inventory.secrets import Secrets
from inventory.ssh import ssh_argv
from processes import ssh
from processes.child import Child
from processes.group import Processes
from proof.files import RecordError, read_lines
from proof.history import read_run
from proof.record import Write
from tests.unit.chaos.histories import read, row, write

RECORD = HealRecord(
    environment="lab",
    drill="primary-crash",
    primary="ob-a",
    standby="ob-b",
    run_folder="/runs/x",
    registered_at_s=1.5,
)


def reading(role: str, scn: int) -> RoleAndPosition:
    return RoleAndPosition(role=role, scn=scn)


def test_a_sample_of_a_healthy_pair() -> None:
    both = {"ob-a": reading("PRIMARY", 2_000_000_000), "ob-b": reading("STANDBY", 1_900_000_000)}
    line, primary = replication.sample_line(7.0, both, "ob-a")
    assert primary == "ob-a"
    assert line["lag_ms"] == 100.0
    assert (line["primary_host"], line["standby_host"]) == ("ob-a", "ob-b")


def test_a_standby_read_a_moment_later_is_not_ahead() -> None:
    both = {"ob-a": reading("PRIMARY", 5), "ob-b": reading("STANDBY", 9)}
    assert replication.sample_line(7.0, both, "ob-a")[0]["lag_ms"] == 0.0


def test_a_dead_side_is_null_and_the_other_is_still_measured() -> None:
    line, primary = replication.sample_line(7.0, {"ob-a": None, "ob-b": reading("STANDBY", 9)}, "ob-a")
    assert (line["primary_scn"], line["standby_scn"], line["lag_ms"], primary) == (None, 9, None, "ob-a")


def test_a_promotion_is_followed() -> None:
    line, primary = replication.sample_line(7.0, {"ob-a": None, "ob-b": reading("PRIMARY", 9)}, "ob-a")
    assert (primary, line["standby_host"], line["lag_ms"]) == ("ob-b", "ob-a", None)


def test_two_primaries_have_no_lag_and_are_recorded() -> None:
    both = {"ob-a": reading("PRIMARY", 9), "ob-b": reading("PRIMARY", 5)}
    line, primary = replication.sample_line(7.0, both, "ob-b")
    assert (line["lag_ms"], primary) == (None, "ob-b")
    assert line["roles"] == {"ob-a": "PRIMARY", "ob-b": "PRIMARY"}


def test_the_ledger_is_followed_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    tail = RecordTail(tmp_path)
    assert tail.acknowledged_per_s(100.0) == 0.0
    lines = [orjson.dumps(write(f"k{n}", ended_s=97 + n / 100)) + b"\n" for n in range(300)]
    lines[5] = orjson.dumps(write("no", ended_s=97.05, outcome="rejected")) + b"\n"
    path.write_bytes(b"".join(lines[:100]) + lines[100][:10])
    # Of the two seconds that count (97 to 99) one is written, and one write of it was rejected.
    assert tail.acknowledged_per_s(100.0) == pytest.approx(99 / 2)
    with path.open("ab") as file:
        file.write(lines[100][10:] + b"".join(lines[101:]))
    assert tail.acknowledged_per_s(100.0) == pytest.approx(199 / 2)
    assert tail.acknowledged_per_s(100.0, since_s=97.0) == pytest.approx(199 / 2)
    assert tail.acknowledged_per_s(100.0, since_s=97.1) == 0.0, "the window reaches before the promotion"
    assert tail.acknowledged_per_s(200.0) == 0.0


def test_a_heal_record_comes_back_as_it_was(tmp_path: Path) -> None:
    paths = (tmp_path / "state" / "heal.json", tmp_path / "heal.json")
    save_record(RECORD, *paths)
    assert [load_record(path) for path in paths] == [RECORD] * 2
    assert load_record(tmp_path / "none.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"victim": "x"}'])
def test_a_broken_heal_record_says_what_to_do(text: str, tmp_path: Path) -> None:
    path = tmp_path / "heal.json"
    path.write_text(text)
    with pytest.raises(WorldError, match="delete the file"):
        load_record(path)


def test_a_run_folder_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "ledger.jsonl").write_bytes(orjson.dumps(write("k1")) + b"\n")
    (tmp_path / "reads.jsonl").write_bytes(orjson.dumps(read(500, 200.0)) + b"\n")
    with gzip.open(tmp_path / "database" / "journal.jsonl.gz", "wb") as file:
        file.write(orjson.dumps(row("k1")) + b"\n")
    records = read_run(tmp_path)
    assert records.writes == (write("k1"),)
    assert records.reads == (read(500, 200.0),)
    assert records.journal == (row("k1"),)
    assert (records.limits, records.samples, records.timeline) == ((), (), ())
    assert records.seeding is None
    (tmp_path / "seed.json").write_text('{"customers": 100000, "inserted": 0, "seconds": 0.1}')
    assert read_run(tmp_path).context(ENVIRONMENT, reads_limits=True).customers == 100_000
    (tmp_path / "reads.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"reads\.jsonl"):
        read_run(tmp_path)


@pytest.mark.parametrize("line", [b'{"key": "cut off', b'{"key": "k1"}', b"[]"])
def test_a_broken_line_is_named(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(orjson.dumps(write("k1")) + b"\n" + line + b"\n")
    with pytest.raises(RecordError, match=r"ledger\.jsonl line 2"):
        list(read_lines(path, Write))


def test_no_command_line_holds_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {field.name: f"hidden-{field.name}" for field in fields(Secrets)}
    hidden = Secrets(**values)
    monkeypatch.setattr("inventory.secrets.load", lambda path: hidden)
    argvs: list[list[str]] = []

    class Recorded:
        def __init__(self, argv: list[str], **_: object) -> None:
            argvs.append(argv)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(clients, "record_clocks", lambda env, folder, moment: None)
    LoadClients(ENVIRONMENT).start_load(500, tmp_path)
    switch = PowerSwitch(ENVIRONMENT, is_reachable=lambda host: True, forget=lambda name: None)
    switch.off(ENVIRONMENT.host("ob-a"))
    argvs.append(ssh_argv(ENVIRONMENT, ENVIRONMENT.host("app-a"), export._EXPORT))
    assert len(argvs) == 5
    words = " ".join(word for argv in argvs for word in argv)
    assert all(value not in words for value in values.values())
    assert "--rate 500" in words
    assert "off ob-a" in words


def test_an_environment_without_switches_says_so() -> None:
    bare = Environment(**{**vars(ENVIRONMENT), "power_command": (), "network_command": ()})
    switch = PowerSwitch(bare, is_reachable=lambda host: True, forget=lambda name: None)
    with pytest.raises(ImpossibleHereError, match="names no power_command"):
        switch.off(ENVIRONMENT.host("ob-a"))
    with pytest.raises(ImpossibleHereError, match="names no network_command"):
        NetworkSwitch(bare).cut("centre-a", for_s=5)


def test_switches_are_thrown_with_their_timers() -> None:
    env = Environment(
        **{**vars(ENVIRONMENT), "power_command": ("false", "power"), "network_command": ("false", "net")}
    )
    power = PowerSwitch(env, is_reachable=lambda host: True, forget=lambda name: None)
    pending = power.freeze(ENVIRONMENT.host("ob-a"), for_s=80.0)
    assert pending._child.argv == ("false", "power", "freeze", "ob-a", "--for", "80")  # type: ignore[attr-defined]
    with pytest.raises(WorldError, match="power freeze ob-a ended with 1"):
        pending.wait(120)
    cut = NetworkSwitch(env).cut("a-to-b", for_s=75.5)
    assert cut._child.argv == ("false", "net", "cut", "a-to-b", "--for", "75.5")  # type: ignore[attr-defined]
    with pytest.raises(WorldError, match="network mend a-to-b ended with 1"):
        NetworkSwitch(env).mend("a-to-b")


def test_a_host_that_connects_and_does_not_greet_is_not_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        frozen = Host(name="x", centre="a", roles=(), management_address="127.0.0.1", address="127.0.0.1")
        databases = SshDatabases(ENVIRONMENT, Shells(ENVIRONMENT))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ssh_databases, "SSH_PORT", port)
            assert not databases.is_reachable(frozen)
            enough = threading.Event()
            greeting = threading.Thread(target=greet, args=(server, enough))
            greeting.start()
            # The first connection is still in the queue; it hung up, and is greeted in vain.
            assert any(databases.is_reachable(frozen) for _ in range(100))
            enough.set()
            greeting.join(timeout=120)


def greet(server: socket.socket, enough: threading.Event) -> None:
    server.settimeout(0.05)
    while not enough.is_set():
        with contextlib.suppress(TimeoutError):
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")


def _switch(*command: str) -> PowerSwitch:
    env = Environment(**{**vars(ENVIRONMENT), "power_command": command})
    return PowerSwitch(env, is_reachable=lambda host: True, forget=lambda name: None)


def test_a_switch_that_fails_is_not_taken_for_off() -> None:
    pending = _switch("bash", "-c", "echo no such host >&2; exit 1").off(ENVIRONMENT.host("ob-a"))
    with pytest.raises(WorldError, match="no such host"):
        pending.wait(within_s=120)


def test_a_switch_is_thrown_to_its_end_though_we_may_be_killed() -> None:
    pending = _switch("bash", "-c", "exec setpriv --dump").off(ENVIRONMENT.host("ob-a"))
    assert pending.wait(within_s=120) == pending.wait(within_s=0) > 0
    assert "Parent death signal: [none]" in pending._child.end().stdout  # type: ignore[attr-defined]


def test_a_switch_that_hangs_is_not_taken_for_off() -> None:
    pending = _switch("bash", "-c", "exec sleep 60").off(ENVIRONMENT.host("ob-a"))
    with pytest.raises(WorldError, match="did not confirm within"):
        pending.wait(within_s=0.1)


def test_a_client_is_asked_to_end_and_has_to(tmp_path: Path) -> None:
    with Processes() as processes:

        def client(name: str, trap: str) -> Child:
            waits = f"trap '{trap}' TERM; echo ready; while :; do sleep 0.05; done"
            log = tmp_path / name
            begun = processes.start(["bash", "-c", waits], name=name, log=log, grace_s=2 if not trap else 120)
            until(lambda: "ready" in log.read_text())
            return begun

        polite = client("polite", "exit 0")
        assert polite.ended_because() is None
        assert end_cleanly(polite) is None
        assert "stubborn did not end within 2 s of SIGTERM and was killed" in str(
            end_cleanly(client("stubborn", ""))
        )


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_client_that_ended_by_itself_says_why_and_ends_the_drills_clients(tmp_path: Path) -> None:
    clients = LoadClients(ENVIRONMENT)
    (tmp_path / "load").mkdir()
    clients._folder = tmp_path
    clients._start("load", ["bash", "-c", "echo no customers are seeded; exit 2"], "locust", 120)
    assert [child.grace_s for child in clients._children] == [120]
    until(lambda: clients.stopped_because() is not None)
    assert "load ended with 2 and said 'no customers are seeded'" in str(clients.stopped_because())
    with pytest.raises(WorldError, match=r"no customers are seeded.*load/locust\.log"):
        clients.stop()
    clients.stop()


def test_both_tables_are_exported_at_one_position_and_the_next_host_is_asked_if_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def argv(_env: object, host: object, command: str) -> list[str]:
        name = getattr(host, "name", "")
        asked.append((name, command.partition("app_stub.export ")[2].partition(" |")[0]))
        if name == "app-b":
            return ["false"]
        return ["bash", "-c", "echo 4711" if command.endswith("position") else "echo '{}' | gzip -1"]

    summed = []
    monkeypatch.setattr(export, "save_contents", lambda env, folder, **how: summed.append(how["at"]))
    monkeypatch.setattr(ssh, "ssh_argv", argv)
    export.save_database(ENVIRONMENT, tmp_path, since_s=7.5, near=ENVIRONMENT.host("ob-b"))
    assert asked == [
        (host, what)
        for what in ("position", "journal --since 7.500000 --at 4711", "limits --at 4711")
        for host in ("app-b", "app-a")
    ]
    assert summed == [4711], "what both databases hold, at the same position"
    saved = gzip.decompress((tmp_path / "database" / "limits.jsonl.gz").read_bytes())
    assert json.loads(saved) == {}
    assert sorted(p.name for p in (tmp_path / "database").iterdir()) == [
        "journal.jsonl.gz",
        "limits.jsonl.gz",
    ]


def test_an_export_that_nobody_can_make_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def argv(_env: object, _host: object, command: str) -> list[str]:
        if command.endswith("position"):
            return ["echo", "4711"]
        return ["bash", "-c", "set -euo pipefail; false | gzip -1; true"]

    monkeypatch.setattr(ssh, "ssh_argv", argv)
    with pytest.raises(WorldError, match="no loan host could export the journal"):
        export.save_database(ENVIRONMENT, tmp_path, since_s=None)
    assert not (tmp_path / "database" / "journal.jsonl.gz").exists()


def test_an_export_is_given_the_time_that_its_caller_knows_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh, "ssh_argv", lambda *_: ["sleep", "20"])
    with pytest.raises(WorldError, match=r"app-a: not done within 0 s; app-b"):
        export.save_database(ENVIRONMENT, tmp_path, since_s=None, within_s=0.1)
