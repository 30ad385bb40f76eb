"""Polls one failover agent for who leads; the agent answers when that changes (a long poll)."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from app_stub import agent_signature
from app_stub.http_get import Answer, BadAnswerError, GetConnection
from app_stub.primary_rule import Word
from app_stub.settings import Endpoint

_LOG = logging.getLogger("loan.agent")
_HELD_MS = 1000
"""How long an agent may hold its answer back; one that is frozen is noticed this much later, and a bit."""
_LATE_S = 0.5
_PAUSE_S = 0.2
"""Between two attempts at an agent that does not answer."""
_NOTHING_NEW_S = 0.02
_ANSWERS = (200, 503)
_ALONE = "yes"


Refusal = Literal["signature", "address"]


class RefusedAnswerError(BadAnswerError):
    """An answer that is not believed: somebody else gives it, or the agents are set up wrongly."""

    def __init__(self, because: Refusal, message: str) -> None:
        self.because: Refusal = because
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """What an answer must have to be believed."""

    key: str = field(repr=False)
    """The agents' reading key."""
    databases: Collection[Endpoint]
    """The only ones that may be named as the primary."""


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    epoch: int
    phase: str
    tag: Annotated[str, msgspec.Meta(min_length=1)]
    address: str = ""
    port: int = 0
    alone: str = ""


def word_in(status: int, body: bytes) -> tuple[Word, str]:
    """Return what an answer to `GET /primary` says, and its tag.

    Raises:
        BadAnswerError: it is none.
    """
    if status not in _ANSWERS:
        raise BadAnswerError(f"status {status}; GET /primary answers {_ANSWERS}")
    try:
        said = msgspec.json.decode(body, type=_Said)
    except msgspec.MsgspecError as wrong:
        raise BadAnswerError(f"not an answer to GET /primary: {wrong}") from wrong
    primary = Endpoint(host=said.address, port=said.port) if status == 200 else None
    if primary is not None and not (primary.host and primary.port):
        raise BadAnswerError("a primary without address and port")
    alone = primary is not None and said.alone == _ALONE
    return Word(epoch=said.epoch, phase=said.phase, primary=primary, alone=alone), said.tag


def believed(answer: Answer, trust: Trust, *, nonce: str, target: str) -> tuple[Word, str]:
    """Return what a signed answer to `GET /primary` says, and its tag.

    Args:
        answer: as it came.
        trust: what it must have.
        nonce: of the question.
        target: of the question.

    Raises:
        RefusedAnswerError: it is not signed, or names a database that this service does not know.
        BadAnswerError: it is none.
    """
    given = answer.headers.get(agent_signature.SIGNATURE_HEADER, "")
    if not agent_signature.is_signed(
        given, trust.key, nonce=nonce, target=target, status=answer.status, body=answer.body
    ):
        raise RefusedAnswerError("signature", "an answer that no agent signed with the key of this service")
    word, tag = word_in(answer.status, answer.body)
    if word.primary is not None and word.primary not in trust.databases:
        allowed = ", ".join(map(str, trust.databases))
        raise RefusedAnswerError("address", f"{word.primary} is named as the primary; allowed: {allowed}")
    return word, tag


async def poll(
    agent: Endpoint,
    note: Callable[[Endpoint, Word | None, float], None],
    refused: Callable[[Endpoint, Refusal], None],
    trust: Trust,
    *,
    connect_timeout_s: float,
) -> None:
    """Tell `note` whatever `agent` says, and None when it does not answer; ends only when cancelled.

    With it goes when it was asked (monotonic): what it said was true at that time or later.

    Args:
        agent: its address.
        note: told each answer and each silence.
        refused: told each answer that is not believed; it counts as silence.
        trust: what an answer must have to be believed.
        connect_timeout_s: for a connection.
    """
    connection = GetConnection(agent, connect_timeout_s=connect_timeout_s)
    tag = ""
    was_heard = True
    try:
        while True:
            asked_s = time.monotonic()
            nonce = agent_signature.fresh_nonce()
            target = f"/primary?unless={quote(tag, safe='')}&wait_ms={_HELD_MS}" if tag else "/primary"
            try:
                answer = await connection.get(
                    target,
                    timeout_s=_HELD_MS / 1000 + _LATE_S if tag else _LATE_S,
                    headers={agent_signature.NONCE_HEADER: nonce},
                )
                word, new_tag = believed(answer, trust, nonce=nonce, target=target)
            except OSError as failure:
                if isinstance(failure, RefusedAnswerError):
                    refused(agent, failure.because)
                # Told once and not five times a second: agents may be away for long.
                if was_heard:
                    _LOG.warning("agent silent", extra={"agent": str(agent), "error": str(failure)})
                was_heard, tag = False, ""
                note(agent, None, asked_s)
                await asyncio.sleep(_PAUSE_S)
                continue
            if not was_heard:
                _LOG.warning("agent answers", extra={"agent": str(agent)})
            was_heard = True
            note(agent, word, asked_s)
            if new_tag == tag:
                # The agent had nothing new to say: one that does not hold its answers back is not flooded.
                await asyncio.sleep(_NOTHING_NEW_S)
            tag = new_tag
    finally:
        connection.close()
