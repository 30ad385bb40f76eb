"""Errors of the lab, as exceptions with an exit code."""


class LabError(RuntimeError):
    """The lab could not do what was asked; the message says what, where, and the remedy."""

    exit_code = 1


class RefusedError(LabError):
    """Nothing was done, because it is not allowed now; the message says why, and what to do instead."""

    exit_code = 2


class ResidueError(LabError):
    """The lab was taken down, but parts of it still exist; the message lists them."""

    exit_code = 4
