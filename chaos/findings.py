"""What a checker says, and how several sayings become one verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What was proved; in the order in which the worse one wins."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    INVALID = "INVALID"
    """Nothing was proved: too few operations, no samples, hypothesis unmet."""
    FAIL = "FAIL"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one checker over one history."""

    name: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Why it is not PASS; empty when it is."""
    figures: Mapping[str, float] = field(default_factory=dict)
    listed: tuple[Mapping[str, object], ...] = ()
    """The rows that the reasons are about, all of them."""

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


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of `verdicts`; of none at all INVALID, because nothing was proved."""
    order = tuple(Verdict)
    return max(verdicts, key=order.index, default=Verdict.INVALID)
