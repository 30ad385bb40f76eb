"""The type of a checker, and how several checkers are run.

A violation is a FAIL, however short the run was. A run without a violation is a PASS only if enough writes
were acknowledged.
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
    """Return FAIL if there are reasons; else PASS, or INVALID if too few writes were acknowledged.

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
    """Return each checker's finding about `history`; a checker that raises gets an INVALID finding."""
    return tuple(_safely(checker, history) for checker in checkers)


def _safely(checker: Checker, history: History) -> Finding:
    try:
        return checker(history)
    except Exception as broken:
        # An error in one checker must not lose the findings of the others.
        reason = f"the checker failed: {type(broken).__name__}: {broken}"
        return Finding(name=checker.__name__, verdict=Verdict.INVALID, reasons=(reason,))
