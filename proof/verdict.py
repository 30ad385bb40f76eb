"""Findings, and the verdict over several of them. This module is the only place that combines verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """The verdicts, from the best to the worst."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    INVALID = "INVALID"
    """Nothing was proved: too few operations, no samples, hypothesis unmet."""
    FAIL = "FAIL"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Result of one check of a run: of a checker, of an objective, or whether the run went as planned."""

    name: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Why the verdict is not PASS; empty if it is PASS."""
    figures: Mapping[str, float] = field(default_factory=dict)
    listed: tuple[Mapping[str, object], ...] = ()
    """The rows that the reasons are about, all of them."""
    title: str | None = None
    """Prefix of its reasons in a list with other findings' reasons; None: its name, empty: no prefix."""
    spoils: bool = False
    """The run did not go as planned, so that its failures say nothing about the system."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its reasons, each with its prefix."""
        title = self.name if self.title is None else self.title
        return tuple(f"{title}: {reason}" if title else reason for reason in self.reasons)

    def as_json(self, *, listed_max: int) -> dict[str, object]:
        """Return the JSON object for `findings.json`, with at most `listed_max` rows and their count."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "figures": dict(self.figures),
            "listed_count": len(self.listed),
            "listed": [dict(row) for row in self.listed[:listed_max]],
        }


class Judgement(NamedTuple):
    """A verdict and every reason for it."""

    verdict: Verdict
    reasons: tuple[str, ...]


def failed(name: str, reasons: Iterable[str], *, title: str | None = "") -> tuple[Finding, ...]:
    """Return a FAIL with `reasons`; an empty tuple, and not a PASS, if there are none."""
    why = tuple(reasons)
    return (Finding(name=name, verdict=Verdict.FAIL, reasons=why, title=title),) if why else ()


def unproved(
    name: str, reasons: Iterable[str], *, title: str | None = "", spoils: bool = False
) -> tuple[Finding, ...]:
    """Return an INVALID with `reasons`; an empty tuple if there are none."""
    why = tuple(reasons)
    found = Finding(name=name, verdict=Verdict.INVALID, reasons=why, title=title, spoils=spoils)
    return (found,) if why else ()


def overall(findings: Iterable[Finding]) -> Judgement:
    """Return the verdict over all `findings` and every reason for it.

    The worst verdict wins, except that a spoiled run is INVALID whatever else was found, because the result
    of the planned run is unknown. Without any finding the verdict is INVALID: nothing was proved.
    """
    found = tuple(findings)
    reasons = tuple(sentence for finding in found for sentence in finding.sentences)
    if any(finding.spoils for finding in found):
        return Judgement(Verdict.INVALID, reasons)
    return Judgement(worst(finding.verdict for finding in found), reasons)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of `verdicts`; INVALID if there are none, because nothing was proved."""
    order = tuple(Verdict)
    return max(verdicts, key=order.index, default=Verdict.INVALID)
