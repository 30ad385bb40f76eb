"""The agent's HTTP API: queries from any host, commands from the operator of its own host.

    GET  /primary[?unless=TAG&wait_ms=N]   the database to write to; waits until the tag differs from TAG
    GET  /leader                           200: this database is the one to write to (proxies check by it)
    GET  /standby[?lag=MS]                 200: this database is a standby, at most MS behind
    GET  /status, /history, /metrics, /healthz
    POST /switchover {"to", "dry_run", "wait"}
    POST /failover   {"to", "force", "accept_loss", "dry_run", "wait"}
    POST /rejoin     {"to", "dry_run"}
    POST /pause, /resume

A query that has a nonce gets a signed answer (`failover.signature`); one without is answered all the same,
for proxies and Prometheus, which verify nothing.

Commands must come from loopback and be signed. 409: refused, with every reason, and nothing was changed; 202:
the request is in etcd for the agents; 200: it is done, or its outcome is known.
"""

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from failover import signature
from failover.api import commands, problems
from failover.api.backend import Backend, RefusedError
from failover.api.command_check import CommandCheck
from failover.api.commands import Command
from failover.api.history import history_of
from failover.api.outcome import outcome_of
from failover.api.problems import Problem, ProblemError
from failover.core.observed import RequestKind
from failover.etcd.http_api import EtcdError
from failover.signature import Keys

_LOG = logging.getLogger("failover.api")
_BODY_BYTES_LIMIT = 16_384
_SHUTDOWN_S = 0.2
_NOBODY = "no standby that could take over is seen; name one to hear what speaks against it"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The routes of one agent."""

    def __init__(self, backend: Backend, keys: Keys) -> None:
        """Answer from `backend`; sign answers with `keys`, and accept commands that are signed with them."""
        self._backend = backend
        self._keys = keys
        self._command_check = CommandCheck(keys.token, backend.me)

    def application(self) -> web.Application:
        """Return the application for aiohttp."""
        app = web.Application(middlewares=[self._signed, _problems], client_max_size=_BODY_BYTES_LIMIT)
        app.router.add_get("/primary", self._primary)
        app.router.add_get("/leader", self._leader)
        app.router.add_get("/standby", self._standby)
        app.router.add_get("/status", self._status)
        app.router.add_get("/history", self._history)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        for kind in RequestKind:
            app.router.add_post(f"/{kind}", self._command(kind))
        app.router.add_post("/pause", self._pause)
        app.router.add_post("/resume", self._resume)
        return app

    async def _primary(self, request: web.Request) -> web.Response:
        long_poll = commands.long_poll_in(request.query)
        announcement = self._backend.announcement
        answer = announcement.answer
        if long_poll.unless == answer.tag and long_poll.wait_ms > 0:
            answer = await announcement.other_than(answer.tag, wait_s=long_poll.wait_ms / 1000)
        return _raw(answer.body, status=503 if answer.primary is None else 200)

    async def _leader(self, _: web.Request) -> web.Response:
        answer = self._backend.announcement.answer
        return _raw(answer.body, status=200 if answer.host == self._backend.me else 503)

    async def _standby(self, request: web.Request) -> web.Response:
        limit_ms = commands.max_lag_in(request.query)
        lag_ms = self._backend.standby_lag_ms()
        is_one = lag_ms is not None and (limit_ms is None or lag_ms <= limit_ms)
        said = {"host": self._backend.me, "lag_ms": lag_ms, "limit_ms": limit_ms}
        return _json(said, status=200 if is_one else 503)

    async def _status(self, _: web.Request) -> web.Response:
        return _json(self._backend.status())

    async def _history(self, _: web.Request) -> web.Response:
        return _json(history_of(await self._backend.history()))

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._backend.metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _: web.Request) -> web.Response:
        wrong = self._backend.health()
        return _json({"healthy": not wrong, "problems": wrong}, status=503 if wrong else 200)

    def _command(self, kind: RequestKind) -> _Handler:
        async def handler(request: web.Request) -> web.Response:
            return await self._carry_out(commands.command_in(await self._command_body(request), kind))

        return handler

    async def _pause(self, request: web.Request) -> web.Response:
        commands.nothing_in(await self._command_body(request))
        await self._backend.pause()
        return _json({"paused": True})

    async def _resume(self, request: web.Request) -> web.Response:
        commands.nothing_in(await self._command_body(request))
        await self._backend.resume()
        return _json({"paused": False})

    async def _carry_out(self, command: Command) -> web.Response:
        backend, kind = self._backend, command.kind
        to = command.to or (backend.me if kind is RequestKind.REJOIN else backend.successor())
        if to is None:
            raise RefusedError(_NOBODY)
        force, accept_loss = command.is_set("force"), command.is_set("accept_loss")
        against = await backend.objections(kind, to, force, accept_loss)
        if against:
            raise RefusedError(*against)
        said: dict[str, object] = {"kind": kind, "to": to}
        if command.is_set("dry_run"):
            return _json({**said, "dry_run": True})
        before = backend.announcement.answer
        said["id"] = request = await backend.submit(kind, to, force, accept_loss)
        _LOG.info("took a command", extra={"kind": kind, "to": to, "request": request})
        if not command.is_set("wait"):
            return _json(said, status=202)
        outcome = await outcome_of(backend, request, before=before, to=to)
        return _json({**said, "outcome": outcome}, status=202 if outcome is None else 200)

    async def _command_body(self, request: web.Request) -> bytes:
        """Return the body of a command that an operator of this host gave."""
        address = request.remote or "an unknown address"
        if not _is_loopback(address):
            raise ProblemError(problems.not_from_here(address))
        body = await request.read()
        self._command_check.check(request.headers, target=request.raw_path, body=body)
        return body

    @web.middleware
    async def _signed(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Sign the answer to a question that has a nonce."""
        answer = await handler(request)
        nonce = request.headers.get(signature.NONCE_HEADER, "")
        if signature.is_nonce(nonce) and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            answer.headers[signature.SIGNATURE_HEADER] = signature.of_answer(
                self._keys.of_answer(request.path),
                nonce=nonce,
                target=request.raw_path,
                status=answer.status,
                body=answer.body,
            )
        return answer


