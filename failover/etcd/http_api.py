"""Access to etcd: etcd's JSON gateway over HTTPS, with login, through any member that answers."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from failover.settings import Etcd

_UNAUTHENTICATED = 401
_LEAST_SERVER_FAULT = 500
_STALE_TOKEN = ("invalid auth token", "auth store is old", "user name is empty")
"""Errors of etcd that require a new login; some come with status 400."""

Answer = dict[str, Any]


class EtcdError(ConnectionError):
    """No member of etcd answered: all were unreachable, without a majority, or too slow."""


class EtcdRefusedError(EtcdError):
    """etcd refused: wrong password, missing right, or an unknown request."""


def encoded(text: str) -> str:
    """Return `text` in etcd's form of keys and values."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """Return a key or value of etcd as text."""
    return base64.b64decode(text).decode()


class EtcdHttpApi:
    """Calls etcd's JSON gateway: first the member that answered last, then the nearest ones."""

    def __init__(
        self,
        settings: Etcd,
        *,
        timeout_ms: int,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: endpoints, user and certificate authority.
            timeout_ms: how long one member may take for one answer.
            on_failure: called with the endpoint of each member that did not answer.
        """
        self._settings = settings
        self._timeout_s = timeout_ms / 1000
        self._on_failure = on_failure
        self._preferred = settings.endpoints[0]
        self._token: str | None = None
        self._login = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._streaming: aiohttp.ClientResponse | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, path: str, body: Mapping[str, object]) -> Answer:
        """Return the answer to one call, from the first member that gives one.

        A member may carry out a call and then not answer; the call is sent to the next member all the same,
        so callers must tolerate that it is carried out twice.

        Raises:
            EtcdRefusedError: etcd refused.
            EtcdError: no member answered.
        """
        content = msgspec.json.encode(body)
        failures = []
        for endpoint in self._in_order():
            try:
                answer = await self._ask(endpoint, path, content)
            except EtcdRefusedError:
                raise
            except (aiohttp.ClientError, TimeoutError, EtcdError, OSError, msgspec.DecodeError) as failure:
                self._on_failure(endpoint)
                failures.append(f"{endpoint}: {_message_of(failure)}")
            else:
                self._prefer(endpoint)
                return answer
        raise EtcdError("; ".join(failures))

    async def stream(self, path: str, bodies: Sequence[Mapping[str, object]]) -> AsyncIterator[Answer]:
        """Yield the preferred member's answers to a call that never ends.

        Only one member is used at a time: when it stops answering calls and another one is preferred, this
        raises.

        Raises:
            EtcdError: the member refused the call, or stopped answering.
        """
        endpoint = self._preferred
        content = b"\n".join(msgspec.json.encode(body) for body in bodies)
        try:
            async with asyncio.timeout(self._timeout_s):
                token = await self._logged_in(endpoint, stale=None)
                response = await self._send(endpoint, path, content, token)
            async with response:
                self._streaming = response
                async for line in response.content:
                    answer = msgspec.json.decode(line, type=Answer)
                    if "error" in answer:
                        # The token may be the cause; the next call gets a new one.
                        if self._token == token:
                            self._token = None
                        raise EtcdError(_error_of(answer))
                    yield answer
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as failure:
            raise EtcdError(f"{endpoint}{path}: {_message_of(failure)}") from failure
        finally:
            self._streaming = None
        raise EtcdError(f"{endpoint}{path} has ended")

    def _prefer(self, endpoint: str) -> None:
        if endpoint != self._preferred and self._streaming is not None:
            self._streaming.close()
        self._preferred = endpoint

    def _in_order(self) -> tuple[str, ...]:
        return (self._preferred, *(e for e in self._settings.endpoints if e != self._preferred))

    async def _ask(self, endpoint: str, path: str, content: bytes) -> Answer:
        async with asyncio.timeout(self._timeout_s):
            token = await self._logged_in(endpoint, stale=None)
            status, answer = await self._post(endpoint, path, content, token)
            if status == _UNAUTHENTICATED or _is_stale(answer):
                # Members forget tokens after some minutes without use, and at a restart.
                token = await self._logged_in(endpoint, stale=token)
                status, answer = await self._post(endpoint, path, content, token)
        if status >= _LEAST_SERVER_FAULT:
            raise EtcdError(_error_of(answer) or f"status {status}")
        if "error" in answer:
            raise EtcdRefusedError(f"{endpoint}{path}: {_error_of(answer)}")
        return answer

    async def _logged_in(self, endpoint: str, *, stale: str | None) -> str:
        """Return a token other than `stale`; log in if there is none."""
        # Checking a password takes a member tens of milliseconds, so concurrent calls share one login.
        async with self._login:
            if self._token is None or self._token == stale:
                body = msgspec.json.encode({"name": self._settings.user, "password": self._settings.password})
                status, answer = await self._post(endpoint, "/v3/auth/authenticate", body, None)
                if status >= _LEAST_SERVER_FAULT:
                    raise EtcdError(_error_of(answer) or f"status {status}")
                if "token" not in answer:
                    raise EtcdRefusedError(f"{endpoint}: user {self._settings.user!r}: {_error_of(answer)}")
                self._token = str(answer["token"])
            return self._token

    async def _post(self, endpoint: str, path: str, content: bytes, token: str | None) -> tuple[int, Answer]:
        async with await self._send(endpoint, path, content, token) as response:
            text = await response.read()
            if response.status >= _LEAST_SERVER_FAULT and not text.startswith(b"{"):
                return response.status, {}
            # A streaming call answers one object on each line; our calls have one answer each.
            answer = msgspec.json.decode(text.splitlines()[0] if text else b"{}", type=Answer)
            return response.status, answer

    async def _send(
        self, endpoint: str, path: str, content: bytes, token: str | None
    ) -> aiohttp.ClientResponse:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = token
        return await self._open_session().post(endpoint + path, data=content, headers=headers)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._settings.ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context, keepalive_timeout=60),
                # Callers limit the time of an answer themselves; a streaming call has no limit.
                timeout=aiohttp.ClientTimeout(),
                trust_env=False,
            )
        return self._session


def _error_of(answer: Answer) -> str:
    error = answer.get("error")
    # A streaming call wraps its error in an object.
    return str(error.get("message", error)) if isinstance(error, dict) else str(error or "")


def _is_stale(answer: Answer) -> bool:
    error = _error_of(answer)
    return any(words in error for words in _STALE_TOKEN)


def _message_of(failure: BaseException) -> str:
    return str(failure) or (
        "no answer in time" if isinstance(failure, TimeoutError) else type(failure).__name__
    )
