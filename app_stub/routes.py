"""Table of routes: which path and method is which operation, with which fields. Pure look-up."""

from dataclasses import dataclass

from app_stub import validation
from app_stub.journey import applications, money_moves, queries, warnings
from app_stub.services import Operation


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One operation of the API."""

    template: str
    method: str
    operation: Operation
    fields: tuple[validation.Field, ...] = ()
    id_name: str | None = None
    """What the `{id}` in the template is called; None where the template has none."""

    @property
    def is_write(self) -> bool:
        """Writes need an idempotency key and have a body."""
        return self.method == "POST"


_AMOUNT = (validation.amount_field("amount_fen"),)

ROUTES = (
    Route(
        template="/v1/admissions",
        method="POST",
        operation=applications.admit,
        fields=(
            validation.id_field("customer_id"),
            validation.code_field("product_code"),
            validation.amount_field("requested_fen"),
        ),
    ),
    Route(
        template="/v1/applications/{id}/assessment",
        method="POST",
        operation=applications.assess,
        id_name="application_id",
    ),
    Route(
        template="/v1/applications/{id}/grant",
        method="POST",
        operation=applications.grant,
        id_name="application_id",
    ),
    Route(
        template="/v1/limits/{id}/drawdowns",
        method="POST",
        operation=money_moves.draw_down,
        fields=_AMOUNT,
        id_name="limit_id",
    ),
    Route(
        template="/v1/limits/{id}/repayments",
        method="POST",
        operation=money_moves.repay,
        fields=_AMOUNT,
        id_name="limit_id",
    ),
    Route(
        template="/v1/limits/{id}/freeze",
        method="POST",
        operation=warnings.freeze,
        fields=(validation.text_field("warning_code"),),
        id_name="limit_id",
    ),
    Route(
        template="/v1/limits/{id}/unfreeze",
        method="POST",
        operation=warnings.unfreeze,
        fields=(validation.text_field("reason"),),
        id_name="limit_id",
    ),
    Route(template="/v1/products", method="GET", operation=queries.get_products),
    Route(template="/v1/customers/{id}", method="GET", operation=queries.get_customer, id_name="customer_id"),
    Route(template="/v1/limits/{id}", method="GET", operation=queries.get_limit, id_name="limit_id"),
    Route(
        template="/v1/limits/{id}/entries", method="GET", operation=queries.get_entries, id_name="limit_id"
    ),
)

_BY_TEMPLATE: dict[str, dict[str, Route]] = {}
for _route in ROUTES:
    _BY_TEMPLATE.setdefault(_route.template, {})[_route.method] = _route


def find(path: str) -> tuple[dict[str, Route], str]:
    """Return the routes of `path` by method (none if it is unknown), and the text that stands for `{id}`."""
    exact = _BY_TEMPLATE.get(path)
    if exact is not None and "{" not in path:
        return exact, ""
    parts = path.split("/", 4)
    if len(parts) < 4 or not parts[3]:
        return {}, ""
    tail = f"/{parts[4]}" if len(parts) == 5 else ""
    return _BY_TEMPLATE.get(f"/{parts[1]}/{parts[2]}/{{id}}{tail}", {}), parts[3]
