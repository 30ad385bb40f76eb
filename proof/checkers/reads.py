"""Checks that each limit that was read during the writes had a value that was possible at that time. Pure."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from proof.checkers.checker import finding
from proof.history import SIGN_OF_KIND, History
from proof.record import NOT_EXECUTED, Outcome, Read, Write
from proof.verdict import Finding, Verdict

CLOCKS_APART_S = 0.05
"""Largest difference of the clients' clocks; two events that are closer may have happened in either order."""


@dataclass(kw_only=True)
class _Moves:
    """Movements of one limit, in the order of their answers."""

    base_fen: int = 0
    """Used part of the limit before the run."""
    confirmed: list[Write] = field(default_factory=list)
    """Writes that were acknowledged and are in the journal."""
    perhaps: list[Write] = field(default_factory=list)
    """Writes that may have acted at any time or never: indeterminate, or lost with a primary."""
    ends_s: list[float] = field(default_factory=list)
    longest_s: float = 0.0
    """Longest time from sending to answer among the `told` writes."""
    sums_fen: list[int] = field(default_factory=list)
    """Element n is the base plus the first n `told` movements."""

    def settle(self) -> None:
        """Sort the writes and compute the sums, after all writes were added."""
        self.confirmed.sort(key=lambda write: write.ended_s)
        self.ends_s = [write.ended_s for write in self.confirmed]
        self.longest_s = max((write.ended_s - write.started_s for write in self.confirmed), default=0.0)
        self.sums_fen = [self.base_fen]
        for write in self.confirmed:
            self.sums_fen.append(self.sums_fen[-1] + _moved_fen(write))

    def possible_fen(self, read: Read) -> tuple[int, int]:
        """Return the least and the most that a read may have seen as used."""
        begun_s, over_s = read.started_s - CLOCKS_APART_S, read.ended_s + CLOCKS_APART_S
        certain = bisect_right(self.ends_s, begun_s)
        low = high = self.sums_fen[certain]
        amid = self.confirmed[certain : bisect_left(self.ends_s, over_s + self.longest_s)]
        for write in chain(amid, self.perhaps):
            if write.started_s < over_s:
                low += min(_moved_fen(write), 0)
                high += max(_moved_fen(write), 0)
        return low, high


def reads_were_possible(history: History) -> Finding:
    """Each limit that was read includes every write answered before, and no write sent after the read.

    Like Jepsen's bank checker: every state that a client saw must add up, and not only the final state.
    INVALID if clients were to read limits, and none was read.
    """
    name = "reads_were_possible"
    moves = _moves_of(history)
    # A cap never changes.
    caps = {(limit.entity, limit.limit_id): limit.cap_fen for limit in history.limits}
    asked = [read for read in history.reads if read.used_fen is not None and read.limit_id is not None]
    listed: list[Mapping[str, object]] = []
    for read in asked:
        assert read.used_fen is not None
        assert read.limit_id is not None
        low, high = moves[read.entity, read.limit_id].possible_fen(read)
        cap_fen = caps.get((read.entity, read.limit_id), read.cap_fen)
        is_within = low <= read.used_fen <= high and 0 <= read.used_fen <= (cap_fen or 0)
        if not is_within or read.cap_fen != cap_fen:
            listed.append(
                {
                    "entity": read.entity,
                    "limit_id": read.limit_id,
                    "started_s": read.started_s,
                    "ended_s": read.ended_s,
                    "used_fen": read.used_fen,
                    "cap_fen": read.cap_fen,
                    "cap_fen_of_the_limit": cap_fen,
                    "possible_fen": f"{low} to {high}",
                }
            )
    reasons = [f"{len(listed)} of {len(asked)} limit reads returned an impossible value"] if listed else []
    figures = {"limits_read": len(asked), "reads_impossible": len(listed)}
    if history.context.reads_limits and not asked:
        return Finding(name=name, verdict=Verdict.INVALID, reasons=("no limit was read",), figures=figures)
    return finding(history, name, reasons, figures=figures, listed=listed)


def _moves_of(history: History) -> Mapping[tuple[str, int], _Moves]:
    found: defaultdict[tuple[str, int], _Moves] = defaultdict(_Moves)
    rows = history.rows_by_key
    own = set()
    for write in history.writes:
        own.add((write.entity, write.key))
        if write.operation not in SIGN_OF_KIND or write.limit_id is None or write.outcome in NOT_EXECUTED:
            continue
        moves = found[write.entity, write.limit_id]
        is_confirmed = write.outcome == Outcome.ACKNOWLEDGED and (write.entity, write.key) in rows
        (moves.confirmed if is_confirmed else moves.perhaps).append(write)
    for row in history.journal:
        sign = SIGN_OF_KIND.get(row.kind)
        if sign is not None and row.limit_id is not None and (row.entity, row.key) not in own:
            found[row.entity, row.limit_id].base_fen += sign * row.amount_fen
    for moves in found.values():
        moves.settle()
    return _Known(found)


class _Known(dict[tuple[str, int], _Moves]):
    """Movements by limit; a limit that no write moved has none."""

    def __missing__(self, key: tuple[str, int]) -> _Moves:
        untouched = _Moves()
        untouched.settle()
        return untouched


def _moved_fen(write: Write) -> int:
    return SIGN_OF_KIND[write.operation] * write.amount_fen
