"""What databases are asked about their contents, and how their answers are read."""

from pathlib import Path

import orjson
import pytest

from chaos.recorders import contents
from chaos.system.sql_session import RoleAndPosition, SqlSession
from chaos.system.world import WorldError
from inventory.database_kind import DatabaseKind
from inventory.lab import ENVIRONMENT
from inventory.model import Host
from processes.child import Completed
from proof.history import read_run
from proof.record import Application, Outcome, TableContent
from tests.unit.chaos.histories import write

AT = 4711
ROLE = {"ob-a": "PRIMARY", "ob-b": "STANDBY"}
ANSWERS = (
    "journal\t2\t11\ncredit_limit\t1\t12\napplication\t2\t13\ncustomer\t9\t14\n"
    "row\tQH01\t77\t1000000001\tassessed\t597\tC\nrow\tQH02\t78\t2000000001\tadmitted\t\t\n"
)


class Databases:
    """Stands for both, behind ssh."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scripts: dict[str, str] = {}
        self.positions = {"ob-a": AT, "ob-b": AT}
        self.status = 0
        monkeypatch.setattr(contents.ssh, "run", self._run)

    def _run(self, _env: object, host: Host, command: str, *, within_s: float, stdin: str) -> Completed:
        assert command.endswith(" sql")
        self.scripts[host.name] = stdin
        return Completed(returncode=self.status, seconds=0.0, stdout=ANSWERS, stderr="ERROR 1412: no")


@pytest.fixture
def databases(monkeypatch: pytest.MonkeyPatch) -> Databases:
    found = Databases(monkeypatch)

    def wait_for(env: object, host: object, kind: object, at: int) -> str:
        name = str(getattr(host, "name", ""))
        if found.positions[name] < at:
            raise WorldError(f"{name}: was at {found.positions[name]}")
        return ROLE[name]

    monkeypatch.setattr(contents, "_wait_for", wait_for)
    return found


def saved(folder: Path, kind: DatabaseKind = DatabaseKind.OCEANBASE) -> None:
    (folder / "database").mkdir(exist_ok=True)
    contents.save_contents(ENVIRONMENT, folder, at=AT, kind=kind, within_s=9.0)


def test_both_are_summed_up_at_one_position_and_the_primarys_applications_kept(
    databases: Databases, tmp_path: Path
) -> None:
    for record in ("ledger.jsonl", "reads.jsonl"):
        (tmp_path / record).touch()
    saved(tmp_path)
    found = read_run(tmp_path)
    assert TableContent(host="ob-b", role="STANDBY", table="journal", rows=2, checksum=11) in found.contents
    assert len(found.contents) == 2 * len(contents.TABLES)
    assessed = Application(
        entity="QH01",
        application_id=77,
        customer_id=1_000_000_001,
        status="assessed",
        score=597,
        grade="C",
    )
    assert found.applications is not None
    assert found.applications[0] == assessed
    assert (found.applications[1].score, found.applications[1].grade) == (None, None)
    for script in databases.scripts.values():
        assert script.count(f"AS OF SNAPSHOT {AT}") == len(contents.TABLES) + 1


def test_mariadb_is_read_as_it_is(databases: Databases, tmp_path: Path) -> None:
    saved(tmp_path, DatabaseKind.MARIADB)
    assert "SNAPSHOT" not in databases.scripts["ob-a"]


def test_applications_are_those_from_the_first_write_on(databases: Databases, tmp_path: Path) -> None:
    first = write("k1", ended_s=1000.01, outcome=Outcome.ACKNOWLEDGED)
    (tmp_path / "ledger.jsonl").write_bytes(orjson.dumps(first) + b"\n")
    saved(tmp_path)
    assert "created_at>=FROM_UNIXTIME(990.000000)" in databases.scripts["ob-a"]


def test_a_standby_that_does_not_get_there_and_a_database_that_refuses_are_named(
    databases: Databases, tmp_path: Path
) -> None:
    databases.positions["ob-b"] = AT - 1
    with pytest.raises(WorldError, match="ob-b: was at 4710"):
        saved(tmp_path)
    databases.positions["ob-b"], databases.status = AT, 1
    with pytest.raises(WorldError, match="ob-a: loanstack-db ended with 1 and said 'ERROR 1412: no'"):
        saved(tmp_path)
    assert not (tmp_path / "database" / "contents.jsonl").exists()


def test_a_database_is_waited_for_until_it_has_the_position(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter((None, RoleAndPosition(role="STANDBY", scn=AT - 1), RoleAndPosition(role="STANDBY", scn=AT)))
    monkeypatch.setattr(SqlSession, "read", lambda self, within_s: next(seen))
    monkeypatch.setattr(contents.time, "sleep", lambda s: None)
    host = ENVIRONMENT.host("ob-b")
    assert contents._wait_for(ENVIRONMENT, host, DatabaseKind.OCEANBASE, AT) == "STANDBY"
    monkeypatch.setattr(SqlSession, "read", lambda self, within_s: RoleAndPosition(role="STANDBY", scn=1))
    monkeypatch.setattr(contents, "REACHED_WITHIN_S", 0.01)
    with pytest.raises(WorldError, match="ob-b: was at 1; waited"):
        contents._wait_for(ENVIRONMENT, host, DatabaseKind.OCEANBASE, AT)


def test_a_copy_that_cannot_be_read_yet_is_asked_again(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(_env: object, host: Host, *_: str, **__: object) -> Completed:
        asked.append(host.name)
        is_early = asked.count("ob-b") == 1 and host.name == "ob-b"
        said = "ERROR 4344 (HY000) at line 1: invalid timestamp" if is_early else ""
        return Completed(returncode=int(is_early), seconds=0.0, stdout=ANSWERS, stderr=said)

    monkeypatch.setattr(contents.ssh, "run", run)
    monkeypatch.setattr(contents.time, "sleep", lambda s: None)
    saved(tmp_path)
    assert asked == ["ob-a", "ob-b", "ob-b"]
    monkeypatch.setattr(contents, "REACHED_WITHIN_S", -1.0)
    asked.clear()
    with pytest.raises(WorldError, match="ob-b: loanstack-db ended with 1 and said 'ERROR 4344"):
        saved(tmp_path)
