"""From application to limit: admission, assessment, grant. Each reads, decides in pure code, then writes."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

from app_stub import problems, sql
from app_stub.database import Rows
from app_stub.idempotent_write import IdempotentWrite
from app_stub.journey import decisions
from app_stub.journey.rows import Application, Customer, Product
from app_stub.money import Kind
from app_stub.services import Answer, Request, Services, owned


async def admit(services: Services, request: Request) -> Answer:
    """Check an application against the entity's own thresholds and file it, admitted or declined."""
    return await _decide_and_write(services, request, _admission)


async def assess(services: Services, request: Request) -> Answer:
    """Score the applicant of an admitted application."""
    return await _decide_and_write(services, request, _assessment)


async def grant(services: Services, request: Request) -> Answer:
    """Open a limit for an assessed application; the limit takes the application's id."""
    return await _decide_and_write(services, request, _grant)


async def _decide_and_write(
    services: Services,
    request: Request,
    decide: Callable[[Services, Request], Awaitable[IdempotentWrite]],
) -> Answer:
    try:
        write = await decide(services, request)
    except problems.ProblemError as raised:
        if raised.problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        # A known key gets its first answer though the rows would be judged otherwise today.
        return await services.first_answer_or(request, raised)
    return await services.write(request, write)


async def _admission(services: Services, request: Request) -> IdempotentWrite:
    customer_id, code = request.integer("customer_id"), request.text("product_code")
    requested_fen = request.integer("requested_fen")
    (rows,) = await services.read(request, sql.select_applicant(customer_id=customer_id, product_code=code))
    customer = owned(_columns(rows, 0, sql.CUSTOMER_COLUMNS), Customer, request, f"customer {customer_id}")
    product = await _product(services, request, _columns(rows, sql.CUSTOMER_COLUMNS), code)
    year = datetime.fromtimestamp(services.clock_s(), UTC).year
    reasons = decisions.admission_reasons(customer, product, requested_fen=requested_fen, year=year)
    decision = "declined" if reasons else "admitted"
    application_id = services.ids.next()
    change = sql.insert_application(
        entity_code=request.entity_code,
        application_id=application_id,
        customer_id=customer_id,
        product_code=code,
        requested_fen=requested_fen,
        status=decision,
    )
    answer = {"application_id": application_id, "decision": decision, "reasons": list(reasons)}
    row = _row(request, Kind.ADMISSION, customer_id=customer_id, limit_id=None, answer=answer)
    return IdempotentWrite(row=row, change=lambda: (change,), shares_commit=True)


async def _assessment(services: Services, request: Request) -> IdempotentWrite:
    application, customer, product = await _case(services, request)
    score = decisions.score_of(customer)
    grade = decisions.grade_of(score, min_score=product.min_score)
    change = sql.assess_application(
        entity_code=request.entity_code, application_id=request.id, score=score, grade=grade
    )
    answer = {"application_id": request.id, "score": score, "grade": grade}
    row = _row(request, Kind.ASSESSMENT, customer_id=application.customer_id, limit_id=None, answer=answer)
    return _in_state(request, row, (change,), wanted="admitted")


async def _grant(services: Services, request: Request) -> IdempotentWrite:
    application, customer, product = await _case(services, request)
    cap_fen = decisions.granted_cap_fen(
        customer, product, requested_fen=application.requested_fen, grade=application.grade or "D"
    )
    limit_id = request.id
    mark = sql.grant_application(entity_code=request.entity_code, application_id=request.id)
    if cap_fen < 1:
        # Nothing may be granted. A statement that changes no row keeps replays and reasons on the one path.
        mark += " AND 1=0"
    opened = sql.insert_limit(
        entity_code=request.entity_code,
        limit_id=limit_id,
        customer_id=application.customer_id,
        product_code=application.product_code,
        cap_fen=max(cap_fen, 0),
    )
    answer = {"application_id": request.id, "limit_id": limit_id, "cap_fen": cap_fen}
    row = _row(request, Kind.GRANT, customer_id=application.customer_id, limit_id=limit_id, answer=answer)
    return _in_state(request, row, (mark, opened), wanted="assessed", grantable=cap_fen >= 1)


def _row(
    request: Request, kind: Kind, *, customer_id: int, limit_id: int | None, answer: Mapping[str, object]
) -> sql.JournalRow:
    return sql.JournalRow(
        entity_code=request.entity_code,
        idempotency_key=request.idempotency_key,
        request_hash=request.request_hash,
        kind=kind,
        limit_id=limit_id,
        customer_id=customer_id,
        entry=None,
        answer=msgspec.json.encode(answer),
    )


def _in_state(
    request: Request, row: sql.JournalRow, change: tuple[str, ...], *, wanted: str, grantable: bool = True
) -> IdempotentWrite:
    def refuse(rows: list[Rows]) -> problems.Problem | None:
        application = owned(rows[0], Application, request, f"application {request.id}")
        if application.status != wanted:
            return problems.wrong_state(
                f"application {request.id} is {application.status}; {row.kind.value} needs it {wanted}"
            )
        if not grantable:
            return problems.wrong_state(
                f"application {request.id} has grade {application.grade}: nothing can be granted"
            )
        return None

    return IdempotentWrite(
        row=row,
        change=lambda: change,
        shares_commit=True,
        explain=lambda: (sql.select_application(request.id),),
        refuse=refuse,
    )


async def _case(services: Services, request: Request) -> tuple[Application, Customer, Product]:
    (rows,) = await services.read(request, sql.select_case(request.id))
    behind = sql.APPLICATION_COLUMNS + sql.CUSTOMER_COLUMNS
    what = f"application {request.id}"
    application = owned(_columns(rows, 0, sql.APPLICATION_COLUMNS), Application, request, what)
    customer = owned(_columns(rows, sql.APPLICATION_COLUMNS, behind), Customer, request, what)
    product = await _product(services, request, _columns(rows, behind), application.product_code)
    return application, customer, product


def _columns(rows: Rows, first: int, end: int | None = None) -> Rows:
    return [row[first:end] for row in rows]


async def _product(services: Services, request: Request, rows: Rows, code: str) -> Product:
    if rows[0][0] is not None:
        return msgspec.convert(rows[0], Product, strict=False)
    (active,) = await services.read(request, sql.select_products(request.entity_code))
    codes = ", ".join(str(row[0]) for row in active) or "none"
    wrong = problems.FieldError(
        field="product_code", value=code, allowed=f"an active product of this entity: {codes}"
    )
    raise problems.ProblemError(problems.invalid_fields((wrong,)))
