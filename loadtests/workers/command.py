"""One load made by several processes: they share its plan, begin together, and leave one record.

    ip netns exec ls-client .venv/bin/python -m loadtests.workers --workers 4 --rate 2000 --duration 2m

Takes the options of `loadtests/locustfile.py`, is Locust's master, starts that many of its workers beside
itself (so in front stands the environment's `client_command`, as with plain Locust), and writes what one
process would have written; what each worker wrote stays below `workers/`. With `--workers load-a,load-b` they
run on these hosts, which the deploy gave the same code, each reaching this master through an SSH session and
nothing else; what they recorded is copied here afterwards.
Exit code: 0 it ran, or was ended early; 2 refused, nothing was sent; 3 a worker was lost: the others were
ended at once, the record says so and is judged INVALID; 1 no load came about, as where clocks are apart.

Locust's master knows its workers, gives them their users and hears their signs of life. The rest is ours. It
shares out users and not planned arrivals: each worker gets a share of the plan (`loadtests.plan.share`) and
an order when to begin. It moves a lost worker's users to the others: here a lost worker ends the load and
makes it INVALID. Its statistics are rounded counts: here the records are merged.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

import inventory
from inventory.model import Environment
from loadtests.engine.progress import say
from loadtests.plan import options
from loadtests.plan.options import LoadOptions, OptionsError
from loadtests.workers import fingerprint, remote
from loadtests.workers import placement as places
from proof.exits import ExitCode
from proof.files import LEDGER_FILE, FileError

_NOT_SENT = ("workers", "processes_per_host", "run_folder", "ca_dir", "place")
"""Options that are the master's alone, or that each worker has of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one load of several workers and return the exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    parsed = _parser().parse_args(given)
    try:
        env = inventory.environment(parsed.environment)
        asked, where = _checked(parsed, env)
        asked.run_folder.mkdir(parents=True, exist_ok=True)
    except OptionsError as wrong:
        for problem in wrong.problems:
            say(problem)
        return ExitCode.USAGE
    except (inventory.InventoryError, OSError) as wrong:
        say(str(wrong))
        return ExitCode.USAGE
    sent = {name: value for name, value in vars(parsed).items() if name not in _NOT_SENT}
    sent |= {"num_users": asked.users, "run_seed": asked.run_seed, "start_at": None}
    # Not before: Locust patches the process that imports it.
    from loadtests.workers.conductor import Conductor

    conductor = Conductor(asked, env, sent, where)

    def stop(_number: int, _frame: FrameType | None) -> None:
        conductor.stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        return conductor.run()
    except (FileError, OSError) as damaged:
        say(f"the record of the load is not whole: {damaged}")
        return ExitCode.FAIL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.workers",
        allow_abbrev=False,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--workers",
        required=True,
        metavar="N|HOSTS",
        help="processes on this machine, or hosts of role loadgen with commas between",
    )
    parser.add_argument("--processes-per-host", type=int, metavar="N", help="with hosts; 1")
    parser.add_argument("--users", type=int, dest="num_users", metavar="N", help="concurrent clients in all")
    parser.add_argument("--host", metavar="URL", help="one target in place of the environment's gateways")
    options.add_to(parser)
    return parser


def _checked(parsed: argparse.Namespace, env: Environment) -> tuple[LoadOptions, tuple[places.Place, ...]]:
    """Return the options, and where the workers run; raises OptionsError, naming all that is wrong."""
    problems: list[str] = []
    asked: LoadOptions | None = None
    where: tuple[places.Place, ...] = ()
    try:
        asked = options.checked(parsed, env)
    except OptionsError as wrong:
        problems += wrong.problems
    users = env.journey.users if asked is None else asked.users
    try:
        where = places.places(parsed.workers, per_host=parsed.processes_per_host, env=env, users=users)
    except ValueError as wrong:
        problems.append(str(wrong))
    hosts = places.hosts_of(where)
    if hosts:
        problems += places.not_on_hosts(shape=parsed.shape, target=parsed.host)
    if parsed.abort_on_fail:
        problems.append(places.NO_ABORT)
    if asked is not None and (asked.run_folder / LEDGER_FILE).exists():
        problems.append(f"{asked.run_folder} is the record of another run; choose another --run-folder")
    # Last, because it takes a moment.
    problems = problems or [*remote.problems(env, hosts, version=fingerprint.of_code())]
    if problems or asked is None:
        raise OptionsError(tuple(problems))
    return replace(asked, run_folder=asked.run_folder.resolve()), where
