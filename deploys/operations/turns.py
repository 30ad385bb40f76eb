"""Turns: all hosts finish one before any begins the next."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation


@operation()
def turn() -> Generator[StringCommand, None, None]:
    """Do nothing, on every host at once.

    pyinfra orders the operations of one host; between hosts only an operation that they share is a fixed
    point. Without one, loan services would be waited for before the schema they need is applied.
    """
    yield from ()
