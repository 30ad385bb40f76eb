"""Output of the commands: plain tables that fit 80 columns. Pure."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from failover.api.history import HistoryEvent
from failover.api.status import LeaderStatus, MemberStatus, Status

WIDTH = 80
_GAP = "  "
_INDENT = " " * 7


def status_lines(status: Status) -> Iterator[str]:
    """Yield the lines of an agent's status for an operator."""
    yield from _wrapped(f"{status.environment}: {_leading(status.leader)}; told by {status.me}")
    yield from (line for sentence in _remarks(status) for line in _wrapped(sentence))
    if status.members:
        yield ""
        yield from table(
            ("HOST", "ROLE", "LAG", "EPOCH", "FENCED", "MAY LEAD", "SILENT"),
            [_member_cells(member) for member in status.members],
            right=(2, 3, 4, 6),
        )
    decisions = {m.host: m.thinks for m in status.members} | {status.me: status.thinks}
    if any(decisions.values()):
        yield ""
    for host, decision in sorted(decisions.items()):
        if decision:
            yield from _wrapped(f"{host}: {decision}")


def history_lines(events: Sequence[HistoryEvent]) -> Iterator[str]:
    """Yield the history, oldest event first: one line for each event, with its detail below."""
    if not events:
        yield "nothing has happened yet"
        return
    cells = [
        (str(event.epoch), _time(event.at_s), event.event, event.host, event.guarantee or "-")
        for event in events
    ]
    lines = table(("EPOCH", "TIME (UTC)", "EVENT", "HOST", "GUARANTEE"), cells, right=(0,))
    yield next(lines)
    for event, line in zip(events, lines, strict=True):
        yield line
        yield from textwrap.wrap(
            event.detail, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
        )


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> Iterator[str]:
    """Yield headers and rows with their columns aligned, at most `WIDTH` wide.

    Args:
        headers: one a column.
        rows: one cell a column.
        right: numbers of the columns that are aligned to the right.
    """
    widths = [max(len(line[n]) for line in (headers, *rows)) for n in range(len(headers))]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > WIDTH:
        # Only host names have no limit of length; the JSON has the full names.
        widths[widths.index(max(widths))] -= 1
    for line in (headers, *rows):
        cells = (
            _cut(cell, width).rjust(width) if n in right else _cut(cell, width).ljust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield _GAP.join(cells).rstrip()


def _leading(leader: LeaderStatus | None) -> str:
    if leader is None:
        return "nobody is known to have led"
    words = f"{leader.host} leads under epoch {leader.epoch}"
    if leader.phase != "serving":
        words = f"nobody serves, epoch {leader.epoch} of {leader.host} is {leader.phase}"
        words += f" to {leader.to}" if leader.to else ""
    return f"{words} (guarantee: {leader.guarantee})" if leader.guarantee else words


def _remarks(status: Status) -> Iterator[str]:
    """Yield warnings about everything unusual."""
    answered_ms = status.store_answered_ago_ms
    if answered_ms is None:
        yield "! etcd has not answered since this agent started"
    elif answered_ms >= 1000:
        yield f"! etcd last answered {_seconds(answered_ms)} ago: what follows is that old"
    leader = status.leader
    if leader is not None and leader.phase == "serving" and not leader.lease_alive:
        yield f"! the lease of {leader.host} has run out"
    if leader is not None and leader.unfenced:
        yield f"! not known to be fenced: {', '.join(leader.unfenced)}"
    if leader is not None and leader.powered_off:
        yield f"! switched off by a fence device: {', '.join(leader.powered_off)}"
    if leader is not None and leader.alone != "no":
        yield (
            f"! alone: {leader.alone}: acknowledged writes may be on {leader.host} only, and nobody else is"
            " promoted by itself"
        )
    if status.paused is not None:
        yield (
            f"! paused on {status.paused.host} since {_time(status.paused.at_s)} UTC: nobody is promoted or"
            " rejoined by itself"
        )
    if status.request is not None:
        waits = _seconds(status.request.waits_ms)
        yield f"! {status.request.kind} of {status.request.host} was asked for and waits for {waits}"
    if status.durability != "local":
        yield f"durability: {status.durability}"


def _member_cells(member: MemberStatus) -> tuple[str, ...]:
    return (
        member.host,
        member.role or "no answer",
        "-" if member.lag_ms is None else f"{member.lag_ms} ms",
        str(member.epoch),
        str(member.fenced_epoch),
        "yes" if member.may_lead else "never",
        _seconds(member.silent_ms),
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}~"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f} s"


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(sep=" ", timespec="milliseconds").partition("+")[0]
