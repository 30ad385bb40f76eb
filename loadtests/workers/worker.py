"""A worker's side of a load of several: it plans, begins and ends when Locust's master says so."""

import argparse
import os
import time
from typing import Any

import gevent
from locust.env import Environment as LocustEnvironment
from locust.runners import WorkerRunner

from inventory.ssh import LOAD_TOKEN_VARIABLE
from loadtests.engine import preparation
from loadtests.engine.generator import Generator
from loadtests.engine.loan_user import LoanUser
from loadtests.engine.progress import say
from loadtests.plan.schedule import Spacing
from loadtests.plan.share import Share
from loadtests.workers import messages
from loadtests.workers.messages import Status
from proof.exits import ExitCode

MASTER_SILENT_S = 5.0
"""Locust's master answers a sign of life each second; without one for this long, it is gone or cut off."""
_REPORT_EVERY_S = 1.0


class Worker:
    """What this process does for its master."""

    def __init__(
        self, environment: LocustEnvironment, runner: WorkerRunner, parsed: argparse.Namespace
    ) -> None:
        """Prepare to hear the master.

        + parsed: our own command line: where we record, and which of the expected workers we are
        """
        self._environment = environment
        self._runner = runner
        self._own = parsed
        self._generator: Generator | None = None
        self._heard_s = time.monotonic()

    def report_for_work(self) -> None:
        """Say that we are there, and do what the master says from now on."""
        # Those that take a while run beside the others, so that signs of life are still heard.
        self._runner.register_message(messages.PLAN, self._plan, concurrent=True)
        self._runner.register_message(messages.CLOCK, self._tell_time)
        self._runner.register_message(messages.BEGIN, self._begin)
        self._runner.register_message(messages.END, self._end, concurrent=True)
        self._environment.events.heartbeat_received.add_listener(  # type: ignore[no-untyped-call]
            self._note_sign_of_life
        )
        token = os.environ.pop(LOAD_TOKEN_VARIABLE, "")
        self._runner.send_message(messages.HELLO, {"place": self._own.place, "token": token})
        gevent.spawn(self._end_without_master)

    def _plan(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message, without types
        parsed = argparse.Namespace(**msg.data["options"])
        parsed.spacing = Spacing(parsed.spacing)
        parsed.run_folder, parsed.ca_dir = self._own.run_folder, self._own.ca_dir
        parsed.host = self._own.host or parsed.host
        share = Share(number=msg.data["number"], of=msg.data["of"])
        try:
            self._generator = preparation.prepare(parsed, share=share, is_conducted=True)
        except preparation.RefusedError as refused:
            self._refuse(*refused.problems)
            return
        LoanUser.serve(self._generator)
        gevent.spawn(self._generator.watch_cpu)
        gevent.spawn(self._report, self._generator)

    def _tell_time(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - as above
        self._runner.send_message(messages.CLOCK, {"question": msg.data["question"], "at_s": now_s()})

    def _begin(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - as above
        late_s = time.time() - msg.data["at_s"]
        if late_s >= 0.0:
            # Begun now, its first arrivals would all be late, and not by the system's fault.
            self._refuse(f"the order to begin came {late_s * 1000:.0f} ms too late")
        elif self._generator is not None:
            self._generator.begin(msg.data["at_s"])

    def _end(self, **_: object) -> None:
        if self._generator is not None:
            self._generator.stop()
        self._runner.quit()

    def _refuse(self, *problems: str) -> None:
        for problem in problems:
            say(problem)
        self._environment.process_exit_code = ExitCode.USAGE
        self._runner.send_message(messages.REFUSED, {"problems": problems})
        gevent.spawn(self._end)

    def _report(self, generator: Generator) -> None:
        """Say that all users stand, how the load goes, and that it is done."""
        generator.ready.wait()
        self._runner.send_message(messages.READY)
        while not generator.finished.wait(timeout=_REPORT_EVERY_S):
            generator.recorder.flush()
            self._runner.send_message(messages.STATUS, {**_status(generator)})
        self._runner.send_message(messages.DONE, {**_status(generator)})

    def _note_sign_of_life(self, **_: object) -> None:
        self._heard_s = time.monotonic()

    def _end_without_master(self) -> None:
        while time.monotonic() - self._heard_s <= MASTER_SILENT_S:
            gevent.sleep(_REPORT_EVERY_S)
        say(f"the master has said nothing for {MASTER_SILENT_S:g} s: this worker ends")
        self._end()


def now_s() -> float:
    """Return the unix time by this machine's clock."""
    return time.time()


def _status(generator: Generator) -> Status:
    recorder = generator.recorder
    return Status(
        acknowledged=recorder.acknowledged,
        errors=recorder.errors,
        late=generator.waiting(),
        cpu_percent=generator.cpu_percent,
        memory_mib=generator.memory_mib(),
    )
