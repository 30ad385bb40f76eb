"""Runs a part of a run under another durability than the rest, if the inventory allows choosing it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from inventory.availability import Durability
from loanstack.runs.task import Task


def to_prove(task: Task) -> tuple[Durability, ...]:
    """Return the durabilities to prove: both if the inventory allows a choice, else its own."""
    if task.env.durability_variable is None:
        return (Durability(task.env.failover.durability),)
    return (Durability.LOCAL, Durability.CROSS_CENTRE)


@contextmanager
def under(task: Task, durability: Durability) -> Iterator[Task]:
    """Yield `task` with the environment under `durability`; programs that it starts get the same durability.

    The hosts change to that durability only when they are deployed.
    """
    name = task.env.durability_variable
    if name is None:
        yield task
        return
    before = os.environ.get(name)
    os.environ[name] = durability
    try:
        yield replace(task, env=task.env.under(durability))
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
