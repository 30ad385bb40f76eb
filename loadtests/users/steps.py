"""The requests of the loan journey, and the expected answers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Answer = Mapping[str, Any]

DECISIONS = ("admitted", "declined")
DEFINITE_NO = (0, 503)
"""HTTP statuses of a rejection that changed nothing: never sent, or no primary."""


class Borrower(NamedTuple):
    """A customer of one legal entity, and one of its limits."""

    entity: str
    customer_id: int
    limit_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Application:
    """An admitted application on its way to a grant."""

    entity: str
    customer_id: int
    application_id: int


class Step(NamedTuple):
    """One request, ready to be sent. A tuple, because one is made for every request."""

    operation: str
    method: str
    route: str
    """Route template, by which requests are grouped."""
    path: str
    entity: str
    body: bytes
    expected: tuple[tuple[str, object], ...]
    """Fields that a right answer repeats."""
    customer_id: int | None = None
    limit_id: int | None = None
    amount_fen: int = 0
    used_fen_min: int = 0
    """Least used part that a read limit must show: this run's own drawdowns."""
    entry_id: str | None = None
    """Entry that a list of entries must contain: this run's own last one."""
    subject: Borrower | Application | None = None
    """The object that the journey keeps the state of."""
    allowed_refusal: str | None = None
    """Kind of a problem that is also a right answer, such as `limit-exceeded`."""
    expect_refusal: bool = False
    """Whether the request is never allowed, so that any acknowledgement is wrong."""


def admission(*, entity: str, customer_id: int, product_code: str, requested_fen: int) -> Step:
    """Ask whether a customer may borrow at all."""
    body = f'{{"customer_id":{customer_id},"product_code":"{product_code}","requested_fen":{requested_fen}}}'
    return Step(
        operation="admission",
        method="POST",
        route="/v1/admissions",
        path="/v1/admissions",
        entity=entity,
        body=body.encode(),
        expected=(),
        customer_id=customer_id,
        subject=Borrower(entity=entity, customer_id=customer_id, limit_id=0),
    )


def assessment(application: Application) -> Step:
    """Have an admitted application scored."""
    return _of_application("assessment", application)


def grant(application: Application) -> Step:
    """Grant a limit to an assessed application."""
    return _of_application("grant", application)


def drawdown(borrower: Borrower, amount_fen: int) -> Step:
    """Draw money under a limit."""
    return _money("drawdown", "drawdowns", borrower, amount_fen)


def contended_drawdown(borrower: Borrower, amount_fen: int, *, cap_fen: int) -> Step:
    """Draw money under a limit that others draw on too, and that may be used up."""
    return drawdown(borrower, amount_fen)._replace(
        allowed_refusal=_NO_ROOM, expect_refusal=amount_fen > cap_fen
    )


_NO_ROOM = "limit-exceeded"


def repayment(borrower: Borrower, amount_fen: int) -> Step:
    """Pay money back."""
    return _money("repayment", "repayments", borrower, amount_fen)


def freeze(borrower: Borrower, warning_code: str) -> Step:
    """Freeze a limit because of an early warning."""
    body = f'{{"warning_code":"{warning_code}"}}'.encode()
    return _of_limit("freeze", "freeze", borrower, body, (("status", "frozen"),))


def unfreeze(borrower: Borrower, reason: str) -> Step:
    """Unfreeze a frozen limit."""
    body = f'{{"reason":"{reason}"}}'.encode()
    return _of_limit("unfreeze", "unfreeze", borrower, body, (("status", "active"),))


def read_limit(borrower: Borrower, *, status: str | None = None, used_fen_min: int = 0) -> Step:
    """Query a limit.

    + status: expected status; None if it is not known
    + used_fen_min: least used part of the limit
    """
    known = () if status is None else (("status", status),)
    return Step(
        operation="limit",
        method="GET",
        route="/v1/limits/{id}",
        path=f"/v1/limits/{borrower.limit_id}",
        entity=borrower.entity,
        body=b"",
        expected=(
            ("entity_code", borrower.entity),
            ("limit_id", borrower.limit_id),
            ("customer_id", borrower.customer_id),
            *known,
        ),
        used_fen_min=used_fen_min,
        subject=borrower,
    )


