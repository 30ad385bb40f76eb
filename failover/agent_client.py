"""Client of the agent of this host, over its API on loopback, for the commands.

It signs commands and verifies answers, with the keys of the settings file: the token itself is sent nowhere.
"""

import http.client
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from failover import clock, signature
from failover.api.history import HistoryEvent
from failover.api.status import Status
from failover.signature import Keys

Json = dict[str, Any]
_T = TypeVar("_T")
_HERE = "127.0.0.1"
_UNIT = "loanstack-failover.service"
_ANSWER_S = 10.0
_OUTCOME_S = 45.0
"""Longer than an agent waits for the outcome of a request."""
_POLL_MS = 250
_PAUSE_S = 0.2
_LEAST_FAULT = 400
_NO_PRIMARY = 503


class AgentError(RuntimeError):
    """The agent does not answer, or refuses; `reasons` has one sentence for each reason."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


class PrimaryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to `GET /primary`."""

    epoch: int
    phase: str
    tag: str
    host: str | None = None


class _Fault(msgspec.Struct, frozen=True, kw_only=True):
    field: str
    value: Any
    allowed: str


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    detail: str
    refused: tuple[str, ...] = ()
    errors: tuple[_Fault, ...] = ()


class Agent:
    """The agent of this host."""

    def __init__(self, port: int, host: str, keys: Keys) -> None:
        """Ask on `port`; `keys` sign commands for this `host`, and must have signed answers."""
        self._port = port
        self._host = host
        self._keys = keys

    def status(self) -> bytes:
        """Return its status, as JSON; raises AgentError."""
        return self._get("/status")

    def history(self) -> bytes:
        """Return the history, as JSON; raises AgentError."""
        return self._get("/history")

    def primary(self, *, unless: str = "", wait_ms: int = 0) -> PrimaryAnswer:
        """Return who serves, once that has another tag than `unless` or `wait_ms` have passed.

        Raises:
            AgentError: it does not answer.
        """
        query = f"?unless={quote(unless, safe='')}&wait_ms={wait_ms}"
        status, body = self._ask("GET", f"/primary{query}", None, _ANSWER_S)
        if status not in (http.HTTPStatus.OK, _NO_PRIMARY):
            raise AgentError(*_reasons(status, body))
        return _decoded(body, PrimaryAnswer)

    def command(self, verb: str, fields: Mapping[str, object]) -> Json:
        """Return the answer to a command.

        Raises:
            AgentError: it was refused, with every reason, or the agent does not answer.
        """
        status, body = self._ask("POST", f"/{verb}", msgspec.json.encode(fields), _OUTCOME_S)
        if status >= _LEAST_FAULT:
            raise AgentError(*_reasons(status, body))
        return _decoded(body, Json)

    def follow(self, verb: str, fields: Mapping[str, object], tell: Callable[[str], None]) -> Json:
        """Return the answer to a command whose outcome takes some time; `tell` is called with each step.

        Raises:
            AgentError: as in `command`.
        """
        tag = self.primary().tag
        answer: Future[Json] = Future()
        # A daemon thread, so that a user who stops watching need not wait for the outcome.
        Thread(target=self._command_into, args=(answer, verb, fields), daemon=True).start()
        begun_s = time.monotonic()
        while not answer.done():
            try:
                said = self.primary(unless=tag, wait_ms=_POLL_MS)
            except AgentError:
                time.sleep(_PAUSE_S)
                continue
            if said.tag != tag:
                where = f" on {said.host}" if said.host else ""
                tell(f"{time.monotonic() - begun_s:6.2f} s  epoch {said.epoch}: {said.phase}{where}")
                tag = said.tag
        return answer.result()

    def _command_into(self, answer: Future[Json], verb: str, fields: Mapping[str, object]) -> None:
        try:
            answer.set_result(self.command(verb, fields))
        except Exception as failure:  # raised again where the result is taken
            answer.set_exception(failure)

    def _get(self, path: str) -> bytes:
        status, body = self._ask("GET", path, None, _ANSWER_S)
        if status >= _LEAST_FAULT:
            raise AgentError(*_reasons(status, body))
        return body

    def _ask(self, method: str, path: str, body: bytes | None, timeout_s: float) -> tuple[int, bytes]:
        nonce = signature.fresh_nonce()
        headers = {signature.NONCE_HEADER: nonce}
        if body is not None:
            sent_ms = str(clock.steady_ms())
            headers |= {
                "Content-Type": "application/json",
                signature.SENT_HEADER: sent_ms,
                signature.SIGNATURE_HEADER: signature.of_command(
                    self._keys.token,
                    host=self._host,
                    nonce=nonce,
                    sent_ms=sent_ms,
                    target=path,
                    body=body,
                ),
            }
        connection = http.client.HTTPConnection(_HERE, self._port, timeout=timeout_s)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            status, said = answer.status, answer.read()
            given = answer.getheader(signature.SIGNATURE_HEADER, "")
        except (OSError, http.client.HTTPException) as failure:
            raise AgentError(
                f"the failover agent of this host does not answer on {_HERE}:{self._port}"
                f" ({str(failure) or type(failure).__name__}); look at: systemctl status {_UNIT}"
            ) from failure
        finally:
            connection.close()
        key = self._keys.of_answer(path.partition("?")[0])
        expected = signature.of_answer(key, nonce=nonce, target=path, status=status, body=said)
        if not signature.is_equal(given, expected):
            raise AgentError(
                f"what answers on {_HERE}:{self._port} does not sign with this host's keys: an agent with"
                f" other settings, or another program; look at: systemctl status {_UNIT}"
            )
        return status, said


def status_in(body: bytes) -> Status:
    """Return an answer to `GET /status`; raises AgentError."""
    return _decoded(body, Status)


def history_in(body: bytes) -> tuple[HistoryEvent, ...]:
    """Return an answer to `GET /history`; raises AgentError."""
    return _decoded(body, tuple[HistoryEvent, ...])


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as wrong:
        raise AgentError(f"the agent's answer cannot be read ({wrong}); is it of another version?") from None


def _reasons(status: int, body: bytes) -> tuple[str, ...]:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return (f"the agent answers with status {status}",)
    faults = tuple(f"{e.field}={e.value!r}; allowed: {e.allowed}" for e in problem.errors)
    return problem.refused or faults or (problem.detail,)
