"""Objectives: each limits one figure. This module is the only place that evaluates them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import msgspec

from proof.titles import shown, title, unit
from proof.verdict import Finding, Verdict

OBJECTIVES_FILE = "objectives.json"

_ROUNDING = 1e-9
"""Relative tolerance: equal quotients may differ in the last bit."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A limit for one figure: at least or at most."""

    figure: str
    limit: float
    at_least: bool = False
    of_evidence: bool = False
    """What it limits is how good the evidence is, and not the system: a run that breaks it proves nothing."""

    def met_by(self, figures: Mapping[str, float]) -> bool | None:
        """Say whether `figures` meet the objective; None if its figure was not measured."""
        value = figures.get(self.figure)
        if value is None:
            return None
        slack = _ROUNDING * abs(self.limit)
        return value >= self.limit - slack if self.at_least else value <= self.limit + slack

    def __str__(self) -> str:
        word = "at least" if self.at_least else "at most"
        return f"{word} {shown(self.figure, self.limit)}"


def evaluate(
    objectives: Iterable[Objective], figures: Mapping[str, float], *, details: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Return one finding for each objective: FAIL if it is not met, INVALID if its figure was not measured.

    An objective on the evidence (`of_evidence`) that is not met is INVALID.

    + details: figure -> explanation, which is added to the reason
    """
    return tuple(
        _finding(objective, figures, (details or {}).get(objective.figure)) for objective in objectives
    )


def to_list(objectives: Iterable[Objective]) -> list[dict[str, Any]]:
    """Return `objectives` as JSON."""
    return [asdict(objective) for objective in objectives]


def from_list(found: Iterable[Mapping[str, Any]]) -> tuple[Objective, ...]:
    """Return the objectives in JSON written by `to_list`.

    Raises:
        ValueError: the JSON is not a list of objectives.
    """
    try:
        objectives = msgspec.convert(found, tuple[Objective, ...])
    except msgspec.ValidationError as wrong:
        raise ValueError(f"{OBJECTIVES_FILE}: {wrong}") from None
    for each in objectives:
        if not isfinite(each.limit):
            problem = f"limit of {each.figure} = {each.limit}; allowed: a finite number"
            raise ValueError(f"{OBJECTIVES_FILE}: {problem}")
    return objectives


def _finding(objective: Objective, figures: Mapping[str, float], detail: str | None) -> Finding:
    name = objective.figure
    met = objective.met_by(figures)
    if met:
        return Finding(name=name, verdict=Verdict.PASS, title=title(name))
    measured = "not measured" if met is None else _shown_apart(objective, figures[name])
    told = f" ({detail})" if detail else ""
    word = "allowed" if objective.of_evidence else "promised"
    return Finding(
        name=name,
        verdict=Verdict.INVALID if met is None or objective.of_evidence else Verdict.FAIL,
        reasons=(f"{measured}{told}; {word}: {objective}",),
        title=title(name),
    )


def _shown_apart(objective: Objective, value: float) -> str:
    """Return the text of a value that breaks `objective`, with enough digits to differ from the limit."""
    told = shown(objective.figure, value)
    if told != shown(objective.figure, objective.limit):
        return told
    return f"{value:.9g} {unit(objective.figure)}".rstrip()
