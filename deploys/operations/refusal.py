"""Stops the deploy of one host without stopping the others."""

from pyinfra.api.command import QuoteString, StringCommand


def refusal(message: str) -> StringCommand:
    """Return a command that fails with `message`.

    An exception from an operation would end the run on every host (pyinfra 3.10); a failed command fails only
    its own host.

    + message: what is wrong, where, and what to do
    """
    return StringCommand("echo", QuoteString(message), ">&2; exit 1")
