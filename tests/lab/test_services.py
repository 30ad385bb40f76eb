"""The loan services as a client meets them: through the gateway, over TLS, from the DMZ."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from inventory.model import Environment
from tests.lab.conftest import Run

Answer = dict[str, Any]
Ask = Callable[..., list[Answer]]
OURS, THEIRS = "QH01", "QH02"
CUSTOMER = 1_000_000_000 + 99
OTHER_ENTITYS_LIMIT = 2_000_000_000 + 99


@pytest.fixture(scope="module")
def ask(seeded: Environment, run: Run) -> Ask:
    """Send requests one after the other; needs a few seeded customers."""
    gateway = seeded.hosts[0]
    client = [
        *seeded.client_command,
        sys.executable,
        str(Path(__file__).with_name("client.py")),
        str(seeded.ca_dir / "ca.pem"),
        str(gateway.dmz_address),
        seeded.gateway.server_name,
        str(seeded.gateway.port),
    ]

    def ask(*requests: dict[str, Any]) -> list[Answer]:
        done = run(*client, stdin=json.dumps(requests), deadline_s=60)
        assert done.exit_code == 0, done.output
        answers = json.loads(done.stdout)
        assert len(answers) == len(requests)
        return list(answers)

    return ask


def write(path: str, body: Any, *, key: str | None = None, entity: str = OURS) -> dict[str, Any]:
    headers = {"X-Legal-Entity": entity, "Idempotency-Key": key or uuid4().hex}
    return {"method": "POST", "path": path, "body": body, "headers": headers}


def read(path: str, *, entity: str = OURS) -> dict[str, Any]:
    return {"method": "GET", "path": path, "headers": {"X-Legal-Entity": entity}}


def is_problem(answer: Answer, status: int) -> bool:
    return (
        answer["status"] == status
        and answer["type"].startswith("application/problem+json")
        and answer["body"]["status"] == status
        and {"type", "title"} <= set(answer["body"])
    )


def test_the_whole_journey_moves_money_and_adds_up(ask: Ask) -> None:
    admitted = write(
        "/v1/admissions", {"customer_id": CUSTOMER, "product_code": "__first__", "requested_fen": 0}
    )
    products = ask(read("/v1/products"))[0]
    assert products["status"] == 200
    offers = products["body"]["products"]
    limit_path = f"/v1/limits/{CUSTOMER}"
    before = ask(read(limit_path))[0]["body"]
    draw, repay = 12_300, 2_300
    drawn, repaid, after, entries = ask(
        write(f"{limit_path}/drawdowns", {"amount_fen": draw}),
        write(f"{limit_path}/repayments", {"amount_fen": repay}),
        read(limit_path),
        read(f"{limit_path}/entries"),
    )
    assert (drawn["status"], repaid["status"]) == (201, 201)
    assert after["body"]["used_fen"] - before["used_fen"] == draw - repay
    assert {entry["kind"] for entry in entries["body"]["entries"]} >= {"drawdown", "repayment"}
    decisions = set()
    for offer in offers:
        admitted["body"] = {
            "customer_id": CUSTOMER,
            "product_code": offer["product_code"],
            "requested_fen": offer["min_fen"],
        }
        admitted["headers"]["Idempotency-Key"] = uuid4().hex
        answer = ask(admitted)[0]
        assert answer["status"] == 201, answer
        decisions.add(answer["body"]["decision"])
    assert decisions <= {"admitted", "declined"}


def test_a_repeated_key_gets_the_first_answer_and_moves_money_once(ask: Ask) -> None:
    key, path = uuid4().hex, f"/v1/limits/{CUSTOMER}"
    before, first, again, after = ask(
        read(path),
        write(f"{path}/drawdowns", {"amount_fen": 100}, key=key),
        write(f"{path}/drawdowns", {"amount_fen": 100}, key=key),
        read(path),
    )
    assert (first["status"], again["status"]) == (201, 201)
    assert first["body"] == again["body"]
    assert after["body"]["used_fen"] - before["body"]["used_fen"] == 100


def test_a_key_reused_with_another_body_is_a_conflict(ask: Ask) -> None:
    key, path = uuid4().hex, f"/v1/limits/{CUSTOMER}/drawdowns"
    first, other = ask(write(path, {"amount_fen": 100}, key=key), write(path, {"amount_fen": 101}, key=key))
    assert first["status"] == 201
    assert is_problem(other, 409)


def test_another_entitys_row_is_forbidden_and_untouched(ask: Ask) -> None:
    path = f"/v1/limits/{OTHER_ENTITYS_LIMIT}"
    before, read_refused, write_refused, after = ask(
        read(path, entity=THEIRS),
        read(path, entity=OURS),
        write(f"{path}/drawdowns", {"amount_fen": 100}, entity=OURS),
        read(path, entity=THEIRS),
    )
    assert before["status"] == 200
    assert is_problem(read_refused, 403)
    assert is_problem(write_refused, 403)
    assert after["body"] == before["body"]


def test_a_frozen_limit_is_locked_until_it_is_unfrozen(ask: Ask) -> None:
    path = f"/v1/limits/{CUSTOMER + 1}"
    frozen, locked, unfrozen, drawn = ask(
        write(f"{path}/freeze", {"warning_code": "collateral-value-drop"}),
        write(f"{path}/drawdowns", {"amount_fen": 100}),
        write(f"{path}/unfreeze", {"reason": "collateral revalued"}),
        write(f"{path}/drawdowns", {"amount_fen": 100}),
    )
    assert (frozen["status"], frozen["body"]["status"]) == (201, "frozen")
    assert is_problem(locked, 423)
    assert (unfrozen["status"], unfrozen["body"]["status"]) == (201, "active")
    assert drawn["status"] == 201


def test_no_draw_passes_the_limit(ask: Ask) -> None:
    path = f"/v1/limits/{CUSTOMER + 2}"
    limit = ask(read(path))[0]["body"]
    room = limit["cap_fen"] - limit["used_fen"]
    refused, after = ask(write(f"{path}/drawdowns", {"amount_fen": room + 1}), read(path))
    assert is_problem(refused, 422)
    assert "limit-exceeded" in refused["body"]["type"]
    assert after["body"]["used_fen"] == limit["used_fen"]


def test_all_invalid_fields_are_named_at_once(ask: Ask) -> None:
    (refused,) = ask(write("/v1/admissions", {"customer_id": "x", "product_code": 7, "requested_fen": -1}))
    assert is_problem(refused, 422)
    assert {e["field"] for e in refused["body"]["errors"]} == {"customer_id", "product_code", "requested_fen"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (read("/v1/limits/1000999999999"), 404),
        (read("/v1/nothing-here"), 404),
        (write(f"/v1/limits/{CUSTOMER}/drawdowns", "{not json"), 400),
        ({"method": "POST", "path": f"/v1/limits/{CUSTOMER}/drawdowns", "body": {"amount_fen": 1}}, 422),
        ({"method": "GET", "path": f"/v1/limits/{CUSTOMER}", "headers": {"X-Legal-Entity": "QH99"}}, 403),
    ],
)
def test_other_mistakes_are_problems_too(ask: Ask, request_: dict[str, Any], status: int) -> None:
    (answer,) = ask(request_)
    assert answer["status"] == status or (status in {403, 422} and answer["status"] in {400, 403, 422}), (
        answer
    )
    if request_["path"] != "/v1/nothing-here":
        assert answer["type"].startswith("application/problem+json")


def test_metrics_do_not_pass_the_gateway(ask: Ask) -> None:
    (hidden,) = ask({"method": "GET", "path": "/metrics"})
    assert hidden["status"] in {403, 404}


@pytest.mark.parametrize("host", ["app-a", "ob-a", "mon-c"])
def test_clients_reach_nothing_but_the_gateways(deployed: Environment, run: Run, host: str) -> None:
    target = deployed.host(host).address
    program = f"import socket; socket.create_connection(({target!r}, 22), timeout=2)"
    refused = run(*deployed.client_command, sys.executable, "-c", program)
    assert refused.exit_code != 0
    assert "unreachable" in refused.stderr.lower()
