"""The outage as clients saw it: its length, its parts and its errors. Pure."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from proof.record import Event, Outcome, Write

PARTS = ("detect", "decide", "fence", "promote", "reroute", "recover")
"""Parts of the RTO, in their order in time; together they are the RTO."""

SERVED_WITHIN_S = 5.0
"""A write is served if it is acknowledged within this time after its planned start: half of the client's
time-out. After twelve seconds without a primary, writes are served 2 to 5 s late for some time, because
delayed writes are sent together with those that are due (measured at 500/s). That is slow, but no outage."""
SERVED_SHARE = 0.85
"""Service has recovered for good if at least this share of the writes planned in every later
`SERVED_WINDOW_S` is served. This detects an outage of half of the clients. The RTO, the longest pause of all
clients together, does not."""
SERVED_WINDOW_S = 3.0
_STEP_S = 0.1

RARE_BELOW_SHARE = 0.1
"""A route or legal entity with a smaller share of the acknowledgements may be silent for long by chance."""


@dataclass(frozen=True, kw_only=True)
class Outage:
    """The longest time without an acknowledgement around a fault. Times are unix seconds."""

    last_before_s: float
    """Time of the last acknowledged write before the outage."""
    first_after_s: float
    """Time of the first acknowledged write after the outage."""
    rate_before: float
    """Acknowledged writes per second before the fault."""
    since_s: float
    """Start of the sustained RTO: the fault, or the end of the fault if only that restores service."""
    sustained_s: float | None
    """When service had recovered for good; `since_s` if it was never lost, None if it did not recover."""

    @property
    def rto_ms(self) -> float:
        """Return the recovery time as the client saw it."""
        return (self.first_after_s - self.last_before_s) * 1000

    @property
    def rto_sustained_ms(self) -> float | None:
        """Return the time from `since_s` until service had recovered for good; None if it did not.

        Unlike the RTO, this detects an outage of only some clients. Never less than the RTO.
        """
        if self.sustained_s is None:
            return None
        return max((self.sustained_s - self.since_s) * 1000, self.rto_ms)


def find_outage(
    writes: Iterable[Write],
    *,
    fault_s: float,
    until_s: float,
    since_s: float | None = None,
    base_s: float = 5.0,
) -> Outage | None:
    """Return the longest gap between consecutive acknowledgements that overlaps [fault_s, until_s].

    + fault_s: when the fault was sent
    + until_s: when the observation ended, with clients still writing
    + since_s: start of the sustained RTO; None: the fault
    + base_s: period before the fault in which the rate is measured

    Returns None if nothing was acknowledged before the fault, or if the longest silence lasts until the end,
    so that there is no recovery to measure.
    """
    writes = tuple(writes)
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
        since_s=since_s or fault_s,
        sustained_s=_sustained_from(writes, since_s or fault_s, until_s),
    )


def longest_silence_ms(
    writes: Iterable[Write], *, fault_s: float, since_s: float, until_s: float, base_s: float = 5.0
) -> float | None:
    """Return the longest silence in [since_s, until_s] of any single route or legal entity.

    + fault_s: only a route or entity that was frequent (`RARE_BELOW_SHARE`) in the `base_s` before it counts

    Returns None if no route or entity was frequent enough.
    """
    ends: defaultdict[str, list[float]] = defaultdict(list)
    before: Counter[str] = Counter()
    for write in writes:
        if write.outcome == Outcome.ACKNOWLEDGED:
            for kind in (write.route, write.entity):
                ends[kind].append(write.ended_s)
                before[kind] += fault_s - base_s <= write.ended_s < fault_s
    # Each write is counted twice: by its route, and by its entity.
    least = RARE_BELOW_SHARE * before.total() / 2
    found = []
    for kind, moments in ends.items():
        if before[kind] < max(least, 1):
            continue
        moments.sort()
        begun = max(bisect_left(moments, since_s) - 1, 0)
        inside = [at_s for at_s in moments[begun:] if at_s < until_s]
        gaps_s = (later - max(earlier, since_s) for earlier, later in pairwise([*inside, until_s]))
        found.append(1000.0 * max(gaps_s, default=0.0))
    return max(found, default=None)


def parts_ms(outage: Outage, timeline: Sequence[Event], *, commits_s: Iterable[float]) -> dict[str, float]:
    """Split an outage into `PARTS`; they add up to its RTO.

    + timeline: holds the events `detected`, `decided`, `fenced` and `promoted` (first of each after the
      fault); a missing one gives its part no time
    + commits_s: when the rows of the journal were written (unix seconds, clock of the database host)

    `detect` starts with the last acknowledged write, `reroute` ends when the services wrote the first row
    into the new primary, and `recover` lasts until a client got the first acknowledgement. The services may
    write to the new primary before the operator's command returns: then the promotion ended with their
    first row.
    """
    seen: dict[str, float] = {}
    for event in sorted(timeline, key=lambda event: event.at_s):
        if event.at_s >= outage.last_before_s:
            seen.setdefault(event.event, event.at_s)
    # After the old primary was fenced, every row was written by the new primary.
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
    """Return the kind of an unsuccessful write: its outcome, with the HTTP status or the error."""
    return f"{write.outcome} {write.status or write.error or 'unknown'}"


def errors_by_kind(writes: Iterable[Write]) -> dict[str, int]:
    """Return the number of failed writes of each kind."""
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


def _sustained_from(writes: Sequence[Write], since_s: float, until_s: float) -> float | None:
    """Return the time from which on service had recovered for good.

    Windows start every 100 ms. The time lies in the last bad window, and every second after it is good. It is
    `since_s` if no window was bad, and None if the last window of the observation was bad.
    """
    planned = sorted((write.planned_s, _is_served(write)) for write in writes)
    starts = [at_s for at_s, _ in planned]
    served = [0, *accumulate(is_served for _, is_served in planned)]

    def is_good(at_s: float, for_s: float) -> bool:
        first, end = bisect_left(starts, at_s), bisect_left(starts, at_s + for_s)
        return served[end] - served[first] >= SERVED_SHARE * (end - first)

    length_s = min(SERVED_WINDOW_S, until_s - since_s)
    steps = int((until_s - since_s - length_s) / _STEP_S)
    begun = [since_s + number * _STEP_S for number in range(steps + 1)]
    bad = [at_s for at_s in begun if not is_good(at_s, length_s)]
    if not bad:
        return since_s
    seconds = range(int(length_s))
    back = (at_s for at_s in begun if at_s > bad[-1] and all(is_good(at_s + n, 1.0) for n in seconds))
    return next(back, None)


def _is_served(write: Write) -> bool:
    return write.outcome == Outcome.ACKNOWLEDGED and write.ended_s - write.planned_s <= SERVED_WITHIN_S
