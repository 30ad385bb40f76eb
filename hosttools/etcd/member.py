"""Whether a majority answers, and which members do."""

from concurrent.futures import ThreadPoolExecutor

import msgspec

from hosttools import waiting, web
from hosttools.errors import ToolError
from hosttools.etcd.settings import EtcdSettings

_ANSWER_S = 2.0


class _Health(msgspec.Struct):
    """Answer of etcd about itself: 3.4 says it as text."""

    health: str | bool


def is_healthy(settings: EtcdSettings) -> bool:
    """Return whether a read through the majority succeeds here; it needs no user."""
    trust = web.Trust(authority=settings.authority)
    body = web.body_of(f"{settings.here}/health", trust=trust, limit_s=_ANSWER_S)
    try:
        return msgspec.json.decode(body or "", type=_Health).health in ("true", True)
    except (msgspec.MsgspecError, RecursionError):
        return False


def answering(settings: EtcdSettings) -> tuple[str, ...]:
    """Return the addresses of the other members that answer members, all asked at once."""
    if not settings.others:
        return ()
    with ThreadPoolExecutor(max_workers=len(settings.others)) as pool:
        answers = pool.map(lambda other: _answers(settings, other), settings.others)
        return tuple(other for other, there in zip(settings.others, answers, strict=True) if there)


def _answers(settings: EtcdSettings, other: str) -> bool:
    trust = web.Trust(
        authority=settings.authority, certificate=settings.certificate, private_key=settings.private_key
    )
    url = f"https://{other}:{settings.peer_port}/raft/probing"
    return web.body_of(url, trust=trust, limit_s=_ANSWER_S) is not None


def wait_healthy(settings: EtcdSettings, limit_s: int) -> None:
    """Return once a majority answers through this member.

    + limit_s: time limit, in seconds

    Raises:
        ToolError: none did in time; names the other members that answer.
    """
    try:
        waiting.until(lambda: is_healthy(settings), limit_s, "a majority of etcd")
    except waiting.TooLateError as late:
        there = " ".join(answering(settings))
        raise ToolError(f"{late}; besides this member answer: {there}".rstrip()) from None


def refuse_a_risky_restart(settings: EtcdSettings) -> None:
    """Return if all other members answer: then the majority survives a restart here.

    Raises:
        ToolError: another member does not answer.
    """
    there = answering(settings)
    silent = " ".join(other for other in settings.others if other not in there)
    if silent:
        raise ToolError(
            f"not restarted: {silent} does not answer, and without this member too the majority may be gone; "
            "bring it back first"
        )
