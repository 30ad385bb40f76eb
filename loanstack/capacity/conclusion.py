"""The result of a search: figures, verdict and sentences. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loanstack.capacity import confidence
from loanstack.capacity.search import Bracket, Probe, Search, Tally, bracket, next_rate
from proof.titles import number
from proof.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The outcome of a search."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)
    summary: tuple[str, ...] = ()
    """Sentences: the capacity or its bound, and the confidence."""


def conclude(
    search: Search, probes: Sequence[Probe], *, ended: str | None = None, corrupt: str | None = None
) -> Conclusion:
    """Return the conclusion from the probes so far.

    + ended: why the search ended early; its result so far is reported, and the verdict is INVALID
    + corrupt: wrong money that a checker found during a probe; it fails the search at any rate
    """
    found = bracket(probes)
    over = ended is None and corrupt is None and next_rate(search, probes) is None
    verdict, reasons = _verdict(search, found) if over else (Verdict.INVALID, ())
    if corrupt is not None:
        verdict, reasons = Verdict.FAIL, (corrupt,)
    elif ended is not None:
        reasons = (ended,)
    return Conclusion(
        verdict=verdict,
        reasons=reasons,
        figures=_figures(found, probes, over=over),
        summary=(_capacity(search, found, over=over), *_confidence(found)),
    )


def _figures(found: Bracket, probes: Sequence[Probe], *, over: bool) -> dict[str, float]:
    invalid = sum(probe.verdict is Verdict.INVALID for probe in probes)
    figures: dict[str, float] = {"capacity_probes": len(probes), "capacity_probes_invalid": invalid}
    if found.low is not None:
        figures["capacity_tps_low"] = found.low.rate_per_s
        if over and found.is_measured:
            figures["capacity_tps"] = found.low.rate_per_s
    if found.high is not None and found.high.valid:
        figures["capacity_tps_high"] = found.high.rate_per_s
    return figures


def _verdict(search: Search, found: Bracket) -> tuple[Verdict, tuple[str, ...]]:
    promised, low, high = search.promised_per_s, found.low, found.high
    if promised is not None and low is not None and low.rate_per_s >= promised:
        return Verdict.PASS, ()
    if high is not None and not high.valid:
        return Verdict.INVALID, (f"nothing was proved at {_rate(high)} in {high.invalid} tries",)
    if high is None:
        if promised is None:
            return Verdict.PASS, ()
        return Verdict.INVALID, (
            f"nothing above {search.to_per_s:,}/s was probed (--to); promised: at least {promised:,}/s",
        )
    if promised is not None and high.rate_per_s <= promised:
        return Verdict.FAIL, (f"capacity: below {_rate(high)}; promised: at least {promised:,}/s",)
    if low is None:
        words = f"the lowest rate, {_rate(high)} (--from), is not kept already"
        return (Verdict.FAIL if promised is None else Verdict.INVALID), (words,)
    return Verdict.PASS, ()


def _capacity(search: Search, found: Bracket, *, over: bool) -> str:
    low, high = found.low, found.high
    if low is None and high is None:
        return "capacity: nothing was measured"
    if low is None:
        assert high is not None
        what = f"below {_rate(high)}" if high.valid else f"not known, nothing was proved at {_rate(high)}"
        return f"capacity: {what}, the lowest rate that was probed"
    if not over:
        above = f", below {_rate(high)}" if high is not None and high.valid else ""
        return f"capacity, as far as it was searched: at least {_rate(low)}{above}"
    if high is None:
        return f"capacity: at least {_rate(low)}; nothing above {search.to_per_s:,}/s was probed"
    if not high.valid:
        return f"capacity: at least {_rate(low)}; nothing could be proved at {_rate(high)} and above"
    return f"capacity: {_rate(low)} keep every promise, {_rate(high)} do not"


def _confidence(found: Bracket) -> tuple[str, ...]:
    return tuple(
        f"at {_rate(end)} {confidence.statement(end.kept, end.valid)}"
        for end in (found.low, found.high)
        if end is not None and end.valid
    )


def _rate(tally: Tally) -> str:
    return f"{number(tally.rate_per_s)}/s"
