"""A recorded load and a recorded drill, and the ways in which tests change one thing in them."""

import gzip
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from loanstack.cli.main import cli
from loanstack.judging.again import judge_again
from loanstack.judging.differences import JudgedAgain
from loanstack.runs.task import CommandError, find_environment
from proof.clocks import CERTAIN_OFFSET
from proof.exits import ExitCode
from proof.objectives import OBJECTIVES_FILE, to_list
from proof.promised import CLOCKS_TOGETHER

RUNS = Path(__file__).with_name("golden_runs")
NAMES = ("load", "drill")


def unpacked(name: str, into: Path) -> Path:
    """Unpack a recorded run; let it hold what runs hold by now: clocks, their objective and their figures."""
    run = into / name
    with tarfile.open(RUNS / f"{name}.tar.xz") as tar:
        tar.extractall(run, filter="data")
    promise(run, *objectives(run), *to_list([CLOCKS_TOGETHER]))
    with_clocks(run)
    figures = {CERTAIN_OFFSET: 0.0, "clock_offset_max_ms": 0.3, "clock_offset_uncertainty_ms": 1.5}
    of_repeats = {f"{CERTAIN_OFFSET}_max": 0.0} if name == "drill" else {}
    recorded = json.loads((run / "results.json").read_text())["figures"]
    record(run, figures={**recorded, **figures, **of_repeats})
    return run


def judged(run: Path) -> JudgedAgain:
    return judge_again(run, find_environment)


def change(path: Path, how: Callable[[list[dict]], list[dict]]) -> None:
    """Rewrite the lines of a JSONL file."""
    packed = path.suffix == ".gz"
    content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    lines = how([json.loads(line) for line in content.splitlines()])
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content) if packed else content)


def objectives(run: Path) -> list[dict]:
    return json.loads((run / OBJECTIVES_FILE).read_text())


def promise(run: Path, *objectives: dict) -> None:
    (run / OBJECTIVES_FILE).write_text(json.dumps(objectives))


def change_json(path: Path, **changes: object) -> None:
    """Change fields of a JSON object, or write one with these fields alone."""
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**found, **changes}))


def record(run: Path, **changes: object) -> None:
    change_json(run / "results.json", **changes)


def refused(run: Path, command: str = "judge") -> str:
    """Return the sentence with which a command refuses a run."""
    done = CliRunner().invoke(cli, [command, str(run)], standalone_mode=False)
    assert isinstance(done.exception, CommandError), (done.output, done.exception)
    assert done.exception.code is ExitCode.USAGE
    return str(done.exception)


def with_clocks(run: Path, *, ob_b_ahead_ms: float | None = 0.3, left_out: str = "") -> None:
    """Let the run have read all clocks at both moments."""
    clocks = [
        {
            "host": host.name,
            "moment": moment,
            "ahead_ms": ob_b_ahead_ms if (host.name, moment) == ("ob-b", "end") else -0.2,
            "give_or_take_ms": 1.5,
        }
        for moment in ("begin", "end")
        for host in find_environment("lab").hosts
        if host.name != left_out
    ]
    (run / "clocks.jsonl").write_text("".join(json.dumps(clock) + "\n" for clock in clocks))