async def serve(backend: Backend, keys: Keys, *, addresses: Sequence[str], port: int) -> web.AppRunner:
    """Serve the API on loopback and on `addresses`; to end it: close the announcement, then `cleanup()`.

    Raises:
        OSError: an address does not exist (yet), or the port is in use.
    """
    runner = web.AppRunner(
        Api(backend, keys).application(), access_log=None, shutdown_timeout=_SHUTDOWN_S, handle_signals=False
    )
    await runner.setup()
    try:
        for address in dict.fromkeys(("127.0.0.1", *addresses)):
            await web.TCPSite(runner, address, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


@web.middleware
async def _problems(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turn every error into problem details."""
    try:
        return await handler(request)
    except ProblemError as wrong:
        return _problem(wrong.problem)
    except RefusedError as refusal:
        return _problem(problems.refused(refusal.reasons))
    except EtcdError as silent:
        return _problem(problems.etcd_silent(str(silent)))
    except web.HTTPException as wrong:
        answer = _problem(problems.of_status(wrong.status, wrong.reason))
        if "Allow" in wrong.headers:
            answer.headers["Allow"] = wrong.headers["Allow"]
        return answer
    except Exception:
        _LOG.exception("a request failed", extra={"path": request.path})
        return _problem(problems.internal())


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _problem(problem: Problem) -> web.Response:
    return _raw(problem.body(), status=problem.status, content_type=problems.CONTENT_TYPE)


def _json(value: object, *, status: int = 200) -> web.Response:
    return _raw(msgspec.json.encode(value), status=status)


def _raw(body: bytes, *, status: int = 200, content_type: str = "application/json") -> web.Response:
    return web.Response(body=body, status=status, content_type=content_type)
