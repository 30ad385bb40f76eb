"""Were there ever two primaries? Asked of direct writes into both databases, not of what these say.

An accepted write proves that its database was writable at some moment between its sending and its answer.
Between two accepted writes of one database, with no refused one between them, it was writable all the time:
that is an episode. A write that another database accepted wholly within it was a second primary's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from chaos.findings import Finding, Verdict
from chaos.history import History, Probe

PROBES_MIN = 20
"""Fewer attempts on a database than this prove nothing: two seconds of a drill."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A time in which one database certainly took writes (unix seconds)."""

    host: str
    from_s: float
    """The answer to its first accepted write."""
    until_s: float
    """The sending of its last one; before `from_s` if there was only one."""

    def holds(self, probe: Probe) -> bool:
        """Say whether `probe` was sent and answered within it."""
        return self.from_s <= probe.sent_s and (probe.answered_s or probe.sent_s) <= self.until_s


def episodes(probes: Iterable[Probe]) -> tuple[Episode, ...]:
    """Return the episodes of all databases; a write that nobody answered neither makes nor breaks one."""
    found = []
    for host, attempts in groupby(_in_order(probes), key=lambda probe: probe.host):
        for accepted, run in groupby(attempts, key=lambda probe: probe.accepted):
            if accepted:
                writes = list(run)
                from_s = min(probe.answered_s or probe.sent_s for probe in writes)
                found.append(Episode(host=host, from_s=from_s, until_s=max(p.sent_s for p in writes)))
    return tuple(found)


def second_primaries(probes: Sequence[Probe]) -> tuple[tuple[Probe, Episode], ...]:
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
    """No write was accepted while another database was a primary; figure `two_primaries_seen`.

    FAILs for each such write, however short the record; PASSes only if both databases were tried often enough
    and one of them took writes.
    """
    name = "one_primary_throughout"
    probes = history.probes
    seen = second_primaries(probes)
    figures: dict[str, float] = {
        "two_primaries_seen": len(seen),
        "probes": len(probes),
        "probes_accepted": sum(probe.accepted for probe in probes),
    }
    if seen:
        reasons = [f"{len(seen)} direct writes were accepted while another database took writes too"]
        verdict = Verdict.FAIL
    else:
        reasons = list(_too_little(probes))
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


def _too_little(probes: Sequence[Probe]) -> Iterable[str]:
    hosts = {probe.host: sum(p.host == probe.host for p in probes) for probe in probes}
    if len(hosts) < 2:
        yield f"direct writes were tried on {len(hosts)} databases; needed: both"
    for host, count in sorted(hosts.items()):
        if count < PROBES_MIN:
            yield f"{count} direct writes were tried on {host}; needed: {PROBES_MIN}"
    if not any(probe.accepted for probe in probes):
        yield "no direct write was accepted by any database"


def _in_order(probes: Iterable[Probe]) -> list[Probe]:
    answered = [probe for probe in probes if probe.answered_s is not None]
    return sorted(answered, key=lambda probe: (probe.host, probe.answered_s))
