"""Turns: all hosts finish one turn before any begins the next."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation


@operation()
def turn() -> Generator[StringCommand, None, None]:
    """Do nothing, on every host at once.

    pyinfra orders the operations of one host. Between hosts, only an operation that they share is a barrier.
    Without it, the deploy would wait for loan services before their schema is applied.
    """
    yield from ()
