"""What was found, and how several findings become one verdict. The only composition of verdicts there is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What was proved; in the order in which the worse one wins."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    INVALID = "INVALID"
    """Nothing was proved: too few operations, no samples, hypothesis unmet."""
    FAIL = "FAIL"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one look at a run showed: a checker's, an objective's, or whether it was the planned run."""

    name: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Why it is not PASS; empty when it is."""
    figures: Mapping[str, float] = field(default_factory=dict)
    listed: tuple[Mapping[str, object], ...] = ()
    """The rows that the reasons are about, all of them."""
    title: str | None = None
    """What its reasons begin with where they stand among others'; None: its name, empty: nothing."""
    spoils: bool = False
    """The run was not the planned one: nothing that failed in it is the system's fault."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """Its reasons, each with what it is about."""
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
    """Return a FAIL with `reasons`; nothing at all without any, which proves nothing either."""
    why = tuple(reasons)
    return (Finding(name=name, verdict=Verdict.FAIL, reasons=why, title=title),) if why else ()


def unproved(
    name: str, reasons: Iterable[str], *, title: str | None = "", spoils: bool = False
) -> tuple[Finding, ...]:
    """Return an INVALID with `reasons`; nothing at all without any."""
    why = tuple(reasons)
    found = Finding(name=name, verdict=Verdict.INVALID, reasons=why, title=title, spoils=spoils)
    return (found,) if why else ()


def overall(findings: Iterable[Finding]) -> Judgement:
    """Return the verdict over all `findings` and every reason for it.

    The worst wins, except that a spoiled run is INVALID whatever else was found: nobody knows what the
    planned one would have shown. No findings at all are INVALID: nothing was proved.
    """
    found = tuple(findings)
    reasons = tuple(sentence for finding in found for sentence in finding.sentences)
    if any(finding.spoils for finding in found):
        return Judgement(Verdict.INVALID, reasons)
    return Judgement(worst(finding.verdict for finding in found), reasons)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of `verdicts`; of none at all INVALID, because nothing was proved."""
    order = tuple(Verdict)
    return max(verdicts, key=order.index, default=Verdict.INVALID)
