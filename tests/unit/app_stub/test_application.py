"""The API: routes, problems, own pages; against the database in memory."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from app_stub import routes
from app_stub.application import Application
from app_stub.idempotent_write import Writer
from app_stub.reads import Reader
from app_stub.rotation import reasons
from app_stub.services import Answer, Services
from tests import virtual_time
from tests.unit.app_stub.fakes import ENTITY, FakeDatabase, FakeLimit, FakePool, metrics

LIMIT = 1_000_000_001
KEY = "a" * 32
HEADERS = {b"x-legal-entity": b"QH01", b"idempotency-key": KEY.encode()}


class Service:
    """One application on one database in memory."""

    def __init__(self) -> None:
        self.database = FakeDatabase(limits={LIMIT: FakeLimit(entity=ENTITY, cap_fen=1000)})
        self.pool: Any = FakePool(self.database)
        self.metrics = metrics()
        self.is_draining = False
        self.out_of_rotation: Path | None = None
        writer = Writer(self.pool, self.metrics, lambda: None, clock_s=virtual_time.now_s)
        reader = Reader(self.pool, lambda: None, virtual_time.now_s)
        services = Services(pool=self.pool, writer=writer, reader=reader, metrics=self.metrics)
        self.application = Application(
            services,
            self.metrics,
            virtual_time.now_s,
            lambda: self.is_draining,
            deadline_s=0.05,
            why_out=lambda: reasons(self.out_of_rotation),
        )

    def call(
        self, method: str, target: str, body: bytes = b"", headers: dict[bytes, bytes] = HEADERS
    ) -> tuple[Answer, Any]:
        answer = virtual_time.run(self.application.handle(method, target, headers, body))
        if answer.content_type.startswith(b"text/"):
            return answer, answer.body.decode()
        return answer, msgspec.json.decode(answer.body)


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_drawdown_and_its_replay(service: Service) -> None:
    target = f"/v1/limits/{LIMIT}/drawdowns"
    first, document = service.call("POST", target, b'{"amount_fen": 100}')
    second, _ = service.call("POST", target, b'{ "amount_fen":100 }')
    assert (first.status, document) == (201, {"entry_id": KEY, "limit_id": LIMIT, "amount_fen": 100})
    assert (second.status, second.body) == (201, first.body)
    assert second.headers == ((b"Idempotent-Replayed", b"true"),)
    assert service.database.limits[LIMIT].used_fen == 100


def test_a_warning_freezes_and_a_reason_unfreezes(service: Service) -> None:
    _, frozen = service.call("POST", f"/v1/limits/{LIMIT}/freeze", b'{"warning_code":"HERD-LOSS"}')
    assert frozen == {"limit_id": LIMIT, "status": "frozen"}
    other_key = HEADERS | {b"idempotency-key": b"b" * 32}
    refused, problem = service.call("POST", f"/v1/limits/{LIMIT}/drawdowns", b'{"amount_fen":1}', other_key)
    assert (refused.status, problem["type"]) == (423, "urn:loanstack:problem:frozen")
    _, active = service.call(
        "POST", f"/v1/limits/{LIMIT}/unfreeze", '{"reason":"价格回升"}'.encode(), other_key
    )
    assert active == {"limit_id": LIMIT, "status": "active"}


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "kind"),
    [
        ("POST", "/v1/limits/1/drawdowns", b"{", 400, "bad-json"),
        ("GET", "/v1/nothing", b"", 404, "not-found"),
        ("GET", "/", b"", 404, "not-found"),
        ("GET", "/v1/limits/{id}", b"", 422, "invalid-fields"),
        ("GET", "/v1/limits//entries", b"", 404, "not-found"),
        ("GET", "/v1/limits/1/entries/2", b"", 404, "not-found"),
        ("DELETE", f"/v1/limits/{LIMIT}", b"", 405, "wrong-method"),
        ("POST", "/healthz", b"", 405, "wrong-method"),
        ("GET", "/v1/limits/5", b"", 404, "not-found"),
        ("GET", f"/v1/limits/{LIMIT}/entries?count=0", b"", 422, "invalid-fields"),
        ("POST", f"/v1/limits/{LIMIT}/drawdowns", b'{"amount_fen":1001}', 422, "limit-exceeded"),
        ("POST", f"/v1/limits/{LIMIT}/repayments", b'{"amount_fen":1}', 422, "repayment-exceeds-debt"),
    ],
)
def test_problems(service: Service, method: str, target: str, body: bytes, status: int, kind: str) -> None:
    answer, problem = service.call(method, target, body)
    assert (answer.status, answer.content_type) == (status, b"application/problem+json")
    assert (problem["status"], problem["type"]) == (status, f"urn:loanstack:problem:{kind}")
    assert problem["title"]
    assert problem["detail"]
    assert service.database.journal == {}


def test_every_invalid_part_of_a_request_is_named_at_once(service: Service) -> None:
    answer, problem = service.call("POST", "/v1/limits/x/drawdowns", b'{"amount_fen":0,"z":1}', {})
    assert answer.status == 422
    assert [error["field"] for error in problem["errors"]] == [
        "X-Legal-Entity", "Idempotency-Key", "limit_id", "amount_fen", "z",
    ]  # fmt: skip
    assert all(set(error) == {"field", "value", "allowed"} for error in problem["errors"])


def test_another_entitys_limit_is_forbidden_to_read_and_to_write(service: Service) -> None:
    stranger = HEADERS | {b"x-legal-entity": b"QH02"}
    read, _ = service.call("GET", f"/v1/limits/{LIMIT}", headers=stranger)
    written, problem = service.call("POST", f"/v1/limits/{LIMIT}/drawdowns", b'{"amount_fen":1}', stranger)
    assert (read.status, written.status) == (403, 403)
    assert "QH01" not in str(problem)


def test_own_pages(service: Service) -> None:
    assert service.call("GET", "/healthz", headers={})[0].status == 200
    assert service.call("GET", "/readyz", headers={})[1] == {"status": "ready", "primary": "fake"}
    service.pool.usable = False
    answer, _ = service.call("GET", "/readyz", headers={})
    assert (answer.status, answer.headers) == (503, ((b"Retry-After", b"1"),))
    service.pool.usable, service.is_draining = True, True
    assert service.call("GET", "/readyz", headers={})[0].status == 503
    assert service.call("GET", "/healthz", headers={})[0].status == 200


def test_out_of_rotation_it_is_ready_and_wants_no_requests(service: Service, tmp_path: Path) -> None:
    assert service.call("GET", "/in-rotation", headers={})[0].status == 200
    service.out_of_rotation = tmp_path
    (tmp_path / "upgrade").touch()
    answer, problem = service.call("GET", "/in-rotation", headers={})
    assert (answer.status, "out of rotation: upgrade" in str(problem)) == (503, True)
    assert service.call("GET", "/readyz", headers={})[0].status == 200
    (tmp_path / "upgrade").unlink()
    assert service.call("GET", "/in-rotation", headers={})[0].status == 200
    tmp_path.rmdir()
    assert service.call("GET", "/in-rotation", headers={})[0].status == 200


def test_metrics_count_by_template_and_never_by_path(service: Service) -> None:
    service.call("POST", f"/v1/limits/{LIMIT}/drawdowns", b'{"amount_fen":1}')
    service.call("GET", "/v1/secret-scan")
    _, page = service.call("GET", "/metrics")
    expected = 'loan_request_seconds_count{method="POST",route="/v1/limits/{id}/drawdowns",status="201"} 1.0'
    assert expected in page
    assert 'route="unknown"' in page
    assert "secret-scan" not in page
    assert "loan_pool_idle" in page


def test_a_fault_of_the_service_is_no_definite_no_for_a_write(service: Service) -> None:
    def broken() -> None:
        raise RuntimeError("made by the test")

    service.database.before_read = broken
    read, _ = service.call("GET", f"/v1/limits/{LIMIT}")
    written, problem = service.call("POST", f"/v1/limits/{LIMIT}/drawdowns", b'{"amount_fen":1001}')
    assert read.status == 500
    assert (written.status, problem["type"]) == (504, "urn:loanstack:problem:indeterminate")


def test_every_route_is_found_by_its_own_path() -> None:
    for route in routes.ROUTES:
        found, id_text = routes.find(route.template.replace("{id}", "17"))
        assert found[route.method] is route
        assert id_text == ("17" if route.id_name else "")
