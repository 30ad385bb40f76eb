"""What was found in a run folder, next to what was recorded there. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isclose

from loanstack.judging import slowness
from loanstack.runs.folder import Results
from proof.objectives import Objective
from proof.verdict import Judgement

_SAME = 1e-9
"""Figures that differ by less are the same sum in another order."""
_NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that the files of a run do not bear out."""

    folder: str
    what: str
    """`verdict`, `reason`, the name of a figure, or `objective` and the name of its figure."""
    recorded: str | float
    found: str | float


@dataclass(frozen=True, kw_only=True)
class JudgedAgain:
    """One run folder and its parts, judged again."""

    name: str
    """`.`, or the part's path below it."""
    recorded: Results
    found: Judgement
    figures: Mapping[str, float]
    """Those that were recomputed."""
    promised: frozenset[str] = frozenset()
    """Figures that an objective of the run is about."""
    left_out: tuple[Objective, ...] = ()
    """Objectives of such a run, by the code and the inventory of today, that are not among its own."""
    parts: tuple["JudgedAgain", ...] = ()
    as_recorded: tuple[str, ...] = ()
    """Figures and findings whose origin no file of the run holds, so that they are taken as they are."""

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What is found otherwise than it was recorded, here and in all parts."""
        return (*_differences(self), *(each for part in self.parts for each in part.differences))

    def all(self) -> Iterator["JudgedAgain"]:
        """Yield this one and all of its parts."""
        yield self
        for part in self.parts:
            yield from part.all()


def _differences(judged: JudgedAgain) -> Iterator[Difference]:
    recorded, found = judged.recorded, judged.found
    if recorded.verdict is not found.verdict:
        yield Difference(
            folder=judged.name, what="verdict", recorded=recorded.verdict.value, found=found.verdict.value
        )
    for objective in judged.left_out:
        what = f"objective {objective.figure}"
        yield Difference(folder=judged.name, what=what, recorded=_NOTHING, found=str(objective))
    told, now_told = _comparable(recorded.reasons), _comparable(found.reasons)
    for reason in sorted(told - now_told):
        yield Difference(folder=judged.name, what="reason", recorded=reason, found=_NOTHING)
    for reason in sorted(now_told - told):
        yield Difference(folder=judged.name, what="reason", recorded=_NOTHING, found=reason)
    for figure in sorted(judged.promised - recorded.figures.keys()):
        if figure in judged.figures:
            now = judged.figures[figure]
            yield Difference(folder=judged.name, what=figure, recorded=_NOTHING, found=now)
    for figure, now in sorted(judged.figures.items()):
        # What nobody recorded, because a later version computes more, differs from nothing.
        before = recorded.figures.get(figure, now)
        if not isclose(before, now, rel_tol=_SAME, abs_tol=_SAME):
            yield Difference(folder=judged.name, what=figure, recorded=before, found=now)


def _comparable(reasons: Iterable[str]) -> set[str]:
    # What explains that a load was slow is also drawn from what was saved after it had been judged.
    return {reason for reason in reasons if not reason.startswith(f"{slowness.TITLE}: ")}
