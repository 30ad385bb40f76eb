"""Outcome of a switchover or failover that an operator asked for: watched until a host leads."""

import asyncio
import contextlib
from dataclasses import dataclass

from failover.api.announcement import Answer
from failover.api.backend import Backend, RefusedError
from failover.api.history import refusal_in
from failover.core.observed import Phase
from failover.etcd.http_api import EtcdError

DEADLINE_S = 30.0
_REFUSAL_INTERVAL_S = 0.5
"""How often to read the history from etcd, which is the only place of a refusal."""
_HANDOVER = (Phase.HANDOVER, Phase.HANDED)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a request."""

    done: bool
    """Whether the requested host leads."""
    leader: str
    epoch: int
    why: str
    took_ms: int = 0
    """Time since the request was put into etcd."""


def judge(before: Answer, now: Answer, *, to: str, handing_over: bool) -> Outcome | None:
    """Return the outcome; None: the request has not ended yet.

    Args:
        before: the announcement at the time of the request.
        now: the announcement now.
        to: the host that shall lead.
        handing_over: whether a handover has been seen meanwhile.
    """
    if now.host is None:
        return None
    if now.epoch > before.epoch:
        is_done = now.host == to
        words = f"{now.host} leads under epoch {now.epoch}"
        return Outcome(
            done=is_done, leader=now.host, epoch=now.epoch, why=words if is_done else f"{words}, not {to}"
        )
    if handing_over and now.host == before.host:
        return Outcome(
            done=False,
            leader=now.host,
            epoch=now.epoch,
            why=f"the handover to {to} was called off: {now.host} leads on under epoch {now.epoch}",
        )
    return None


async def outcome_of(
    backend: Backend, request: str, *, before: Answer, to: str, deadline_s: float = DEADLINE_S
) -> Outcome | None:
    """Return the outcome of a request; None: it has not ended within `deadline_s`.

    Raises:
        RefusedError: an agent refused the request after it was put into etcd.
    """
    clock = asyncio.get_running_loop()
    begun_s = clock.time()
    handing_over, now, read_s = False, before, begun_s
    while (since_s := clock.time() - begun_s) < deadline_s:
        now = await backend.announcement.other_than(
            now.tag, wait_s=min(_REFUSAL_INTERVAL_S, deadline_s - since_s)
        )
        handing_over = handing_over or now.phase in _HANDOVER
        ended = judge(before, now, to=to, handing_over=handing_over)
        took_ms = round((clock.time() - begun_s) * 1000)
        if ended is not None:
            return Outcome(
                done=ended.done, leader=ended.leader, epoch=ended.epoch, why=ended.why, took_ms=took_ms
            )
        if clock.time() - read_s >= _REFUSAL_INTERVAL_S:
            read_s = clock.time()
            await _refused(backend, request)
        if backend.announcement.is_closed:
            return None
    return None


async def _refused(backend: Backend, request: str) -> None:
    # Without a majority of etcd, nothing can be refused either.
    with contextlib.suppress(EtcdError):
        refusal = refusal_in(await backend.history(), request)
        if refusal is not None:
            raise RefusedError(refusal)
