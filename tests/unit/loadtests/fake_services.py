"""The loan services' HTTP API over a dictionary: strict about money, keys and states, with faults on demand.

`python fake_services.py [--fault NAME] [--delays-ms MS ...]` listens on a free port of 127.0.0.1, and prints
it.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence

STRIDE = 1_000_000_000
CAP_FEN = 3_000_000
PRODUCTS = [{"product_code": "HUINONG", "min_fen": 100_000, "max_fen": 20_000_000}]
FAULTS = ("none", "slow", "reset", "wrong-amount", "unavailable", "refuse", "overdraw", "stingy")
STALL_S = 30.0
_ROUTE = re.compile(r"/v1/(?P<noun>\w+)(?:/(?P<id>\d+))?(?:/(?P<verb>\w+))?")


class Services:
    def __init__(self, fault: str, delays_ms: Sequence[float] = ()) -> None:
        self.fault = fault
        self.delays_ms = delays_ms
        self.requests = 0
        self.writes = 0
        self.used: dict[int, int] = {}
        self.caps: dict[int, int] = {}
        self.owners: dict[int, int] = {}
        self.frozen: set[int] = set()
        self.entries: dict[int, list[str]] = {}
        self.applications: dict[int, str] = {}

    def answer(self, method: str, path: str, entity: str, key: str, body: bytes) -> tuple[int, dict]:
        match = _ROUTE.fullmatch(path)
        if match is None:
            return 404, {"type": "urn:fake:not-found"}
        noun, row_id, verb = match["noun"], int(match["id"] or 0), match["verb"]
        own = row_id // STRIDE == int(entity[2:]) or row_id < STRIDE
        if row_id and not own:
            return 403, {"type": "urn:fake:other-entity"}
        if method == "GET":
            return 200, self.query(noun, row_id, verb, entity)
        if len(key) != 32:
            return 422, {"type": "urn:fake:invalid-fields"}
        self.writes += 1
        return self.write(noun, row_id, verb, key, json.loads(body))

    def query(self, noun: str, row_id: int, verb: str | None, entity: str) -> dict:
        if noun == "products":
            return {"entity_code": entity, "products": PRODUCTS}
        if noun == "customers":
            return {"entity_code": entity, "customer_id": row_id}
        if verb == "entries":
            entries = [{"entry_id": key} for key in self.entries.get(row_id, [])]
            return {"limit_id": row_id, "entries": entries}
        return {
            "entity_code": entity,
            "limit_id": row_id,
            "customer_id": self.owners.get(row_id, row_id),
            "cap_fen": self.caps.get(row_id, CAP_FEN),
            "used_fen": self.used.get(row_id, 0),
            "status": "frozen" if row_id in self.frozen else "active",
        }

    def write(self, noun: str, row_id: int, verb: str | None, key: str, body: dict) -> tuple[int, dict]:
        if noun == "admissions":
            application_id = self.writes
            self.applications[application_id] = "admitted"
            self.owners[application_id] = body["customer_id"]
            return 201, {"application_id": application_id, "decision": "admitted", "reasons": []}
        if noun == "applications":
            return self.decide(row_id, str(verb))
        if verb in ("freeze", "unfreeze"):
            (self.frozen.add if verb == "freeze" else self.frozen.discard)(row_id)
            return 201, {"limit_id": row_id, "status": "frozen" if verb == "freeze" else "active"}
        return self.move(row_id, str(verb), key, body["amount_fen"])

    def decide(self, application_id: int, verb: str) -> tuple[int, dict]:
        wanted, then = {"assessment": ("admitted", "assessed"), "grant": ("assessed", "granted")}[verb]
        if self.applications.get(application_id) != wanted:
            return 409, {"type": "urn:fake:wrong-state"}
        self.applications[application_id] = then
        if verb == "assessment":
            return 201, {"application_id": application_id, "score": 700, "grade": "A"}
        self.caps[application_id] = 100_000
        return 201, {"application_id": application_id, "limit_id": application_id, "cap_fen": 100_000}

    def move(self, limit_id: int, verb: str, key: str, amount_fen: int) -> tuple[int, dict]:
        used = self.used.get(limit_id, 0)
        if verb == "drawdowns":
            if limit_id in self.frozen:
                return 423, {"type": "urn:fake:frozen"}
            has_room = used + amount_fen <= self.caps.get(limit_id, CAP_FEN)
            if self.fault == "overdraw":
                has_room = True
            elif self.fault == "stingy":
                has_room = has_room and self.writes % 5 > 0
            if not has_room:
                return 422, {"type": "urn:fake:limit-exceeded"}
            self.used[limit_id] = used + amount_fen
        elif amount_fen > used:
            return 422, {"type": "urn:fake:repayment-exceeds-debt"}
        else:
            self.used[limit_id] = used - amount_fen
        self.entries.setdefault(limit_id, []).append(key)
        told_fen = amount_fen + 1 if self.fault == "wrong-amount" and self.writes % 50 == 0 else amount_fen
        return 201, {"entry_id": key, "limit_id": limit_id, "amount_fen": told_fen}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split(" ", 2)
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if self.delays_ms:
                    self.requests += 1
                    await asyncio.sleep(self.delays_ms[self.requests % len(self.delays_ms)] / 1000.0)
                is_write = method == "POST"
                if is_write and self.fault == "slow" and self.writes >= 50:
                    await asyncio.sleep(STALL_S)
                if is_write and self.fault == "unavailable" and self.writes >= 50:
                    await self.reply(writer, 503, {"type": "urn:fake:unavailable"}, "Retry-After: 1\r\n")
                    continue
                entity = headers["x-legal-entity"].upper()
                status, document = self.answer(method, path, entity, headers.get("idempotency-key", ""), body)
                if is_write and self.fault == "reset" and self.writes % 50 == 0:
                    break
                if is_write and self.fault == "refuse" and self.writes % 50 == 0:
                    status, document = 500, {"type": "urn:fake:internal"}
                await self.reply(writer, status, document)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def reply(
        self, writer: asyncio.StreamWriter, status: int, document: dict, header: str = ""
    ) -> None:
        body = json.dumps(document).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{header}"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--delays-ms", type=float, nargs="*", default=[], help="one after the other")
    parsed = parser.parse_args()
    services = Services(parsed.fault, parsed.delays_ms)
    server = await asyncio.start_server(services.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
