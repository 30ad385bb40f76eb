"""The loan journey for plain Locust: `locust -f loadtests/locustfile.py --headless` (see `loadtests`)."""

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import NoReturn

import gevent
from gevent.fileobject import FileObjectPosix
from locust import FastHttpUser, events, task
from locust.env import Environment as LocustEnvironment
from locust.exception import LocustError
from locust.runners import WorkerRunner

import inventory
from inventory.model import Environment
from loadtests.engine import progress
from loadtests.engine.generator import Generator
from loadtests.engine.journey_user import JourneyUser
from loadtests.engine.recorder import Recorder
from loadtests.plan import options
from loadtests.plan.schedule import Plan
from loadtests.results import hdr_log, run_info
from loadtests.results.budget import Meter, budgets
from loadtests.transport import preflight, targets
from loadtests.transport.connections import Connections
from loadtests.workers import locust_engine
from loadtests.workers.link import Link, MissedStartError
from proof.record import Outcome, Read, Write

_USAGE = 2
_FLUSH_EVERY_S = 1.0


class LoanUser(FastHttpUser):
    """A user of the gateways. Its requests and their times come from the run's shared schedule."""

    host = "https://gateway"
    generator: Generator
    numbers: Iterator[int] = iter(())

    def on_start(self) -> None:
        """Connect, and stand ready."""
        number = next(self.numbers, None)
        if number is None:
            # Locust's master gives a lost worker's users to the others, but its arrivals are its own.
            gevent.sleep(_FOREVER_S)
            return
        self.journey = JourneyUser(self.generator, number)
        self.journey.prepare()
        self.generator.user_ready()

    @task
    def take_arrivals(self) -> None:
        """Serve planned arrivals until none is left; Locust's own pacing would make a closed loop."""
        self.journey.run()
        self.generator.user_done()
        gevent.sleep(_FOREVER_S)


_FOREVER_S = 10.0 * 365 * 86_400


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _add_options(parser: argparse.ArgumentParser, **_: object) -> None:
    options.add_to(parser)


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _prepare(environment: LocustEnvironment, **_: object) -> None:
    parsed = environment.parsed_options
    if parsed is None:
        raise LocustError(
            "loadtests/locustfile.py needs the command line's options; start it with `locust -f`"
        )
    runner = environment.runner
    tables = _tables_wanted(parsed) or locust_engine.is_worker(runner)
    if not tables:
        logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)
    found = _inventory(parsed.environment)
    if parsed.ca_dir is not None:
        found = replace(found, ca_dir=parsed.ca_dir)
    try:
        asked = locust_engine.placed(options.checked(parsed, found), runner, parsed)
        if locust_engine.is_master(runner):
            parsed.num_users, parsed.spawn_rate = asked.users, float(asked.users)
            locust_engine.quit_when_all_are_done(environment)
            return
        gateways = targets.chosen(asked.host, found)
        deadline_s = found.journey.deadline_ms / 1000.0
        probes = [(target.url, Connections([target], first=0, deadline_s=deadline_s)) for target in gateways]
        population = preflight.population(found, probes, time.time)
        asked.run_folder.mkdir(parents=True, exist_ok=True)
        recorder = Recorder(asked.run_folder)
    except (options.OptionsError, preflight.NotReadyError) as wrong:
        _refuse(*wrong.problems)
    except FileExistsError as exists:
        _refuse(f"{exists.filename} is the record of another run; choose another --run-folder")
    except (ValueError, OSError) as wrong:
        _refuse(str(wrong))
    for _url, connections in probes:
        connections.close()
    plan = options.plan_of(asked, found)
    LoanUser.generator = Generator(
        options=asked,
        plan=plan,
        population=population,
        targets=gateways,
        deadline_s=deadline_s,
        recorder=recorder,
        sent=(lambda record: _tell(environment, record)) if tables else None,
        meter=_meter(plan, found) if asked.abort_on_fail else None,
    )
    LoanUser.numbers = iter(LoanUser.generator.user_numbers)
    parsed.num_users = len(LoanUser.generator.user_numbers)
    parsed.spawn_rate = float(parsed.num_users)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _watch(environment: LocustEnvironment, **_: object) -> None:
    if locust_engine.is_master(environment.runner):
        return
    generator = LoanUser.generator
    if not generator.options.linked:
        gevent.spawn(_quit_when_finished, environment)
        gevent.spawn(generator.watch_cpu)
        gevent.spawn(_report_progress, environment, generator)
        return
    # Without blocking: while this waits for orders, the users work.
    orders = FileObjectPosix(sys.stdin.fileno(), "rb", close=False)
    link = Link(orders.readline, sys.stdout.buffer)
    gevent.spawn(_obey, environment, link)
    gevent.spawn(_report_to, link, generator)


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # Locust's events have no types
def _end(environment: LocustEnvironment, **_: object) -> None:
    if locust_engine.is_master(environment.runner):
        return
    generator = LoanUser.generator
    generator.stop()
    if environment.runner is not None:
        # Ends the users that still wait for an answer: each records that it does not know it.
        environment.runner.quit()
    recorder, folder, found = generator.recorder, generator.options.run_folder, generator.facts()
    recorder.close()
    run_info.write(folder, found)
    if generator.options.linked:
        hdr_log.write_pair(folder, found, *hdr_log.of_ledger(folder, found))
    _say(
        progress.ended(
            acknowledged=recorder.acknowledged,
            planned=len(generator.plan),
            errors=recorder.errors,
            folder=folder,
        )
    )
    # What the system answered is judged from the record; here only counts whether the run was made.
    broken = environment.runner is not None and bool(environment.runner.exceptions)
    environment.process_exit_code = 1 if broken else 0


