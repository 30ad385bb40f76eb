"""What can go wrong in the lab, as one exception that knows its exit code."""


class LabError(RuntimeError):
    """The lab could not do what was asked; the message says what, where and the remedy."""

    exit_code = 1


class RefusedError(LabError):
    """Nothing was done, because it must not be done now; the message says why and what to do instead."""

    exit_code = 2


class ResidueError(LabError):
    """The lab was taken down, but something of it is still there; the message lists what."""

    exit_code = 4
