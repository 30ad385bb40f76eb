"""Runs `loadtests.workers`, or a worker's keeper on a host, as patient as a starved machine needs it.

`python run.py MODULE ARGUMENT...`; with SILENT_S in its environment it gives up on who is silent for so long,
and with CLOCK_APART_MS_MAX on clocks that are so far apart.
"""

import os
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

PATIENCE_S = 200.0
LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def make_patient(keeper: bool) -> None:
    """Take the production time-outs out of one of the two."""
    if keeper:
        from loadtests.workers import supervisor

        supervisor.SILENT_S = supervisor._RECORD_WITHIN_S = PATIENCE_S
        supervisor.LOCUSTFILE = LOCUSTFILE
        return
    from loadtests.results import worker_validity
    from loadtests.workers import load, monitor, pool

    # What is asked and answered by processes that wait for a processor is answered late.
    worker_validity.CLOCK_APART_MS_MAX = float(os.environ.get("CLOCK_APART_MS_MAX", PATIENCE_S * 1000))
    pool.TERMINATE_AFTER_S = load.TERMINATE_AFTER_S = PATIENCE_S
    pool._KILL_AFTER_S = PATIENCE_S
    load._CLOCK_ANSWER_WITHIN_S = load._FINISH_S = PATIENCE_S
    load._GENERATOR = tuple(
        str(LOCUSTFILE) if word == "loadtests/locustfile.py" else word for word in load._GENERATOR
    )
    load.START_LEAD_S = 2.0
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
    make_patient(keeper=name == "loadtests.workers.supervisor")
    sys.exit(import_module(name).main())
