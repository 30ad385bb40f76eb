"""The loan journey for plain Locust: `locust -f loadtests/locustfile.py --headless` (see `loadtests`)."""

import argparse
import logging
import sys
import time
from itertools import count
from typing import NoReturn

import gevent
from locust import events
from locust.env import Environment as LocustEnvironment
from locust.exception import LocustError
from locust.runners import MasterRunner, WorkerRunner

from loadtests.engine import preparation, progress
from loadtests.engine.generator import Generator
from loadtests.engine.loan_user import LoanUser
from loadtests.plan import options
from loadtests.results import hdr_log, run_info
from loadtests.workers.worker import Worker
from proof.exits import ExitCode
from proof.record import Outcome, Read, Write

__all__ = ["LoanUser"]

_FLUSH_EVERY_S = 1.0
_NO_MASTER = (
    "--master and --processes: workers that share a plan and leave one record are started by "
    "python -m loadtests.workers --workers N; Locust's own tables (--csv, --html) are for one process"
)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _add_options(parser: argparse.ArgumentParser, **_: object) -> None:
    options.add_to(parser)
    for action in parser._actions:
        if action.dest == "processes":
            # Refused while options are read: afterwards Locust has forked, and its children would wait.
            action.type = _refuse_processes


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _prepare(environment: LocustEnvironment, **_: object) -> None:
    parsed, runner = environment.parsed_options, environment.runner
    if parsed is None:
        raise LocustError(
            "loadtests/locustfile.py needs the command line's options; start it with `locust -f`"
        )
    if isinstance(runner, MasterRunner):
        _refuse(_NO_MASTER)
    tables = _tables_wanted(parsed)
    if not tables:
        logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)
    if isinstance(runner, WorkerRunner):
        Worker(environment, runner, parsed).report_for_work()
        return
    try:
        generator = preparation.prepare(
            parsed, sent=(lambda record: _tell(environment, record)) if tables else None
        )
    except preparation.RefusedError as refused:
        _refuse(*refused.problems)
    LoanUser.serve(generator)
    parsed.num_users = len(generator.user_numbers)
    parsed.spawn_rate = float(parsed.num_users)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _watch(environment: LocustEnvironment, **_: object) -> None:
    if isinstance(environment.runner, WorkerRunner):
        return
    generator = _generator()
    gevent.spawn(_quit_when_finished, environment, generator)
    gevent.spawn(generator.watch_cpu)
    gevent.spawn(_report_progress, environment, generator)


@events.user_error.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _note_a_broken_user(**_: object) -> None:
    # A worker's runner tells its master of it, and forgets it.
    LoanUser.is_broken = True


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _end(environment: LocustEnvironment, **_: object) -> None:
    generator = LoanUser.generator
    if generator is None:
        # A worker that never had a plan.
        return
    generator.stop()
    if environment.runner is not None:
        # Ends the users that still wait for an answer: each records that it does not know it.
        environment.runner.quit()
    recorder, folder, found = generator.recorder, generator.options.run_folder, generator.run_info()
    recorder.close()
    run_info.write(folder, found)
    if generator.options.is_conducted:
        hdr_log.write_pair(folder, found, *hdr_log.of_ledger(folder, found))
    progress.say(
        progress.ended(
            acknowledged=recorder.acknowledged,
            planned=len(generator.plan),
            errors=recorder.errors,
            folder=folder,
        )
    )
    # What the system answered is judged from the record; here only counts whether the run was made.
    if environment.process_exit_code is None:
        environment.process_exit_code = ExitCode.FAIL if LoanUser.is_broken else ExitCode.PASS


def _generator() -> Generator:
    assert LoanUser.generator is not None
    return LoanUser.generator


def _refuse_processes(_text: str) -> NoReturn:
    raise argparse.ArgumentTypeError(_NO_MASTER)


def _tables_wanted(parsed: argparse.Namespace) -> bool:
    """Say whether somebody asked for Locust's own statistics; keeping them costs a tenth of a request."""
    return bool(
        parsed.print_stats or parsed.csv_prefix or parsed.html_file or parsed.json or parsed.json_file
    )


def _tell(environment: LocustEnvironment, record: Write | Read) -> None:
    """Let Locust count a request too."""
    if record.outcome is Outcome.UNSENT:
        return
    environment.events.request.fire(  # type: ignore[no-untyped-call]
        request_type="POST" if isinstance(record, Write) else "GET",
        name=record.route,
        response_time=(record.ended_s - record.started_s) * 1000.0,
        response_length=0,
        context={},
        exception=LocustError(record.error) if record.is_error else None,
    )


def _quit_when_finished(environment: LocustEnvironment, generator: Generator) -> None:
    generator.finished.wait()
    if environment.runner is not None:
        environment.runner.quit()


def _report_progress(environment: LocustEnvironment, generator: Generator) -> None:
    recorder = generator.recorder
    before = 0
    for tick in count(1):
        gevent.sleep(_FLUSH_EVERY_S)
        if generator.finished.is_set() or generator.stopped_s is not None:
            return
        recorder.flush()
        if generator.abort_if_failed():
            progress.say(f"ended early: {generator.aborted}")
            if environment.runner is not None:
                environment.runner.quit()
            return
        if tick % progress.EVERY_S or generator.schedule is None:
            continue
        line = progress.running(
            elapsed_s=time.time() - generator.schedule.start_s,
            acknowledged_per_s=(recorder.acknowledged - before) / (progress.EVERY_S * _FLUSH_EVERY_S),
            errors=recorder.errors,
            late=generator.waiting(),
        )
        before = recorder.acknowledged
        progress.say(line)


def _refuse(*problems: str) -> NoReturn:
    for problem in problems:
        progress.say(problem)
    sys.exit(ExitCode.USAGE)
