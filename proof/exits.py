"""Exit codes, for shell scripts and pipelines that do not read a command's output."""

from enum import IntEnum

from proof.verdict import Verdict


class ExitCode(IntEnum):
    """The codes every command uses."""

    PASS = 0
    FAIL = 1
    """An SLO or a validation failed, or a host did."""
    USAGE = 2
    """Wrong arguments, a wrong inventory, or an unsuitable machine; nothing was changed."""
    INVALID = 3
    """The run proves nothing."""
    RESIDUE = 4
    """A heal failed or left something behind: inspect the hosts before the next run."""
    PENDING = 5
    """`plan` found changes."""
    INTERRUPTED = 130
    """Ctrl-C or SIGTERM."""


def exit_code(verdict: Verdict, *, residue: float = 0, pending: float = 0) -> ExitCode:
    """Return the code for a finished run.

    + residue: things that heals left behind; they outrank every verdict, because the next run is unsafe
    + pending: changes that a plan found
    """
    if residue:
        return ExitCode.RESIDUE
    if verdict is Verdict.FAIL:
        return ExitCode.FAIL
    if verdict is Verdict.INVALID:
        return ExitCode.INVALID
    return ExitCode.PENDING if pending else ExitCode.PASS


def verdict_of_exit(code: int) -> Verdict:
    """Return the verdict for the exit code of a child command of ours; an unknown code is a FAIL.

    Residue is a FAIL too; the caller tells it apart by the code.
    """
    if code == ExitCode.PASS:
        return Verdict.PASS
    return Verdict.INVALID if code == ExitCode.INVALID else Verdict.FAIL
