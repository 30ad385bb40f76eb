"""A barrier: all hosts reach it before any goes on."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation


@operation()
def barrier() -> Generator[StringCommand, None, None]:
    """Do nothing, on every host at once.

    pyinfra orders the operations of one host. Between hosts, only an operation that they share is a barrier.
    Without it, the deploy would wait for loan services before their schema is applied.
    """
    yield from ()
