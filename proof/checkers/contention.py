"""Checkers of a load that uses limits up: refused drawdowns had no room, acknowledged ones had room. Pure.

The used part of a limit at a moment is not recorded, but the clients' records bound it, because a write acts
at some moment between its sending and its answer. A refusal is unfounded if there was room at every such
moment, even if every drawdown that was possible by then had been made, and only the certain repayments. A
drawdown was an overdraw if there was no room at any such moment, even with every possible repayment made.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate

from proof.checkers.checker import Checker
from proof.history import History
from proof.record import Limit, Outcome, Write
from proof.verdict import Finding, Verdict


class _Sums:
    """Sums of moved amounts up to a time."""

    def __init__(self, moves: Iterable[tuple[float, int]]) -> None:
        ordered = sorted(moves)
        self._times = [at_s for at_s, _ in ordered]
        self._sums = [0, *accumulate(fen for _, fen in ordered)]

    def by(self, at_s: float) -> int:
        """Return what was moved at or before `at_s`."""
        return self._sums[bisect_right(self._times, at_s)]

    def before(self, at_s: float) -> int:
        """Return what was moved before `at_s`."""
        return self._sums[bisect_left(self._times, at_s)]


class _Used:
    """Bounds of the used part of a limit while a write was under way."""

    def __init__(self, limit: Limit, writes: Iterable[Write]) -> None:
        """Take the committed movements of a run; + limit: the limit after all of them."""
        moves: Mapping[str, list[Write]] = {"drawdown": [], "repayment": []}
        for write in writes:
            moves[write.operation].append(write)
        drawn, repaid = moves["drawdown"], moves["repayment"]
        self._first_fen = (
            limit.used_fen - sum(w.amount_fen for w in drawn) + sum(w.amount_fen for w in repaid)
        )
        self._drawn_sent = _Sums((w.started_s, w.amount_fen) for w in drawn)
        self._repaid_sent = _Sums((w.started_s, w.amount_fen) for w in repaid)
        # A movement had certainly been made by a time only if it had been answered by then.
        self._drawn_known = _Sums((w.ended_s, w.amount_fen) for w in drawn if _is_acknowledged(w))
        self._repaid_known = _Sums((w.ended_s, w.amount_fen) for w in repaid if _is_acknowledged(w))

    def at_most_fen(self, write: Write) -> int:
        """Return the most that was used at any moment at which `write`, not committed, may have acted."""
        drawn, repaid = self._drawn_sent.by(write.ended_s), self._repaid_known.before(write.started_s)
        return self._first_fen + drawn - repaid

    def at_least_fen(self, write: Write) -> int:
        """Return the least that was used when `write` was carried out, without `write` itself."""
        drawn, repaid = self._drawn_known.before(write.started_s), self._repaid_sent.by(write.ended_s)
        return self._first_fen + drawn - repaid


def refusals_were_founded(history: History) -> Finding:
    """No drawdown was refused although its limit had room. INVALID if no drawdown was refused at all."""
    used = _used(history)
    caps = _caps(history)
    refused = [write for write in history.writes if write.outcome == Outcome.REFUSED]
    unfounded = [
        write
        for write in refused
        if (key := (write.entity, write.limit_id)) not in used
        or used[key].at_most_fen(write) + write.amount_fen <= caps[key]
    ]
    overdraws = sum(write.amount_fen > caps.get((write.entity, write.limit_id), 0) for write in refused)
    figures = {
        "refusals": len(refused),
        "refusals_unfounded": len(unfounded),
        "overdraws_refused": overdraws,
    }
    reasons: tuple[str, ...] = ()
    verdict = Verdict.PASS
    if unfounded:
        verdict = Verdict.FAIL
        reasons = (f"{len(unfounded)} of {len(refused)} refused drawdowns had room at every moment",)
    elif len(refused) == overdraws:
        verdict = Verdict.INVALID
        reasons = ("no drawdown found its limit used up, so nothing was contended for",)
    return Finding(
        name="refusals_were_founded",
        verdict=verdict,
        reasons=reasons,
        figures=figures,
        listed=tuple(_row_of(write) for write in unfounded),
    )


def no_overdraw_acknowledged(history: History) -> Finding:
    """Every acknowledged drawdown had room at its moment, which the limits' final state does not show."""
    used = _used(history)
    caps = _caps(history)
    wrong = [
        write
        for write in history.acknowledged
        if write.operation == "drawdown"
        and (key := (write.entity, write.limit_id)) in caps
        and (
            write.amount_fen > caps[key]
            or (key in used and used[key].at_least_fen(write) + write.amount_fen > caps[key])
        )
    ]
    reasons = (f"{len(wrong)} drawdowns were acknowledged although there was no room for them",)
    return Finding(
        name="no_overdraw_acknowledged",
        verdict=Verdict.FAIL if wrong else Verdict.PASS,
        reasons=reasons if wrong else (),
        figures={"overdraws_acknowledged": len(wrong)},
        listed=tuple(_row_of(write) for write in wrong),
    )


def _used(history: History) -> Mapping[tuple[str, int | None], _Used]:
    """Return the bounds of each limit for which a client asked for a movement."""
    committed = history.rows_by_key
    moves: defaultdict[tuple[str, int | None], list[Write]] = defaultdict(list)
    for write in history.writes:
        if write.operation in ("drawdown", "repayment") and write.limit_id is not None:
            found = moves[write.entity, write.limit_id]
            if (write.entity, write.key) in committed:
                found.append(write)
    limits = {(limit.entity, limit.limit_id): limit for limit in history.limits}
    return {key: _Used(limits[key], writes) for key, writes in moves.items() if key in limits}


def _caps(history: History) -> Mapping[tuple[str, int | None], int]:
    return {(limit.entity, limit.limit_id): limit.cap_fen for limit in history.limits}


def _is_acknowledged(write: Write) -> bool:
    return write.outcome == Outcome.ACKNOWLEDGED


def _row_of(write: Write) -> Mapping[str, object]:
    return {
        "entity": write.entity,
        "key": write.key,
        "limit_id": write.limit_id,
        "amount_fen": write.amount_fen,
        "started_s": write.started_s,
        "ended_s": write.ended_s,
        "outcome": write.outcome,
    }


CHECKERS: tuple[Checker, ...] = (refusals_were_founded, no_overdraw_acknowledged)
"""Further checkers of a load in which a refusal can be the right answer."""
