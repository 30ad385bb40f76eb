"""The store's own door: etcd's JSON gateway over HTTPS, with its users, and whichever member answers."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from failover.settings import Store

_UNAUTHENTICATED = 401
_LEAST_SERVER_FAULT = 500
_STALE_TOKEN = ("invalid auth token", "auth store is old", "user name is empty")
"""What etcd says when one has to log in (again); some of it with status 400."""

Answer = dict[str, Any]


class StoreError(ConnectionError):
    """No member of the store gave an answer: unreachable, without a majority, or none in time."""


class StoreRefusedError(StoreError):
    """The store answered that it will not: wrong password, no right, or a request it does not know."""


def encoded(text: str) -> str:
    """Return `text` as etcd wants keys and values."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """Return a key or value of etcd as text."""
    return base64.b64decode(text).decode()


class Gateway:
    """Calls of etcd's JSON gateway: the member that answered last is asked first, then the nearest ones."""

    def __init__(
        self,
        store: Store,
        *,
        timeout_ms: int,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            store: endpoints, user and certificate authority.
            timeout_ms: how long one member may take for one answer.
            on_failure: told the endpoint whenever a member gave none.
        """
        self._store = store
        self._timeout_s = timeout_ms / 1000
        self._on_failure = on_failure
        self._preferred = store.endpoints[0]
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

        A call that a member may have carried out before it fell silent is sent to the next one all the same:
        callers must bear that it happens twice.

        Raises:
            StoreRefusedError: the store will not.
            StoreError: no member answered.
        """
        content = msgspec.json.encode(body)
        failures = []
        for endpoint in self._in_order():
            try:
                answer = await self._ask(endpoint, path, content)
            except StoreRefusedError:
                raise
            except (aiohttp.ClientError, TimeoutError, StoreError, OSError, msgspec.DecodeError) as failure:
                self._on_failure(endpoint)
                failures.append(f"{endpoint}: {_said(failure)}")
            else:
                self._prefer(endpoint)
                return answer
        raise StoreError("; ".join(failures))

    async def stream(self, path: str, bodies: Sequence[Mapping[str, object]]) -> AsyncIterator[Answer]:
        """Yield what the preferred member answers to a call that goes on for ever.

        One at a time: it ends with an error once the member is silent to calls and another one is preferred.

        Raises:
            StoreError: the member took no such call, or tells no more.
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
                        # It may be the token: the next call has another.
                        if self._token == token:
                            self._token = None
                        raise StoreError(_error_of(answer))
                    yield answer
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as failure:
            raise StoreError(f"{endpoint}{path}: {_said(failure)}") from failure
        finally:
            self._streaming = None
        raise StoreError(f"{endpoint}{path} has ended")

    def _prefer(self, endpoint: str) -> None:
        if endpoint != self._preferred and self._streaming is not None:
            self._streaming.close()
        self._preferred = endpoint

    def _in_order(self) -> tuple[str, ...]:
        return (self._preferred, *(e for e in self._store.endpoints if e != self._preferred))

    async def _ask(self, endpoint: str, path: str, content: bytes) -> Answer:
        async with asyncio.timeout(self._timeout_s):
            token = await self._logged_in(endpoint, stale=None)
            status, answer = await self._post(endpoint, path, content, token)
            if status == _UNAUTHENTICATED or _is_stale(answer):
                # Members forget tokens: after minutes without use, and when they are restarted.
                token = await self._logged_in(endpoint, stale=token)
                status, answer = await self._post(endpoint, path, content, token)
        if status >= _LEAST_SERVER_FAULT:
            raise StoreError(_error_of(answer) or f"status {status}")
        if "error" in answer:
            raise StoreRefusedError(f"{endpoint}{path}: {_error_of(answer)}")
        return answer

    async def _logged_in(self, endpoint: str, *, stale: str | None) -> str:
        """Return a token other than `stale`, logging in where there is none."""
        # Checking a password costs a member tens of milliseconds: calls that go on side by side share one.
        async with self._login:
            if self._token is None or self._token == stale:
                body = msgspec.json.encode({"name": self._store.user, "password": self._store.password})
                status, answer = await self._post(endpoint, "/v3/auth/authenticate", body, None)
                if status >= _LEAST_SERVER_FAULT:
                    raise StoreError(_error_of(answer) or f"status {status}")
                if "token" not in answer:
                    raise StoreRefusedError(f"{endpoint}: user {self._store.user!r}: {_error_of(answer)}")
                self._token = str(answer["token"])
            return self._token

    async def _post(self, endpoint: str, path: str, content: bytes, token: str | None) -> tuple[int, Answer]:
        async with await self._send(endpoint, path, content, token) as response:
            text = await response.read()
            if response.status >= _LEAST_SERVER_FAULT and not text.startswith(b"{"):
                return response.status, {}
            # A streaming call answers one object a line; ours are of one answer each.
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
            context = ssl.create_default_context(cafile=self._store.ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context, keepalive_timeout=60),
                # Whoever waits for an answer bounds that; a call that streams has none.
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


def _said(failure: BaseException) -> str:
    return str(failure) or (
        "no answer in time" if isinstance(failure, TimeoutError) else type(failure).__name__
    )
