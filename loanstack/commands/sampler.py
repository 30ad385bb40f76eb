"""Runs the replication sampler, `chaos.recorders.replication`, as a child during a load or a seeding."""

import sys

from inventory.database_kind import DatabaseKind
from loanstack.runs.task import Task
from processes.child import Child

SAMPLES_FILE = "replication.jsonl"
_INTERVAL_MS = 500
"""One query costs OceanBase 1.7 ms of CPU time (seekdb 1.4), which counts as cost of the measured system."""


def start(task: Task, database: DatabaseKind = DatabaseKind.OCEANBASE) -> Child:
    """Start the child that samples the replication of a pair into the run folder, and return it."""
    options = ["--out", str(task.folder.path / SAMPLES_FILE), "--interval-ms", str(_INTERVAL_MS)]
    options += ["--database", database.value]
    argv = [sys.executable, "-m", "chaos.recorders.replication", task.env.name, *options]
    return task.processes.start(argv, log=task.log("replication"))
