"""Checks that there were never two primaries, by direct writes into both databases and not by reported roles.

An accepted write proves that its database was writable at some moment between its sending and its answer.
If a database accepted two writes and refused none between them, it was writable all the time in between: this
is an episode. A write that another database accepted entirely within an episode went to a second primary.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import inf

from proof.history import FaultWindow, History
from proof.record import WriteAttempt
from proof.verdict import Finding, Verdict

PROBES_MIN = 20
"""Fewer answered attempts on a database prove nothing; this is two seconds of a drill."""
BLIND_MS_MAX = 2000.0
"""A database that did not answer for longer, without the fault as the reason, may have been a primary in that
time. Measured: at most 1.2 s over 54 drills, on two busy cores."""
_RECONNECTS_WITHIN_S = 2.0
"""Time to open a new session to a database that was paused: its old session may have ended."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A period in which one database was certainly writable (unix seconds)."""

    host: str
    from_s: float
    """Time of the answer to its first accepted write."""
    until_s: float
    """Time of sending of its last accepted write; before `from_s` if there was only one."""

    def holds(self, probe: WriteAttempt) -> bool:
        """Say whether `probe` was sent and answered within the episode."""
        return self.from_s <= probe.sent_s and (probe.answered_s or probe.sent_s) <= self.until_s


def episodes(probes: Iterable[WriteAttempt]) -> tuple[Episode, ...]:
    """Return the episodes of all databases; an unanswered write neither starts nor ends an episode."""
    found = []
    for host, attempts in groupby(_in_order(probes), key=lambda probe: probe.host):
        for accepted, run in groupby(attempts, key=lambda probe: probe.accepted):
            if accepted:
                writes = list(run)
                from_s = min(probe.answered_s or probe.sent_s for probe in writes)
                found.append(Episode(host=host, from_s=from_s, until_s=max(p.sent_s for p in writes)))
    return tuple(found)


def second_primaries(probes: Sequence[WriteAttempt]) -> tuple[tuple[WriteAttempt, Episode], ...]:
    """Return the accepted writes that fell into an episode of another database, each with that episode."""
    known = episodes(probes)
    return tuple(
        (probe, episode)
        for probe in probes
        if probe.accepted
        for episode in known
        if episode.host != probe.host and episode.holds(probe)
    )


def one_primary_throughout(history: History) -> Finding:
    """No write was accepted while another database was a primary.

    Figures: `two_primaries_seen`, and `two_primaries_blind_ms`: the longest time after the fault in which a
    database answered no attempt although the fault did not prevent it. A second primary that existed for a
    shorter time could go unseen.

    FAILs for each such write, however short the record. PASSes only if both databases answered often enough,
    without a long pause, and the current primary accepted writes.
    """
    name = "one_primary_throughout"
    fault = history.context.fault
    probes = tuple(_settled(history.probes, fault))
    seen = second_primaries(probes)
    blind_ms = {} if fault is None else _blind_ms(probes, fault)
    figures: dict[str, float] = {
        "two_primaries_seen": len(seen),
        "probes": len(probes),
        "probes_accepted": sum(probe.accepted for probe in probes),
    }
    figures |= {"two_primaries_blind_ms": max(blind_ms.values())} if blind_ms else {}
    if seen:
        reasons = [f"{len(seen)} direct writes were accepted while another database took writes too"]
        verdict = Verdict.FAIL
    else:
        reasons = [*_too_little(probes), *_unseen(probes, blind_ms, fault)]
        verdict = Verdict.INVALID if reasons else Verdict.PASS
    listed = tuple(
        {
            "host": probe.host,
            "sent_s": probe.sent_s,
            "answered_s": probe.answered_s,
            "other_host": episode.host,
            "other_from_s": episode.from_s,
            "other_until_s": episode.until_s,
        }
        for probe, episode in seen
    )
    return Finding(name=name, verdict=verdict, reasons=tuple(reasons), figures=figures, listed=listed)


