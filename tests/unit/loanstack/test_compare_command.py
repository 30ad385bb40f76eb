"""`loanstack compare`: whose turn it is, what each run is worth, and that OceanBase is put back."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from click.testing import CliRunner

from chaos.system.sql_session import RoleAndPosition
from inventory import environment
from inventory.database_kind import DatabaseKind
from loanstack.capacity.cool_down import not_level
from loanstack.cli import compare as compare_cli
from loanstack.cli import main
from loanstack.commands import compare as module
from loanstack.commands import deploy as deploy_module
from loanstack.commands import sampler
from loanstack.commands.compare import CompareParameters, compare
from loanstack.commands.load import LoadParameters
from loanstack.report.page import render
from loanstack.report.reading import read
from loanstack.results.comparison import OURS, PEER
from loanstack.runs.folder import Results
from loanstack.runs.task import CommandError, InterruptedWith, Task
from processes.child import Completed
from processes.group import Processes
from proof.exits import ExitCode
from proof.verdict import Finding, Verdict

ASKED = CompareParameters(
    load=LoadParameters(scenario="journey", rate_per_s=400.0, duration_s=20.0), rounds=2
)
CPU_MS = {OURS: 0.9, PEER: 1.2}


@dataclass
class Site:
    """Stands for an environment: what was done to it, in order, and what its loads show."""

    done: list[str] = field(default_factory=list)
    trouble: dict[int, Callable[[Task], Results]] = field(default_factory=dict)
    """Number of a load -> what it does instead."""
    unacknowledged: list[int | None] = field(default_factory=list)
    """What MariaDB says, question by question; 0 once there are no more."""
    loads: int = 0

    def deploy(self, part: Task, *, database: DatabaseKind) -> Results:
        part.begin(())
        self.done.append(f"deploy {database}")
        return part.end(Results(verb="deploy", environment="lab", verdict=Verdict.PASS))

    def load(self, part: Task, asked: LoadParameters) -> Results:
        part.begin(())
        self.loads += 1
        self.done.append(f"load {asked.database}")
        assert (asked.rate_per_s, asked.duration_s) == (400.0, 20.0)
        if self.loads in self.trouble:
            return self.trouble[self.loads](part)
        kind = asked.database
        row = {"host": "ob-a", "unit": f"loanstack-{kind}", "cpu_s": 1, "memory_mib": 1}
        part.folder.write_json("hosts.json", {"rows": [{**row, "cpu_ms_per_transaction": CPU_MS[kind] / 3}]})
        figures = {"tps_acknowledged": 400.0, "cpu_ms_per_transaction": CPU_MS[kind], "latency_p99_ms": 20.0}
        return part.end(Results(verb="load", environment="lab", verdict=Verdict.PASS, figures=figures))

    def count(self, _env: object) -> int | None:
        return self.unacknowledged.pop(0) if self.unacknowledged else 0


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site()
    monkeypatch.setattr(module, "deploy", found.deploy)
    monkeypatch.setattr(module, "load", found.load)
    monkeypatch.setattr(module, "seed", lambda task: found.done.append("seed"))
    monkeypatch.setattr(module, "cool_down", lambda env, kind: found.done.append(f"rest {kind}"))
    monkeypatch.setattr(module.semi_sync, "unacknowledged", found.count)
    monkeypatch.setattr("loanstack.runs.task.secrecy.leaks", lambda folder, secrets_file: ())
    return found


def test_both_have_their_turns_and_oceanbase_is_put_back(site: Site, task: Task) -> None:
    results = compare(task, ASKED)
    turn = {kind: [f"deploy {kind}", "seed", f"rest {kind}", f"load {kind}"] for kind in DatabaseKind}
    assert site.done == [*turn[OURS], *turn[PEER], *turn[OURS], *turn[PEER], "deploy oceanbase"]
    assert (results.verdict, results.reasons) == (Verdict.PASS, ())
    assert results.figures["ratio_tps"] == 1.0
    assert results.figures["ratio_cpu_ms_per_transaction"] == 0.75
    assert results.figures["mariadb_cpu_ms_per_transaction_databases"] == 0.4
    assert results.figures["claimed_ratio"] == 3.0
    assert list(results.children) == [
        f"{n}-load-{kind}" for n, kind in zip((2, 4, 6, 8), [OURS, PEER] * 2, strict=True)
    ]
    page = render(read(task.folder.path))
    assert "claimed 3 times" in page
    assert "0.75" in page


def test_a_replica_that_was_waited_for_no_more_proves_nothing(site: Site, task: Task) -> None:
    site.unacknowledged = [21, 21, 21, 24]
    results = compare(task, ASKED)
    assert results.verdict is Verdict.INVALID
    assert results.reasons == (
        "8-load-mariadb: 3 commits were answered without the replica's acknowledgement",
    )


def test_a_primary_that_does_not_say_whether_it_waited_proves_nothing(site: Site, task: Task) -> None:
    site.unacknowledged = [None]
    results = compare(task, ASKED)
    assert results.verdict is Verdict.INVALID
    assert results.reasons[0].startswith("4-load-mariadb: an unknown number of commits")


def test_money_that_is_wrong_on_one_side_fails(site: Site, task: Task) -> None:
    def corrupt(part: Task) -> Results:
        part.save_findings([Finding(name="ledger_balances", verdict=Verdict.FAIL, reasons=("1 fen",))])
        return part.end(
            Results(verb="load", environment="lab", verdict=Verdict.FAIL, reasons=("ledger_balances: 1 fen",))
        )

    site.trouble[2] = corrupt
    results = compare(task, ASKED)
    assert (results.verdict, results.reasons) == (Verdict.FAIL, ("4-load-mariadb: ledger_balances: 1 fen",))


def test_a_load_that_could_not_be_driven_is_no_proof_and_the_others_go_on(site: Site, task: Task) -> None:
    def silent(part: Task) -> Results:
        raise CommandError("hosts do not answer: ob-a", code=ExitCode.INVALID)

    site.trouble[1] = silent
    results = compare(task, ASKED)
    assert (results.verdict, site.loads) == (Verdict.INVALID, 4)
    assert results.reasons == ("2-load-oceanbase: hosts do not answer: ob-a",)
    assert results.figures["rounds"] == 1


@pytest.mark.parametrize("wrong", [KeyboardInterrupt(), CommandError("no such scenario")])
def test_oceanbase_is_put_back_however_it_ends(site: Site, task: Task, wrong: BaseException) -> None:
    def ends(part: Task) -> Results:
        raise wrong

    site.trouble[4] = ends
    with pytest.raises((InterruptedWith, CommandError)) as raised:
        compare(task, ASKED)
    assert site.done[-2:] == ["load mariadb", "deploy oceanbase"]
    if isinstance(raised.value, InterruptedWith):
        assert raised.value.results.verdict is Verdict.INVALID
        assert raised.value.results.figures["rounds"] == 1


def test_options_become_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[CompareParameters] = []

    def run_verb(verb: str, env: str, work: Callable[[Task], Results], **others: object) -> ExitCode:
        work(None)  # type: ignore[arg-type]
        return ExitCode.PASS

    def remember(_task: Task, asked: CompareParameters) -> None:
        seen.append(asked)

    monkeypatch.setattr(compare_cli, "run_verb", run_verb)
    monkeypatch.setattr(compare_cli, "run_compare", remember)
    run = CliRunner().invoke
    for arguments in (
        ("--rate", "800", "--duration", "60s", "--rounds", "3"),
        ("--find-capacity", "--from", "600"),
    ):
        assert run(main.cli, ["compare", "lab", *arguments]).exit_code == 0
    load, search = seen
    assert (load.load.rate_per_s, load.load.duration_s, load.rounds, load.capacity) == (800.0, 60.0, 3, None)
    assert search.capacity is not None
    assert search.capacity.search.from_per_s == 600


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rounds", "0"), "rounds"),
        (("--rate", "0"), "rate"),
        (("--scenario", "x"), "journey"),
        (("--from", "600"), "only with --find-capacity"),
        (("--find-capacity", "--rate", "400"), "not with --find-capacity"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(main.cli, ["compare", "lab", *arguments])
    assert done.exit_code == ExitCode.USAGE
    assert words in done.output


@pytest.mark.parametrize(("kind", "options"), [(OURS, []), (PEER, ["--data", "database=mariadb"])])
def test_a_deploy_is_told_which_database_serves(
    monkeypatch: pytest.MonkeyPatch, task: Task, kind: DatabaseKind, options: list[str]
) -> None:
    seen: list[list[str]] = []

    def pyinfra(_task: Task, arguments: list[str], **_: object) -> Completed:
        seen.append(arguments)
        return Completed(returncode=0, seconds=1.0)

    monkeypatch.setattr(deploy_module, "_pyinfra", pyinfra)
    deploy_module.deploy(task, database=kind)
    assert seen == [["-y", *options]]


class Replica:
    """A session that says one thing, or nothing."""

    def __init__(self, name: str, role: str | None, position: int = 0) -> None:
        self.host = environment("lab").host(name)
        self._says = None if role is None else RoleAndPosition(role=role, scn=position)

    def read(self, _within_s: float) -> RoleAndPosition | None:
        return self._says


@pytest.mark.parametrize(
    ("standby", "seen"),
    [
        (Replica("ob-b", "STANDBY", 100), None),
        (Replica("ob-b", "STANDBY", 93), "the replica is 7 transactions behind"),
        (Replica("ob-b", "PRIMARY", 100), "ob-a is PRIMARY, ob-b is PRIMARY"),
        (Replica("ob-b", None), "ob-a is PRIMARY, ob-b is DOWN"),
    ],
)
def test_a_load_begins_once_the_replica_has_everything(standby: Replica, seen: str | None) -> None:
    assert not_level([Replica("ob-a", "PRIMARY", 100), standby]) == seen  # type: ignore[list-item]


def test_a_load_samples_the_pair_that_serves(monkeypatch: pytest.MonkeyPatch, task: Task) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(Processes, "start", lambda self, argv, **_: started.append(argv))
    sampler.start(task, PEER)
    sampler.start(task)
    assert [argv[argv.index("--database") + 1] for argv in started] == ["mariadb", "oceanbase"]
