"""Which database was the primary at which time: the roles that databases reported, and the agents' events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from loanstack.report import svg
from loanstack.report.charts import WIDTH
from loanstack.report.scales import fixed, label

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 20, 26
_ROW, _THICK = 24, 16

NO_ANSWER = "no answer"
_STYLES = {"PRIMARY": "primary", "STANDBY": "standby", NO_ANSWER: "silent"}

_EVENTS = (
    "fault",
    "fault-undone",
    "detected",
    "claimed",
    "decided",
    "fenced",
    "guarantee",
    "promoted",
    "switchover",
    "refused",
    "rejoined",
    "alone",
    "followed",
    "redundant",
)
"""Timeline events that are part of the history of roles."""


@dataclass(frozen=True, kw_only=True)
class RoleInterval:
    """A period in which one database reported the same role, in seconds since the start."""

    host: str
    role: str
    from_s: float
    until_s: float


@dataclass(frozen=True, kw_only=True)
class RoleEvent:
    """One line of the history of roles."""

    after_fault_s: float
    event: str
    host: str
    detail: str


def role_intervals(
    samples: Iterable[Mapping[str, Any]], *, start_s: float, end_s: float
) -> tuple[RoleInterval, ...]:
    """Return the roles that each database reported, from the samples of `replication.jsonl`.

    + start_s: unix time of second 0
    + end_s: seconds since then at which the picture ends
    """
    seen = [
        (float(sample["at_s"]) - start_s, sample.get("roles") or {})
        for sample in samples
        if 0 <= float(sample["at_s"]) - start_s <= end_s
    ]
    hosts = dict.fromkeys(host for _, roles in seen for host in roles)
    return tuple(interval for host in hosts for interval in _of_host(host, seen, end_s))


def _of_host(
    host: str, seen: Sequence[tuple[float, Mapping[str, str | None]]], end_s: float
) -> Iterable[RoleInterval]:
    said = [(at_s, roles.get(host) or NO_ANSWER) for at_s, roles in seen]
    groups = [(role, [at_s for at_s, _ in group]) for role, group in groupby(said, key=lambda one: one[1])]
    ends = [times[0] for _, times in groups[1:]]
    last = min(end_s, groups[-1][1][-1]) if groups else end_s
    for (role, times), until_s in zip(groups, [*ends, last], strict=True):
        yield RoleInterval(host=host, role=role, from_s=times[0], until_s=until_s)


def bands(title: str, found: Sequence[RoleInterval], *, end_s: float) -> str:
    """Return a chart with one row for each database, coloured by its role."""
    hosts = list(dict.fromkeys(interval.host for interval in found))
    axis = fixed(end_s)
    bottom = _TOP + _ROW * len(hosts)

    def x(at_s: float) -> float:
        return _LEFT + axis.place(at_s) * (WIDTH - _LEFT - _RIGHT)

    parts = []
    for interval in found:
        y = _TOP + _ROW * hosts.index(interval.host)
        tip = f"{interval.host}: {interval.role}, {interval.from_s:.1f} to {interval.until_s:.1f} s"
        width = max(0.5, x(interval.until_s) - x(interval.from_s))
        parts.append(
            svg.box(_style(interval.role), x=x(interval.from_s), y=y, width=width, height=_THICK, tip=tip)
        )
    for row, host in enumerate(hosts):
        parts.append(svg.text("tick", host, x=_LEFT - 7, y=_TOP + _ROW * row + 12, anchor="end"))
    for tick in axis.ticks:
        words = f"{label(tick)} s" if tick == axis.ticks[-1] else label(tick)
        parts.append(svg.line("tickline", x1=x(tick), y1=bottom, x2=x(tick), y2=bottom + 4))
        parts.append(svg.text("tick", words, x=x(tick), y=bottom + 17, anchor="middle"))
    picture = svg.picture(title, width=WIDTH, height=bottom + _BOTTOM, parts=parts)
    roles = dict.fromkeys(interval.role for interval in found)
    return picture + svg.legend((_style(role), role.lower()) for role in roles)


def events(timeline: Iterable[Mapping[str, Any]]) -> tuple[RoleEvent, ...]:
    """Return the role events around the fault of a timeline; nothing if there is no fault."""
    lines = [line for line in timeline if line.get("event") in _EVENTS]
    fault_s = next((float(line["at_s"]) for line in lines if line["event"] == "fault"), None)
    if fault_s is None:
        return ()
    return tuple(
        RoleEvent(
            after_fault_s=float(line["at_s"]) - fault_s,
            event=str(line["event"]),
            host=str(line.get("host") or ""),
            detail=str(line.get("detail") or ""),
        )
        for line in sorted(lines, key=lambda line: float(line["at_s"]))
        if float(line["at_s"]) >= fault_s
    )


def _style(role: str) -> str:
    return f"role-{_STYLES.get(role, 'silent')}"