def _too_little(probes: Sequence[WriteAttempt]) -> Iterable[str]:
    answered = Counter(probe.host for probe in probes if probe.answered_s is not None)
    hosts = sorted({probe.host for probe in probes})
    if len(hosts) < 2:
        yield f"direct writes were tried on {len(hosts)} databases; needed: both"
    for host in hosts:
        if answered[host] < PROBES_MIN:
            yield f"{answered[host]} direct writes were answered by {host}; needed: {PROBES_MIN}"
    if not any(probe.accepted for probe in probes):
        yield "no direct write was accepted by any database"


def _unseen(
    probes: Sequence[WriteAttempt], blind_ms: dict[str, float], fault: FaultWindow | None
) -> Iterable[str]:
    """Yield a reason for each database that was not watched well enough after the fault."""
    for host, ms in sorted(blind_ms.items()):
        if ms > BLIND_MS_MAX:
            yield f"{host} answered no direct write for {ms:.0f} ms; allowed: at most {BLIND_MS_MAX:.0f}"
    if fault is None:
        return
    since_s = fault.promoted_s or fault.ended_s
    accepted = {probe.host for probe in probes if probe.accepted and probe.sent_s >= since_s}
    if fault.promoted_host is not None and fault.promoted_host not in accepted:
        yield f"{fault.promoted_host} was promoted, and no direct write was accepted by it"
    elif not accepted:
        yield "no direct write was accepted after the fault"


def _blind_ms(probes: Iterable[WriteAttempt], fault: FaultWindow) -> dict[str, float]:
    """Return the longest time between two answers of each database that the fault did not silence."""
    if fault.observed_until_s is None:
        return {}
    answers: defaultdict[str, list[float]] = defaultdict(list)
    for probe in probes:
        answers[probe.host] += [] if probe.answered_s is None else [probe.answered_s]
    found = {}
    for host in answers:
        from_s = fault.started_s
        if host in fault.silenced:
            if fault.resumed_s is None or fault.fenced_s is not None:
                continue
            # The database was resumed and not fenced, so it may think that it is the primary: watch it now.
            from_s = fault.resumed_s + _RECONNECTS_WITHIN_S
        inside = (at_s for at_s in answers[host] if from_s < at_s < fault.observed_until_s)
        moments = [from_s, *sorted(inside), max(from_s, fault.observed_until_s)]
        off_from_s = inf if fault.fenced_s is None or host == fault.promoted_host else fault.fenced_s
        found[host] = 1000.0 * max(_blind_s(before, later, off_from_s) for before, later in pairwise(moments))
    return found


def _blind_s(before_s: float, later_s: float, off_from_s: float) -> float:
    """Return the unwatched time between two answers; it ends at the fencing, which may power the host off."""
    is_off = before_s <= off_from_s <= later_s
    return (off_from_s if is_off else later_s) - before_s


def _settled(probes: Iterable[WriteAttempt], fault: FaultWindow | None) -> Iterable[WriteAttempt]:
    """Yield the attempts; the sending time of each is at least the earliest time of its execution.

    A write that reaches a paused database is carried out when the database is resumed.
    """
    for probe in probes:
        if fault is not None and fault.resumed_s is not None and _went_on(probe, fault, fault.resumed_s):
            yield replace(probe, sent_s=fault.resumed_s)
        else:
            yield probe


def _went_on(probe: WriteAttempt, fault: FaultWindow, resumed_s: float) -> bool:
    """Say whether `probe` reached a paused database, and was answered after the database was resumed."""
    stood_still = probe.host in fault.silenced and fault.ended_s <= probe.sent_s < resumed_s
    return stood_still and probe.answered_s is not None and probe.answered_s >= resumed_s


def _in_order(probes: Iterable[WriteAttempt]) -> list[WriteAttempt]:
    answered = [probe for probe in probes if probe.answered_s is not None]
    return sorted(answered, key=lambda probe: (probe.host, probe.answered_s))
