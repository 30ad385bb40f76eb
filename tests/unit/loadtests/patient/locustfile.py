"""The locustfile, with patient users for a starved machine; the example of real hosts may be rehearsed."""

import os
import time
from dataclasses import replace
from pathlib import Path

from inventory import purpose, qinghai
from loadtests.engine import generator
from loadtests.engine.journey_user import JourneyUser
from loadtests.transport import connections
from loadtests.workers import worker

qinghai.ENVIRONMENT = replace(qinghai.ENVIRONMENT, purpose=purpose.Purpose.REHEARSAL)

PATIENCE_S = 200.0

if "BROKEN_USER" in os.environ:
    _run = JourneyUser.run
    _broken: list[JourneyUser] = []

    def _break_once(self: JourneyUser) -> None:
        if not _broken:
            _broken.append(self)
            raise RuntimeError("broken")
        _run(self)

    JourneyUser.run = _break_once  # type: ignore[method-assign]

# A worker whose master is gone is to end soon, and one whose clock is another says another time.
worker.MASTER_SILENT_S = float(os.environ.get("MASTER_SILENT_S", PATIENCE_S))
_AHEAD_S = float(os.environ.get("FAKE_AHEAD_S", 0.0))
worker.now_s = lambda: time.time() + _AHEAD_S

# A worker that comes after somebody else did.
if "HELLO_AFTER" in os.environ:
    _report_for_work = worker.Worker.report_for_work

    def _report_later(self: worker.Worker) -> None:
        while not Path(os.environ["HELLO_AFTER"]).exists():
            time.sleep(0.02)
        _report_for_work(self)

    worker.Worker.report_for_work = _report_later  # type: ignore[method-assign]

generator.UNSENT_AFTER_S = connections.CONNECT_TIMEOUT_S = PATIENCE_S
_prepare = connections.Connection.__init__


def _patiently(self: connections.Connection, target: connections.Target, *, deadline_s: float) -> None:
    _prepare(self, target, deadline_s=max(deadline_s, PATIENCE_S))


connections.Connection.__init__ = _patiently  # type: ignore[method-assign]

from loadtests.locustfile import *  # noqa: E402, F403 - it takes over what stands above