def _meter(plan: Plan, found: Environment) -> Meter:
    requests = round(len(plan) * (1.0 + plan.reads_per_write))
    return Meter(budgets(found.load_slo, writes=plan.measured, requests=requests))


def _inventory(name: str) -> Environment:
    try:
        return inventory.environment(name)
    except inventory.InventoryError as wrong:
        _refuse(str(wrong))


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


def _quit_when_finished(environment: LocustEnvironment) -> None:
    LoanUser.generator.finished.wait()
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        locust_engine.tell_done(runner)
    elif runner is not None:
        runner.quit()


def _report_progress(environment: LocustEnvironment, generator: Generator) -> None:
    recorder = generator.recorder
    before = 0
    for tick in count(1):
        gevent.sleep(_FLUSH_EVERY_S)
        if generator.finished.is_set() or generator.stopped_s is not None:
            return
        recorder.flush()
        if generator.abort_if_failed():
            _say(f"ended early: {generator.aborted}")
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
        _say(line)


def _obey(environment: LocustEnvironment, link: Link) -> None:
    """Begin when told, and end when the orders end."""
    generator = LoanUser.generator
    try:
        for at_s in link.starts():
            generator.begin(at_s)
    except MissedStartError as missed:
        _say(str(missed))
    generator.stop()
    if environment.runner is not None:
        environment.runner.quit()


def _report_to(link: Link, generator: Generator) -> None:
    """Say that all users stand, how the load goes, and that it is done; it lives until the orders end."""
    generator.ready.wait()
    link.tell("ready")
    recorder = generator.recorder
    while not generator.finished.wait(timeout=_FLUSH_EVERY_S):
        recorder.flush()
        link.tell(
            "status",
            acknowledged=recorder.acknowledged,
            errors=recorder.errors,
            late=generator.waiting(),
            cpu_percent=generator.cpu_percent,
            memory_mib=generator.memory_mib(),
        )
    link.tell("done", acknowledged=recorder.acknowledged, errors=recorder.errors)


def _say(line: str) -> None:
    sys.stderr.write(f"load: {line}\n")
    sys.stderr.flush()


def _refuse(*problems: str) -> NoReturn:
    for problem in problems:
        _say(problem)
    sys.exit(_USAGE)
