"""What must be there before a load begins."""

import json

import pytest

from inventory import environment
from loadtests.transport import preflight
from loadtests.transport.exchange import NotSentError, Reply
from tests.unit.loadtests.fake_services import Services

LAB = environment("lab")


class Target:
    """A gateway in front of fake services; `without` takes customers or products away."""

    def __init__(self, *, without: str = "", down: bool = False) -> None:
        self.services = Services("none")
        self.without = without
        self.down = down

    def send(self, head: str, body: bytes) -> Reply:
        if self.down:
            raise NotSentError("connect: Connection refused")
        method, path, _ = head.split(" ", 2)
        entity = head.split("X-Legal-Entity: ")[1][:4]
        status, answer = self.services.answer(method, path, entity, "", body)
        if self.without == "customers" and "/limits/" in path:
            return Reply(404, b'{"type": "urn:x:not-found"}', False)
        if self.without == "products":
            answer = {"entity_code": entity, "products": []}
        if self.without == "room":
            answer["used_fen"] = answer.get("cap_fen")
        return Reply(status, json.dumps(answer).encode(), False)


def ask(*targets: Target) -> preflight.Population:
    named = [(f"https://gw-{number}", target) for number, target in enumerate(targets)]
    return preflight.population(LAB, named, lambda: 0.0)


def test_a_seeded_environment_is_ready():
    found = ask(Target(), Target())
    assert found.entities == ("QH01", "QH02", "QH03", "QH04")
    assert found.size == LAB.journey.customers
    assert found.products["QH04"][0].code == "HUINONG"


@pytest.mark.parametrize(
    ("target", "count", "problem"),
    [
        (Target(down=True), 1, "https://gw-1/v1/products for QH01: connect: Connection refused"),
        (Target(without="products"), 4, "legal entity QH01 offers no product; deploy the schema and seed"),
    ],
)
def test_every_gateway_must_answer_with_products(target, count, problem):
    with pytest.raises(preflight.NotReadyError) as refused:
        ask(Target(), target)
    assert len(refused.value.problems) == count
    assert refused.value.problems[0] == problem


def test_the_first_and_the_last_customer_of_every_entity_must_be_there():
    with pytest.raises(preflight.NotReadyError) as refused:
        ask(Target(without="customers"))
    assert len(refused.value.problems) == 2 * 4 + 1
    assert "/v1/limits/4000025000 for QH04: HTTP 404 not-found" in refused.value.problems[7]


def test_limits_without_room_are_refused():
    with pytest.raises(preflight.NotReadyError, match="has 0 fen left; needed: 20000"):
        ask(Target(without="room"))
