"""One load made by several processes: they share its plan, begin together, and leave one record.

    python -m loadtests.workers --workers 4 --environment lab --rate 2000 --duration 2m --run-folder runs/mine

Takes the options of `loadtests/locustfile.py`, starts that many of it where clients stand (here, where
`--host` names the target), and writes what one would have written; what each wrote stays below `workers/`.
With `--workers load-a,load-b` they run on these hosts, which the deploy gave the same code, each linked to
this machine by an SSH session and nothing else; what they recorded is copied here afterwards.
Exit code: 0 it ran, or was ended early; 2 refused, nothing was sent; 3 a worker was lost: the others were
ended at once, the record says so and is judged INVALID; 1 no load came about, as where clocks are apart.

Not Locust's own master and workers: those share out users, not planned arrivals; when a worker is lost, its
users are quietly moved to the others; statistics come back as rounded counts; and no start is agreed on. Here
a worker is a plain load with a share of the plan (`loadtests.plan.share`), an order when to start, and a
folder of its own. Workers never coordinate during the run. A lost worker ends the load and makes
it INVALID.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

import inventory
from inventory.model import Environment
from loadtests.plan import options
from loadtests.plan.options import LoadOptions, OptionsError
from loadtests.plan.share import WHOLE
from loadtests.results.run_info import RunInfoError
from loadtests.workers import fingerprint, remote
from loadtests.workers import placement as places
from loadtests.workers.load import INVALID, NO_LOAD, OK, USAGE, Load, say
from proof.files import LEDGER_FILE, RecordError

__all__ = ["INVALID", "NO_LOAD", "OK", "USAGE", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one load of several workers and return the exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    ours = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    ours.add_argument(
        "--workers",
        required=True,
        metavar="N|HOSTS",
        help="processes on this machine, or hosts of role loadgen with commas between",
    )
    ours.add_argument("--processes-per-host", type=int, metavar="N", help="with hosts; 1")
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.workers", parents=[ours], allow_abbrev=False, description=__doc__
    )
    parser.add_argument("--users", type=int, dest="num_users", metavar="N", help="concurrent clients in all")
    parser.add_argument("--host", metavar="URL", help="one target in place of the environment's gateways")
    options.add_to(parser)
    parsed, _ = parser.parse_known_args(given)
    # Said to each worker anew, or of no concern to it.
    kept = argparse.ArgumentParser(add_help=False, allow_abbrev=False, parents=[ours])
    for option in ("--run-folder", "--start-at"):
        kept.add_argument(option)
    _, passed_on = kept.parse_known_args(given)
    try:
        env = inventory.environment(parsed.environment)
        asked = options.checked(parsed, env)
        where = _checked(asked, env, parsed.workers, parsed.processes_per_host)
    except (OptionsError, inventory.InventoryError) as wrong:
        for problem in wrong.problems if isinstance(wrong, OptionsError) else (str(wrong),):
            say(str(problem))
        return USAGE
    asked = replace(asked, run_folder=asked.run_folder.resolve())
    load = Load(asked, env, [*passed_on, "--run-seed", str(asked.run_seed)], where)

    def stop(_number: int, _frame: FrameType | None) -> None:
        load.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        return load.run()
    except (RecordError, RunInfoError, FileNotFoundError) as damaged:
        say(f"the record of the load is not whole: {damaged}")
        return NO_LOAD


def _checked(
    asked: LoadOptions, env: Environment, workers: str, per_host: int | None
) -> tuple[places.Place, ...]:
    """Return where the workers run; raises OptionsError, naming all that is wrong."""
    problems: list[str] = []
    where: tuple[places.Place, ...] = ()
    try:
        where = places.places(workers, per_host=per_host, env=env, users=asked.users)
    except ValueError as wrong:
        problems.append(str(wrong))
    hosts = places.hosts_of(where)
    if hosts:
        problems += places.not_on_hosts(shape=asked.shape, target=asked.host)
    if asked.abort_on_fail:
        problems.append("--abort-on-fail: each worker sees its own share of the budget only; use one process")
    if asked.share != WHOLE or asked.linked:
        problems.append("--share and --linked are for the workers themselves; leave them out")
    if (asked.run_folder / LEDGER_FILE).exists():
        problems.append(f"{asked.run_folder} is the record of another run; choose another --run-folder")
    # Last, because it takes a moment.
    problems = problems or [*remote.problems(env, hosts, version=fingerprint.of_code())]
    if problems:
        raise OptionsError(tuple(problems))
    return where
