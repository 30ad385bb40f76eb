"""Runs `loadtests.workers`, or a worker's keeper on a host, as patient as a starved machine needs it.

`python run.py MODULE ARGUMENT...`; with SILENT_S in its environment it gives up on who is silent for so long.
"""

import importlib
import os
import sys
from pathlib import Path

# As `python -m` has it.
sys.path[0] = str(Path.cwd())

from loadtests import host_worker, judge_workers, workers_crew, workers_load, workers_watch  # noqa: E402

PATIENCE_S = 200.0
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")

host_worker.SILENT_S = host_worker._RECORD_WITHIN_S = PATIENCE_S
# The keeper looks for the locustfile beside itself.
host_worker.__file__ = str(_LOCUSTFILE)
# What is asked and answered by processes that wait for a processor is answered late.
judge_workers.CLOCK_APART_MS_MAX = float(os.environ.get("CLOCK_APART_MS_MAX", PATIENCE_S * 1000))
workers_crew.TERMINATE_AFTER_S = workers_load.TERMINATE_AFTER_S = PATIENCE_S
workers_crew._KILL_AFTER_S = PATIENCE_S
workers_load._CLOCK_ANSWER_WITHIN_S = workers_load._FINISH_S = PATIENCE_S
workers_load._GENERATOR = tuple(
    str(_LOCUSTFILE) if word == "loadtests/locustfile.py" else word for word in workers_load._GENERATOR
)
workers_watch.READY_WITHIN_S = PATIENCE_S
workers_watch.SILENT_S = float(os.environ.get("SILENT_S", PATIENCE_S))

if __name__ == "__main__":
    module = importlib.import_module(sys.argv.pop(1))
    sys.exit(module.main())
