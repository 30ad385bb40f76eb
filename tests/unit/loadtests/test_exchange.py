"""From an answer, or its absence, to the record and the verdict over the body."""

import json

import pytest

from loadtests.plan.schedule import Arrival
from loadtests.transport import exchange
from loadtests.transport.exchange import NoAnswerError, NotSentError, Reply
from loadtests.users import steps
from loadtests.users.steps import Application, Borrower, Step
from proof.files import encode
from proof.record import Outcome

DUE = Arrival(0, 10.0, "drawdown", reads=0)
KEY = "0123456789abcdef0123456789abcdef"
BORROWER = Borrower(entity="QH01", customer_id=1_000_000_007, limit_id=1_000_000_007)
DRAWDOWN = steps.drawdown(BORROWER, 500)
DRAWN = {"entry_id": KEY, "limit_id": BORROWER.limit_id, "amount_fen": 500}


class Fake:
    """Answers with what it was given, and remembers what it was asked."""

    def __init__(self, answer: Reply | Exception) -> None:
        self.answer = answer
        self.head = ""
        self.body = b""

    def send(self, head: str, body: bytes) -> Reply:
        self.head, self.body = head, body
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def reply(status: int, document: object, *, retry_after: bool = False) -> Reply:
    return Reply(status, json.dumps(document).encode(), retry_after)


def write(answer: Reply | Exception, step: Step = DRAWDOWN):
    times = iter((10.5, 10.75))
    return exchange.write(Fake(answer), step, key=KEY, arrival=DUE, clock=lambda: next(times))


def test_an_acknowledged_write_is_recorded_with_its_answer():
    record, answer = write(reply(201, DRAWN))
    assert answer == DRAWN
    assert (record.outcome, record.status, record.error) == (Outcome.ACKNOWLEDGED, 201, None)
    assert (record.planned_s, record.started_s, record.ended_s) == (10.0, 10.5, 10.75)
    line = json.loads(encode(record))
    assert line["response"] == DRAWN
    assert line["warm_up"] is False
    assert (line["key"], line["route"]) == (KEY, "/v1/limits/{id}/drawdowns")
    assert (line["limit_id"], line["customer_id"], line["amount_fen"]) == (1_000_000_007, 1_000_000_007, 500)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_answer_of_several_lines_is_recorded_on_one(end):
    """The gateway's own 504 ends with a newline: as it came, it would break the record in two."""
    document = {"type": "urn:loanstack:problem:indeterminate", "title": "No answer", "status": 504}
    body = json.dumps(document, indent=1).replace("\n", end) + end
    record, _ = write(Reply(504, body.encode(), False))
    line = encode(record).rstrip(b"\n")
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line)["response"] == document


def test_a_write_carries_its_entity_and_key():
    fake = Fake(reply(201, DRAWN))
    exchange.write(fake, DRAWDOWN, key=KEY, arrival=DUE, clock=lambda: 0.0)
    assert fake.head == (
        f"POST /v1/limits/1000000007/drawdowns HTTP/1.1\r\nX-Legal-Entity: QH01\r\nIdempotency-Key: {KEY}\r\n"
    )
    assert json.loads(fake.body) == {"amount_fen": 500}


@pytest.mark.parametrize(
    ("answer", "outcome", "status", "error"),
    [
        (NotSentError("connect: Connection refused"), "rejected", 0, "connect: Connection refused"),
        (NoAnswerError("timed out"), "indeterminate", 0, "timed out"),
        (Reply(502, b"<html>Bad Gateway</html>", False), "indeterminate", 502, "HTTP 502"),
        (Reply(201, b"<html>", False), "acknowledged", 201, "body: not JSON"),
        (reply(201, [1]), "acknowledged", 201, "body: not a JSON object"),
        (reply(422, {"type": "urn:x:limit-exceeded"}), "rejected", 422, "HTTP 422 limit-exceeded"),
        (reply(423, {"type": "https://x/frozen"}), "rejected", 423, "HTTP 423 frozen"),
        (reply(404, {}), "rejected", 404, "HTTP 404"),
        (reply(503, {"type": "a:b"}, retry_after=True), "rejected", 503, "HTTP 503 b"),
        (reply(504, {"type": "urn:x:indeterminate"}), "indeterminate", 504, "HTTP 504 indeterminate"),
    ],
)
def test_what_is_no_success_says_why(answer, outcome, status, error):
    record, found = write(answer)
    assert (record.outcome, record.status, record.error) == (outcome, status, error)
    assert found is None
    assert record.is_error


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"amount_fen": 501}, "body: amount_fen is 501; expected: 500"),
        ({"limit_id": 1}, "body: limit_id is 1; expected: 1000000007"),
        ({"entry_id": "f" * 32}, f"body: entry_id is '{'f' * 32}'; expected: the request's key"),
        ({"entry_id": None}, "body: entry_id is None; expected: str"),
    ],
)
def test_a_wrong_body_is_an_error_of_an_acknowledged_write(changed, error):
    record, answer = write(reply(201, {**DRAWN, **changed}))
    assert (record.outcome, record.error, answer) == (Outcome.ACKNOWLEDGED, error, None)


