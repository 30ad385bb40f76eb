"""The replication sampler beside a load or a seeding: `chaos.recorders.replication` as a child."""

import sys

from inventory.peer import DatabaseKind
from loanstack.runs.task import Task
from processes.child import Child

SAMPLES_FILE = "replication.jsonl"
_INTERVAL_MS = 500
"""A question costs OceanBase 1.7 ms of processor (seekdb 1.4), which is the system's and not the load's."""


def start(task: Task, database: DatabaseKind = DatabaseKind.OCEANBASE) -> Child:
    """Begin to sample the replication of a pair into the run folder, and return the child that does."""
    options = ["--out", str(task.folder.path / SAMPLES_FILE), "--interval-ms", str(_INTERVAL_MS)]
    options += ["--database", database.value]
    argv = [sys.executable, "-m", "chaos.recorders.replication", task.env.name, *options]
    return task.processes.start(argv, log=task.log("replication"))
