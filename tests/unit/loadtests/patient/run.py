"""Runs `loadtests.workers` as patient as a starved machine needs it.

`python run.py MODULE ARGUMENT...`; its environment may shorten what it waits for (SILENT_S, START_LEAD_S) and
what it bears (CLOCK_APART_MS_MAX).
"""

import os
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

PATIENCE_S = 200.0
LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def make_patient() -> None:
    """Take the production time-outs out."""
    from loadtests.results import worker_validity
    from loadtests.workers import clock_questions, conductor, monitor, pool

    # What is asked and answered by processes that wait for a processor is answered late.
    worker_validity.CLOCK_APART_MS_MAX = float(os.environ.get("CLOCK_APART_MS_MAX", PATIENCE_S * 1000))
    conductor.END_WITHIN_S = conductor.DONE_WITHIN_S = pool.KILL_AFTER_S = PATIENCE_S
    clock_questions.ANSWER_WITHIN_S = conductor._FINISH_S = PATIENCE_S
    conductor.LOCUSTFILE = str(LOCUSTFILE)
    conductor.START_LEAD_S = float(os.environ.get("START_LEAD_S", 2.0))
    monitor.READY_WITHIN_S = PATIENCE_S
    monitor.SILENT_S = float(os.environ.get("SILENT_S", PATIENCE_S))


def rehearse() -> None:
    """Make the example of real hosts one that may be loaded: what it is sent to stands on this machine."""
    from inventory import purpose, qinghai

    qinghai.ENVIRONMENT = replace(qinghai.ENVIRONMENT, purpose=purpose.Purpose.REHEARSAL)
    os.environ[purpose.CONSENT_VARIABLE] = "qinghai"


if __name__ == "__main__":
    # As `python -m` has it.
    sys.path[0] = str(Path.cwd())
    name = sys.argv.pop(1)
    rehearse()
    make_patient()
    sys.exit(import_module(name).main())
