"""The application: one HTTP request in, one answer out. Knows nothing of sockets."""

import logging
from collections.abc import Callable, Mapping, Sequence

from app_stub import problems, routes, validation
from app_stub.idempotency import request_hash
from app_stub.metrics import Metrics
from app_stub.problems import Problem, ProblemError
from app_stub.services import Answer, Request, Services, ok

_LOG = logging.getLogger("loan.application")
_OPEN_PATHS = ("/healthz", "/readyz", "/in-rotation", "/metrics")
_NO_HEADERS: tuple[tuple[bytes, bytes], ...] = ()


def problem_answer(problem: Problem) -> Answer:
    """Return the answer that carries `problem`."""
    headers = []
    if problem.retry_after_s is not None:
        headers.append((b"Retry-After", str(problem.retry_after_s).encode()))
    if problem.allow is not None:
        headers.append((b"Allow", problem.allow.encode()))
    return Answer(
        status=problem.status,
        body=problem.body(),
        content_type=problems.CONTENT_TYPE,
        headers=tuple(headers) or _NO_HEADERS,
    )


class Application:
    """Routes, validates, runs, answers and counts."""

    def __init__(
        self,
        services: Services,
        metrics: Metrics,
        clock_s: Callable[[], float],
        is_draining: Callable[[], bool],
        *,
        deadline_s: float,
        why_out: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._services = services
        self._metrics = metrics
        self._clock_s = clock_s
        self._is_draining = is_draining
        self._deadline_s = deadline_s
        self._why_out = why_out
        self._in_flight = 0
        metrics.in_flight.set_function(lambda: float(self._in_flight))

    async def handle(self, method: str, target: str, headers: Mapping[bytes, bytes], body: bytes) -> Answer:
        """Answer one request; never raises but for cancellation.

        Args:
            method: such as `POST`.
            target: path, with query if there is one.
            headers: by lower-case name.
            body: whole body, already within the size limit.
        """
        started_s = self._clock_s()
        self._in_flight += 1
        path, _, query = target.partition("?")
        template = path if path in _OPEN_PATHS else "unknown"
        try:
            if template != "unknown":
                answer = self._own_page(path, method)
            else:
                found, id_text = routes.find(path)
                route = found.get(method)
                if route is None:
                    answer = problem_answer(_no_route(path, method, found))
                else:
                    template = route.template
                    request = _request(route, id_text, query, headers, body, started_s + self._deadline_s)
                    answer = await route.operation(self._services, request)
        except ProblemError as raised:
            answer = problem_answer(raised.problem)
        except Exception:
            # The last resort of one request: the others go on, and the log has the trace.
            _LOG.exception("request failed", extra={"method": method, "path": path})
            # Whether a write had been sent is not known here, so it must not be called a definite no.
            answer = problem_answer(problems.indeterminate() if method == "POST" else problems.internal())
        finally:
            self._in_flight -= 1
        self._metrics.observe(template, method, answer.status, self._clock_s() - started_s)
        return answer

    def _own_page(self, path: str, method: str) -> Answer:
        if method != "GET":
            return problem_answer(problems.wrong_method(method, ("GET",)))
        if path == "/metrics":
            return Answer(
                status=200,
                body=self._metrics.page(),
                content_type=b"text/plain; version=0.0.4; charset=utf-8",
            )
        pool = self._services.pool
        if path == "/healthz":
            return ok({"status": "alive"})
        if self._is_draining():
            return problem_answer(problems.unavailable("stopping"))
        if not pool.usable:
            return problem_answer(problems.unavailable("no primary database is connected"))
        # Ready is what works; in rotation, what portals shall send requests to.
        if path == "/in-rotation" and (why := self._why_out()):
            return problem_answer(problems.unavailable(f"out of rotation: {', '.join(why)}"))
        return ok({"status": "ready", "primary": str(pool.primary)})


def _no_route(path: str, method: str, found: Mapping[str, routes.Route]) -> Problem:
    if found:
        return problems.wrong_method(method, tuple(sorted(found)))
    return problems.not_found(f"route {path[:200]}")


def _request(
    route: routes.Route,
    id_text: str,
    query: str,
    headers: Mapping[bytes, bytes],
    body: bytes,
    give_up_s: float,
) -> Request:
    """Return the validated request.

    Raises:
        ProblemError: 400 (no JSON object) or 422 with every invalid header, id and field.
    """
    entity = _text(headers.get(b"x-legal-entity"))
    key = _text(headers.get(b"idempotency-key"))
    errors = validation.header_errors(entity, key, needs_key=route.is_write)
    row_id: int | None = None
    if route.id_name is not None:
        row_id, wrong_id = validation.path_id(id_text, route.id_name)
        errors += wrong_id
    fields: dict[str, object] = {}
    if route.is_write:
        fields = validation.decode_object(body)
        errors += validation.field_errors(fields, route.fields)
    if errors or entity is None:
        raise ProblemError(problems.invalid_fields(tuple(errors)))
    return Request(
        route=route.template,
        row_id=row_id,
        entity_code=entity,
        idempotency_key=key or "",
        request_hash=request_hash(route.template, row_id, fields) if route.is_write else "",
        give_up_s=give_up_s,
        fields=fields,
        query=query,
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