def read_entries(borrower: Borrower, entry_id: str) -> Step:
    """Query the entries under a limit, which must contain `entry_id`."""
    return Step(
        operation="entries",
        method="GET",
        route="/v1/limits/{id}/entries",
        path=f"/v1/limits/{borrower.limit_id}/entries",
        entity=borrower.entity,
        body=b"",
        expected=(("limit_id", borrower.limit_id),),
        entry_id=entry_id,
    )


def read_customer(borrower: Borrower) -> Step:
    """Query a customer."""
    return Step(
        operation="customer",
        method="GET",
        route="/v1/customers/{id}",
        path=f"/v1/customers/{borrower.customer_id}",
        entity=borrower.entity,
        body=b"",
        expected=(("entity_code", borrower.entity), ("customer_id", borrower.customer_id)),
    )


def read_products(entity: str) -> Step:
    """Query the products of a legal entity."""
    route = "/v1/products"
    return Step(
        operation="products",
        method="GET",
        route=route,
        path=route,
        entity=entity,
        body=b"",
        expected=(("entity_code", entity),),
    )


def _of_application(operation: str, application: Application) -> Step:
    return Step(
        operation=operation,
        method="POST",
        route=f"/v1/applications/{{id}}/{operation}",
        path=f"/v1/applications/{application.application_id}/{operation}",
        entity=application.entity,
        body=b"{}",
        expected=(("application_id", application.application_id),),
        customer_id=application.customer_id,
        subject=application,
    )


def _money(operation: str, resource: str, borrower: Borrower, amount_fen: int) -> Step:
    return Step(
        operation=operation,
        method="POST",
        route=_MONEY_ROUTES[resource],
        path=f"/v1/limits/{borrower.limit_id}/{resource}",
        entity=borrower.entity,
        body=b'{"amount_fen":%d}' % amount_fen,
        expected=(("limit_id", borrower.limit_id), ("amount_fen", amount_fen)),
        customer_id=borrower.customer_id,
        limit_id=borrower.limit_id,
        amount_fen=amount_fen,
        subject=borrower,
    )


_MONEY_ROUTES = {name: f"/v1/limits/{{id}}/{name}" for name in ("drawdowns", "repayments")}


def _of_limit(
    operation: str, resource: str, borrower: Borrower, body: bytes, expected: tuple[tuple[str, object], ...]
) -> Step:
    return Step(
        operation=operation,
        method="POST",
        route=f"/v1/limits/{{id}}/{resource}",
        path=f"/v1/limits/{borrower.limit_id}/{resource}",
        entity=borrower.entity,
        body=body,
        expected=(("limit_id", borrower.limit_id), *expected),
        customer_id=borrower.customer_id,
        limit_id=borrower.limit_id,
        subject=borrower,
    )


def validate_response(step: Step, answer: object) -> str | None:
    """Return the problem with the JSON of a 2xx answer to `step`, or None."""
    if step.expect_refusal:
        return "more than the whole limit was drawn"
    if not isinstance(answer, dict):
        return "body: not a JSON object"
    for name, value in step.expected:
        if answer.get(name) != value:
            return f"body: {name} is {answer.get(name)!r}; expected: {value!r}"
    needed = _NEEDED.get(step.operation)
    if needed is not None:
        for name, kind in needed:
            # JSON's true is an int to Python; no id is.
            if not isinstance(answer.get(name), kind) or isinstance(answer.get(name), bool):
                return f"body: {name} is {answer.get(name)!r}; expected: {kind.__name__}"
    if step.operation == "admission" and answer["decision"] not in DECISIONS:
        return f"body: decision is {answer['decision']!r}; expected: {' or '.join(DECISIONS)}"
    if step.used_fen_min and answer["used_fen"] < step.used_fen_min:
        return f"body: used_fen is {answer['used_fen']}; drawn in this run: {step.used_fen_min}"
    if step.entry_id is not None and all(entry["entry_id"] != step.entry_id for entry in answer["entries"]):
        return f"body: entries lack {step.entry_id}, which was acknowledged"
    return None


_NEEDED: dict[str, tuple[tuple[str, type], ...]] = {
    "admission": (("application_id", int), ("decision", str), ("reasons", list)),
    "drawdown": (("entry_id", str),),
    "repayment": (("entry_id", str),),
    "assessment": (("score", int), ("grade", str)),
    "grant": (("limit_id", int), ("cap_fen", int)),
    "limit": (("cap_fen", int), ("used_fen", int), ("status", str)),
    "entries": (("entries", list),),
    "products": (("products", list),),
}
