"""Checks before a run: gateways answer, customers are seeded; and the query for products."""

from collections.abc import Callable, Sequence

from inventory.model import Environment
from loadtests.transport import exchange
from loadtests.transport.exchange import Exchange
from loadtests.users import steps
from loadtests.users.journey import BALANCE_MAX_FEN
from loadtests.users.population import Population, Product
from loadtests.users.steps import Answer, Borrower, Step
from proof.record import Outcome


class NotReadyError(RuntimeError):
    """A load cannot begin; `problems` holds one sentence for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("; ".join(self.problems))


def population(
    environment: Environment, targets: Sequence[tuple[str, Exchange]], clock: Callable[[], float]
) -> Population:
    """Return the customers and products that a load may use.

    + targets: (URL, connection) of every gateway
    + clock: returns unix seconds

    Raises:
        NotReadyError: a gateway does not answer, an entity has no product, or customers are missing.
    """
    entities = tuple(entity.code for entity in environment.entities)
    problems: list[str] = []
    products: dict[str, tuple[Product, ...]] = {}
    for url, connection in targets:
        for entity in entities:
            answer = _ask(connection, steps.read_products(entity), url, clock, problems)
            if answer is None:
                break
            products[entity] = _products(answer)
            if not products[entity]:
                problems.append(f"legal entity {entity} offers no product; deploy the schema and seed")
    if problems:
        raise NotReadyError(problems)
    found = Population(
        entities=entities,
        customers_per_entity=environment.journey.customers // len(entities),
        products=products,
    )
    url, connection = targets[0]
    for borrower in _first_and_last(found):
        answer = _ask(connection, steps.read_limit(borrower), url, clock, problems)
        if answer is not None and answer["cap_fen"] - answer["used_fen"] < BALANCE_MAX_FEN:
            problems.append(
                f"limit {borrower.limit_id} has {answer['cap_fen'] - answer['used_fen']} fen left; "
                f"needed: {BALANCE_MAX_FEN}; seed a fresh database"
            )
    if problems:
        raise NotReadyError([*problems, "are all customers seeded? (python3 -m app_stub.seed)"])
    return found


def _first_and_last(found: Population) -> list[Borrower]:
    count = len(found.entities)
    return [found.borrower(index) for index in (*range(count), *range(found.size - count, found.size))]


def _ask(
    connection: Exchange, step: Step, url: str, clock: Callable[[], float], problems: list[str]
) -> Answer | None:
    record, answer = exchange.read(connection, step, clock=clock)
    if record.outcome is not Outcome.ACKNOWLEDGED or answer is None:
        problems.append(f"{url}{step.path} for {step.entity}: {record.error}")
    return answer


def _products(answer: Answer) -> tuple[Product, ...]:
    offered = (
        Product(code=found["product_code"], min_fen=found["min_fen"], max_fen=found["max_fen"])
        for found in answer["products"]
    )
    return tuple(sorted(offered, key=lambda product: product.min_fen))
