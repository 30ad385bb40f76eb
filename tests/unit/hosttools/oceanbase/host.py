"""A pretended database host: say what its databases answer, run the tool, read what it asked and called.

A statement or program that this does not know fails the test. Time passes only while the tool sleeps.
"""

import os
import pwd
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from hosttools import programs, sql, waiting
from hosttools.errors import ToolError
from hosttools.oceanbase.__main__ import tool
from hosttools.oceanbase.settings import Settings

PEER, OTHER_PEER = "198.18.2.23", "198.18.3.33"
REFUSED, SILENT = "refused", "silent"
LOCAL = "local"


def settings_in(folder: Path, **changed: object) -> dict[str, object]:
    """Settings of a host whose folders are in `folder`."""
    return {
        "base_dir": str(folder / "data" / "oceanbase"),
        "program_dir": str(folder / "seekdb"),
        "run_dir": str(folder / "run"),
        "root_options": str(folder / "root.cnf"),
        "service_user": pwd.getpwuid(os.getuid()).pw_name,
        "unit": "u.service",
        "log_level": "ERROR",
        "sql_port": 2881,
        "rpc_port": 2882,
        "peers": [PEER],
        "inventory_role": "PRIMARY",
        "bootstrap_deadline_s": 1,
        "peer_deadline_s": 1,
        "parameters": {"cpu_count": "2", "memory_budget": "1024M"},
        **changed,
    }


class Clock:
    """A clock that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.at_sleep: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        for each in self.at_sleep:
            each()


@dataclass(kw_only=True)
class Answers:
    """What one database answers."""

    role: str = REFUSED
    scn: object = 1
    age: object = 60
    in_memory: object = 0
    without_base: object = 0
    merged: list[object] = field(default_factory=lambda: [1])
    """One after the other; the last one for ever."""
    refusals: list[int] = field(default_factory=list)
    """Codes with which it refuses its next changes; 0: it takes one."""
    fresh: bool = False
    """Whether root has no password yet."""
    queries: dict[str, tuple[tuple[object, ...], ...] | int] = field(default_factory=dict)
    """Answers to an administrator's own queries: rows, or the code of a refusal."""


@dataclass(frozen=True, kw_only=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


class Host:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.databases: dict[str, Answers] = {LOCAL: Answers(), PEER: Answers(), OTHER_PEER: Answers()}
        self.calls: list[str] = []
        self.at_call: Callable[[str], int | None] = lambda call: 0
        """Called with each program; returns its status."""
        self.at_change: Callable[[str, str], None] = lambda host, statement: None
        self.configure()
        (folder / "root.cnf").write_text("[client]\nuser=root\npassword=open-Sesame_1\n")
        self.base_dir.mkdir(parents=True)

    def configure(self, **changed: object) -> None:
        path = self.folder / "oceanbase.json"
        path.write_bytes(msgspec.json.encode(settings_in(self.folder, **changed)))
        self.settings = msgspec.json.decode(path.read_bytes(), type=Settings)

    @property
    def base_dir(self) -> Path:
        return self.folder / "data" / "oceanbase"

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    @property
    def role_file(self) -> str | None:
        path = self.base_dir / "loanstack-role"
        return path.read_text() if path.exists() else None

    @property
    def called(self) -> str:
        return "".join(f"{call}\n" for call in self.calls)

    def recorded(self, role: str) -> None:
        (self.base_dir / "loanstack-role").write_text(role + "\n")

    def says(self, host: str, role: str, **answers: object) -> None:
        self.databases[host].role = role
        for name, answer in answers.items():
            setattr(self.databases[host], name, answer)

    def run(self, *arguments: str) -> Done:
        result = CliRunner().invoke(tool, arguments, prog_name="loanstack-db")
        stderr, status = result.stderr, result.exit_code
        if isinstance(result.exception, ToolError):
            stderr += f"loanstack-db: {result.exception}\n"
        elif result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(returncode=status, stdout=result.stdout, stderr=stderr)

    # --- what the tool meets

    def rows(self, endpoint: sql.Endpoint, statement: str, *values: str) -> tuple[tuple[object, ...], ...]:
        host = LOCAL if endpoint.socket else endpoint.host
        assert endpoint.answer_timeout_s, "each answer has a time limit"
        answers = self.databases[host]
        self.calls.append(f"{host}: {statement % values if values else statement}")
        if answers.role == REFUSED:
            raise sql.SqlError(2002, f"{host}: [Errno 111] Connection refused", refused=True)
        if answers.role == SILENT:
            raise sql.SqlError(2002, f"{host}: timed out")
        if answers.fresh is bool(endpoint.password):
            raise sql.SqlError(1045, "Access denied for user 'root'")
        if statement in answers.queries:
            found = answers.queries[statement]
            if isinstance(found, int):
                raise sql.SqlError(found, "no")
            return found
        if statement.startswith("SELECT"):
            return ((self._answer(answers, statement),),)
        if answers.refusals and (code := answers.refusals.pop(0)):
            raise sql.SqlError(code, "no")
        if statement.startswith("ALTER USER"):
            answers.fresh = False
        self.at_change(host, statement)
        return ()

    def _answer(self, answers: Answers, statement: str) -> object:
        known = {
            "SELECT role": answers.role,
            "SELECT END_SCN": answers.scn,
            "start_service_time": answers.age,
            "table_type = 10": answers.without_base,
            "type=3": answers.in_memory,
        }
        for part, answer in known.items():
            if part in statement:
                return answer
        assert "LAST_SCN >=" in statement, f"no answer to {statement}"
        return answers.merged.pop(0) if len(answers.merged) > 1 else answers.merged[0]

    def program(self, command: Sequence[str], *, limit_s: float) -> programs.Finished:
        assert command[0] in ("systemctl", "nft", "ss"), command
        assert limit_s > 0
        call = " ".join(command)
        self.calls.append(call)
        status = self.at_call(call) or 0
        return programs.Finished(status=status, output="", errors="")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setenv("LOANSTACK_DB_SETTINGS", str(tmp_path / "oceanbase.json"))
    monkeypatch.setattr(sql, "rows", made.rows)
    monkeypatch.setattr(programs, "run", made.program)
    monkeypatch.setattr(waiting, "now_s", made.clock.monotonic)
    monkeypatch.setattr(waiting, "pause", made.clock.sleep)
    return made
