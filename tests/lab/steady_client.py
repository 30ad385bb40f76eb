"""Clients that go on asking until stdin ends, run where clients stand; prints what became of their requests.

Usage: `<client_command> python -m tests.lab.steady_client CA_FILE SERVER_NAME PORT ENTITY ADDRESS...`, from
the checkout. Half are queries, half are writes with a key (to limits that may not exist: a definite no is an
answer). It prints `ASKING` once each client's first request is over.
"""

import collections
import http.client
import json
import ssl
import sys
import threading
import time
import uuid

from tests.lab.client import NamedConnection

CLIENTS_EACH = 4
PAUSE_S = 0.05
ASKING = "asking"
FIRST_WITHIN_S = 60.0


def ask(connection: NamedConnection, entity: str, *, writes: bool, number: int) -> str:
    """Return the status, or the name of what went wrong."""
    headers = {"X-Legal-Entity": entity, "Content-Type": "application/json"}
    method, path, body = "GET", "/v1/products", None
    if writes:
        headers["Idempotency-Key"] = str(uuid.uuid4())
        method, path, body = "POST", f"/v1/limits/{number}/drawdowns", '{"amount_fen": 100}'
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as broken:
        connection.close()
        return type(broken).__name__
    return str(answer.status)


def main(ca_file: str, name: str, port: str, entity: str, *addresses: str) -> None:
    """Ask until stdin ends."""
    over = threading.Event()
    seen: collections.Counter[str] = collections.Counter()
    context = ssl.create_default_context(cafile=ca_file)
    all_ask = threading.Barrier(CLIENTS_EACH * len(addresses) + 1, timeout=FIRST_WITHIN_S)

    def act(address: str, first: int) -> None:
        connection = NamedConnection(address, int(port), name, context)
        number = first
        while not over.is_set():
            said = ask(connection, entity, writes=number % 2 == 0, number=number)
            seen[said] += 1
            if number == first:
                all_ask.wait()
            number += 1
            time.sleep(PAUSE_S)

    threads = [
        threading.Thread(target=act, args=(address, 1000 * each))
        for address in addresses
        for each in range(CLIENTS_EACH)
    ]
    for thread in threads:
        thread.start()
    all_ask.wait()
    sys.stdout.write(f"{ASKING}\n")
    sys.stdout.flush()
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