APPLICATION = Application(entity="QH02", customer_id=2_000_000_001, application_id=9)
ADMISSION = steps.admission(
    entity="QH02", customer_id=2_000_000_001, product_code="HUINONG", requested_fen=100_000
)
LIMIT = {
    "entity_code": "QH01",
    "limit_id": BORROWER.limit_id,
    "customer_id": BORROWER.customer_id,
    "cap_fen": 100,
    "used_fen": 50,
    "status": "active",
}


@pytest.mark.parametrize(
    ("step", "good", "bad", "error"),
    [
        (
            ADMISSION,
            {"application_id": 9, "decision": "admitted", "reasons": []},
            {"decision": "maybe"},
            "decision is 'maybe'; expected: admitted or declined",
        ),
        (
            ADMISSION,
            {"application_id": 9, "decision": "declined", "reasons": ["age"]},
            {"application_id": True},
            "application_id is True; expected: int",
        ),
        (
            steps.assessment(APPLICATION),
            {"application_id": 9, "score": 700, "grade": "A"},
            {"application_id": 8},
            "application_id is 8; expected: 9",
        ),
        (
            steps.grant(APPLICATION),
            {"application_id": 9, "limit_id": 9, "cap_fen": 5},
            {"cap_fen": "5"},
            "cap_fen is '5'; expected: int",
        ),
        (
            steps.freeze(BORROWER, "OVERDUE"),
            {"limit_id": BORROWER.limit_id, "status": "frozen"},
            {"status": "active"},
            "status is 'active'; expected: 'frozen'",
        ),
        (
            steps.unfreeze(BORROWER, "PAID"),
            {"limit_id": BORROWER.limit_id, "status": "active"},
            {"status": "frozen"},
            "status is 'frozen'; expected: 'active'",
        ),
        (
            steps.read_limit(BORROWER, status="active"),
            LIMIT,
            {"entity_code": "QH02"},
            "entity_code is 'QH02'; expected: 'QH01'",
        ),
        (
            steps.read_limit(BORROWER, used_fen_min=50),
            LIMIT,
            {"used_fen": 49},
            "used_fen is 49; drawn in this run: 50",
        ),
        (
            steps.read_entries(BORROWER, KEY),
            {"limit_id": BORROWER.limit_id, "entries": [{"entry_id": KEY}]},
            {"entries": [{"entry_id": "other"}]},
            f"entries lack {KEY}, which was acknowledged",
        ),
        (
            steps.read_customer(BORROWER),
            {"entity_code": "QH01", "customer_id": BORROWER.customer_id},
            {"customer_id": 1},
            "customer_id is 1; expected: 1000000007",
        ),
        (
            steps.read_products("QH03"),
            {"entity_code": "QH03", "products": []},
            {"products": None},
            "products is None; expected: list",
        ),
    ],
)
def test_each_kind_of_answer_is_checked(step, good, bad, error):
    assert steps.validate_response(step, good) is None
    assert steps.validate_response(step, {**good, **bad}) == f"body: {error}"
    json.loads(step.body or b"{}")


def test_a_query_is_recorded_without_a_key():
    fake = Fake(reply(200, LIMIT))
    record, answer = exchange.read(fake, steps.read_limit(BORROWER), clock=lambda: 7.0)
    assert "Idempotency-Key" not in fake.head
    assert (record.outcome, record.operation, record.route) == ("acknowledged", "limit", "/v1/limits/{id}")
    assert answer == LIMIT
    refused, nothing = exchange.read(Fake(reply(403, {})), steps.read_limit(BORROWER), clock=lambda: 7.0)
    assert (refused.outcome, refused.error, nothing) == ("rejected", "HTTP 403", None)


def test_a_write_whose_user_was_ended_may_have_happened():
    record = exchange.interrupted(DRAWDOWN, key=KEY, arrival=DUE, started_s=2.0, ended_s=3.0)
    assert (record.outcome, record.status, record.amount_fen) == ("indeterminate", 0, 500)


def test_an_arrival_that_nobody_was_free_for_is_an_error_without_a_request():
    record = exchange.unsent(DUE._replace(warm_up=True), key=KEY, ended_s=16.5)
    assert (record.outcome, record.is_error, record.limit_id) == ("unsent", True, None)
    assert (record.operation, record.planned_s, record.warm_up) == ("drawdown", 10.0, True)
