"""A part of a run under another durability than the rest, where the inventory can be told so."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from inventory.availability import Durability
from loanstack.runs.task import Task


def to_prove(task: Task) -> tuple[Durability, ...]:
    """Return what is proved: both where the inventory can be told, the bank's setting last; else its own."""
    if task.env.durability_variable is None:
        return (Durability(task.env.failover.durability),)
    return (Durability.LOCAL, Durability.CROSS_CENTRE)


@contextmanager
def under(task: Task, durability: Durability) -> Iterator[Task]:
    """Give `task` with the environment under `durability`; what it starts reads the inventory the same way.

    Hosts have it once they were deployed so.
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
