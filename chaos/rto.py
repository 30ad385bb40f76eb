"""The outage as clients saw it: how long, in which parts, with which errors. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chaos.history import Event, Outcome, Write

PARTS = ("detect", "decide", "fence", "promote", "reroute", "recover")
"""In the order in which they follow each other; together they are the RTO."""

SUSTAINED_SHARE = 0.9
"""Recovered for good: each of the following seconds acknowledges this share of the rate before."""

SUSTAINED_SECONDS = 3
"""Or as many as were left of the observation: a moment's pause may be the longest one, and lie at its end.
But never for less time than the outage itself took."""


@dataclass(frozen=True, kw_only=True)
class Outage:
    """The longest time without an acknowledgement around a fault. Times are unix seconds."""

    last_before_s: float
    """The last acknowledged write before it."""
    first_after_s: float
    """The first acknowledged write after it."""
    rate_before: float
    """Acknowledged writes per second before the fault."""
    sustained_s: float | None
    """From when on the rate was back for good; None if it never was."""

    @property
    def rto_ms(self) -> float:
        """Return the recovery time as the client saw it."""
        return (self.first_after_s - self.last_before_s) * 1000

    @property
    def rto_sustained_ms(self) -> float | None:
        """Return the time until the rate was back for good; None if it never was."""
        return None if self.sustained_s is None else (self.sustained_s - self.last_before_s) * 1000


def find_outage(
    writes: Iterable[Write], *, fault_s: float, until_s: float, base_s: float = 5.0
) -> Outage | None:
    """Return the longest gap between consecutive acknowledgements that overlaps [fault_s, until_s].

    + fault_s: when the fault was sent
    + until_s: when the observation ended, with clients still writing
    + base_s: how long before the fault the rate is measured

    Returns None if nothing was acknowledged before the fault, or if the longest silence lasts until the
    end: then there is no recovery that could be measured.
    """
    ends = sorted(write.ended_s for write in writes if write.outcome == Outcome.ACKNOWLEDGED)
    if not ends or ends[0] > fault_s:
        return None
    longest: tuple[float, int] | None = None
    for index in range(max(1, bisect_left(ends, fault_s)), len(ends)):
        if ends[index - 1] > until_s:
            break
        gap = ends[index] - ends[index - 1]
        if longest is None or gap > longest[0]:
            longest = (gap, index)
    if longest is None or until_s - ends[-1] > longest[0]:
        return None
    index = longest[1]
    rate_before = (bisect_left(ends, fault_s) - bisect_left(ends, fault_s - base_s)) / base_s
    return Outage(
        last_before_s=ends[index - 1],
        first_after_s=ends[index],
        rate_before=rate_before,
        sustained_s=_sustained_from(ends, index, rate_before, until_s),
    )


def parts_ms(outage: Outage, timeline: Sequence[Event], *, commits_s: Iterable[float]) -> dict[str, float]:
    """Split an outage into `PARTS`; they add up to its RTO.

    + timeline: holds the events `detected`, `decided`, `fenced` and `promoted` (first of each after the
      fault); a missing one gives its part no time
    + commits_s: when the rows of the journal were written (unix seconds, clock of the database host)

    `detect` starts with the last acknowledged write, `reroute` ends when the services wrote the first row
    into the new primary, and `recover` lasts until a client was told of one. The services may be there
    before the operator's command has returned: the promotion then ended with their first row.
    """
    seen: dict[str, float] = {}
    for event in sorted(timeline, key=lambda event: event.at_s):
        if event.at_s >= outage.last_before_s:
            seen.setdefault(event.event, event.at_s)
    # Once the old primary is fenced, every row is one of the new primary.
    alone_s = seen.get("fenced", seen.get("promoted", outage.last_before_s))
    first_row_s = min((at_s for at_s in commits_s if at_s >= alone_s), default=None)
    ends = [seen.get(name) for name in ("detected", "decided", "fenced", "promoted")]
    if first_row_s is not None and ends[-1] is not None:
        ends[-1] = min(ends[-1], first_row_s)
    ends.append(first_row_s)
    parts: dict[str, float] = {}
    begun = outage.last_before_s
    for name, end in zip(PARTS[:-1], ends, strict=True):
        until = begun if end is None else min(max(end, begun), outage.first_after_s)
        parts[name] = (until - begun) * 1000
        begun = until
    parts[PARTS[-1]] = (outage.first_after_s - begun) * 1000
    return parts


def kind_of_error(write: Write) -> str:
    """Return the kind of an unsuccessful write: its outcome, with the status or what broke."""
    return f"{write.outcome} {write.status or write.error or 'unknown'}"


def errors_by_kind(writes: Iterable[Write]) -> dict[str, int]:
    """Return how many writes failed in which way."""
    counted = Counter(kind_of_error(w) for w in writes if w.outcome != Outcome.ACKNOWLEDGED)
    return dict(sorted(counted.items()))


def errors_by_second(writes: Iterable[Write], *, fault_s: float) -> Mapping[int, Mapping[str, int]]:
    """Return the failed writes by the second in which they ended, counted from the fault, and by kind."""
    found: dict[int, Counter[str]] = {}
    for write in writes:
        if write.outcome != Outcome.ACKNOWLEDGED:
            found.setdefault(int((write.ended_s - fault_s) // 1), Counter())[kind_of_error(write)] += 1
    return {second: dict(sorted(found[second].items())) for second in sorted(found)}


def first_error_s(writes: Iterable[Write], *, fault_s: float) -> float | None:
    """Return when the first write failed after the fault (unix seconds); None if none did."""
    failed = (w.ended_s for w in writes if w.outcome != Outcome.ACKNOWLEDGED and w.ended_s >= fault_s)
    return min(failed, default=None)


def _sustained_from(ends: list[float], index: int, rate: float, until_s: float) -> float | None:
    """Return the first moment from acknowledgement `index` on that is followed by enough of them.

    Tried every 100 ms; each of the following seconds must keep to the rate, and what is left of one with the
    last of them.
    """
    step_s, first_s = 0.1, ends[index]
    left_s = until_s - first_s
    if left_s < first_s - ends[index - 1]:
        return None
    length_s = min(float(SUSTAINED_SECONDS), left_s)
    offsets_s = [*range(max(int(length_s), 1)), length_s]
    for number in range(int((left_s - length_s) / step_s) + 1):
        from_s = first_s + number * step_s
        marks = [(offset_s, bisect_left(ends, from_s + offset_s)) for offset_s in offsets_s]
        if all(
            after - before >= SUSTAINED_SHARE * rate * (end_s - begun_s)
            for (begun_s, before), (end_s, after) in pairwise(marks)
        ):
            return from_s
    return None
