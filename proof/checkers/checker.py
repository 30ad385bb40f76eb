"""What a checker is, and how several of them are run.

A violation is a FAIL however short the run was; a run without one is a PASS only if enough happened.
"""

from collections.abc import Callable, Iterable, Mapping

from proof.history import History
from proof.verdict import Finding, Verdict

Checker = Callable[[History], Finding]


def finding(
    history: History,
    name: str,
    reasons: Iterable[str],
    *,
    figures: Mapping[str, float],
    listed: Iterable[Mapping[str, object]],
) -> Finding:
    """Return FAIL with its reasons, or else PASS, if enough was acknowledged for it to mean something.

    + listed: the rows that the reasons are about
    """
    why = tuple(reasons)
    verdict = Verdict.FAIL if why else Verdict.PASS
    enough = history.context.acknowledged_min
    if not why and len(history.acknowledged) < enough:
        verdict = Verdict.INVALID
        why = (f"{len(history.acknowledged)} acknowledged writes prove nothing; needed: {enough}",)
    return Finding(name=name, verdict=verdict, reasons=why, figures=figures, listed=tuple(listed))


def run_checkers(history: History, checkers: Iterable[Checker]) -> tuple[Finding, ...]:
    """Return what each checker says about `history`; one that breaks says that it proved nothing."""
    return tuple(_safely(checker, history) for checker in checkers)


def _safely(checker: Checker, history: History) -> Finding:
    try:
        return checker(history)
    except Exception as broken:
        # A checker's own fault must not take the others' findings along.
        reason = f"the checker failed: {type(broken).__name__}: {broken}"
        return Finding(name=checker.__name__, verdict=Verdict.INVALID, reasons=(reason,))
