"""An etcd in memory, behind HTTPS: the calls of the JSON gateway that the agent makes, and no others.

What it answers, and with which status, was read off etcd 3.4. A call or a field that it does not know fails
the test.
"""

import asyncio
import base64
import datetime
import ipaddress
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Json = dict[str, Any]
USER, PASSWORD = "failover", "secret-of-etcd"


@dataclass
class Stored:
    value: str
    mod_revision: int
    create_revision: int
    version: int
    lease: int | None


@dataclass
class FakeEtcd:
    """One cluster; several members may serve it."""

    now: Callable[[], float]
    """Seconds: lets leases end when the test says so."""
    keys: dict[str, Stored] = field(default_factory=dict)
    leases: dict[int, tuple[int, float]] = field(default_factory=dict)
    """id -> (TTL in s, end)"""
    revision: int = 1
    tokens: set[str] = field(default_factory=set)
    logins: int = 0
    calls: list[str] = field(default_factory=list)
    down: set[int] = field(default_factory=set)
    """Members that answer 503, as one without a leader does."""
    silent: set[int] = field(default_factory=set)
    """Members that take a call and never answer."""
    deaf: set[int] = field(default_factory=set)
    """Members that carry a call out and never answer."""
    watches: list[tuple[list[tuple[str, str]], asyncio.Queue[Json | None]]] = field(default_factory=list)
    """Ranges that somebody is told of, and what is told; None: the member ends it."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def expire(self) -> None:
        for lease in [number for number, (_, end) in self.leases.items() if end <= self.now()]:
            self.end_lease(lease)

    def end_lease(self, lease: int) -> None:
        del self.leases[lease]
        for key in [k for k, stored in self.keys.items() if stored.lease == lease]:
            self.revision += 1
            del self.keys[key]
            self._tell(key, {"type": "DELETE", "kv": {"key": _coded(key)}})

    def put(self, key: str, value: str, lease: int | None = None) -> None:
        self.revision += 1
        self._put(key, value, lease)

    def _put(self, key: str, value: str, lease: int | None) -> None:
        before = self.keys.get(key)
        self.keys[key] = Stored(
            value=value,
            mod_revision=self.revision,
            create_revision=before.create_revision if before else self.revision,
            version=before.version + 1 if before else 1,
            lease=lease,
        )
        self._tell(key, {"kv": _kv(key, self.keys[key])})

    def _tell(self, key: str, event: Json) -> None:
        for ranges, told in self.watches:
            if any(_matches(key, first, end) for first, end in ranges):
                told.put_nowait({"result": {"header": self._header(), "events": [event]}})

    def answer(self, path: str, body: Json) -> tuple[int, Json]:
        self.expire()
        match path:
            case "/v3/kv/range":
                return 200, self._range(body)
            case "/v3/kv/put":
                return self._lone(body, self._apply_put)
            case "/v3/kv/deleterange":
                return self._lone(body, self._apply_delete)
            case "/v3/kv/txn":
                return self._txn(body)
            case "/v3/lease/grant":
                number, ttl = 7000 + next(self._numbers), int(body["TTL"])
                self.leases[number] = (ttl, self.now() + ttl)
                return 200, {"header": self._header(), "ID": str(number), "TTL": str(ttl)}
            case "/v3/lease/keepalive":
                number = int(body["ID"])
                result: Json = {"header": self._header(), "ID": str(number)}
                if number in self.leases:
                    ttl, _ = self.leases[number]
                    self.leases[number] = (ttl, self.now() + ttl)
                    result["TTL"] = str(ttl)
                return 200, {"result": result}
            case "/v3/lease/revoke":
                if int(body["ID"]) not in self.leases:
                    return 404, _error("etcdserver: requested lease not found", 5)
                self.end_lease(int(body["ID"]))
                return 200, {"header": self._header()}
        raise AssertionError(f"the fake etcd does not know {path}")

    def _header(self) -> Json:
        return {"cluster_id": "1", "member_id": "1", "revision": str(self.revision), "raft_term": "2"}

    def _range(self, body: Json) -> Json:
        assert set(body) <= {"key", "range_end"}, body
        kvs = [
            _kv(key, self.keys[key])
            for key in sorted(self.keys)
            if _matches(key, _plain(body["key"]), _plain(body.get("range_end", "")))
        ]
        found: Json = {"header": self._header()}
        return {**found, "kvs": kvs, "count": str(len(kvs))} if kvs else found

    def _lone(self, body: Json, apply: Callable[[Json], Json]) -> tuple[int, Json]:
        self.revision += 1
        return 200, {**apply(body), "header": self._header()}

    def _apply_put(self, body: Json) -> Json:
        assert set(body) <= {"key", "value", "lease"}, body
        lease = int(body["lease"]) if "lease" in body else None
        self._put(_plain(body["key"]), _plain(body["value"]), lease)
        return {}

    def _apply_delete(self, body: Json) -> Json:
        assert set(body) <= {"key", "range_end"}, body
        first, end = _plain(body["key"]), _plain(body.get("range_end", ""))
        for key in [k for k in self.keys if _matches(k, first, end)]:
            del self.keys[key]
            self._tell(key, {"type": "DELETE", "kv": {"key": _coded(key)}})
        return {}

    def _txn(self, body: Json) -> tuple[int, Json]:
        assert set(body) <= {"compare", "success", "failure"}, body
        holds = all(self._holds(each) for each in body.get("compare", []))
        operations = body.get("success" if holds else "failure", [])
        for operation in operations:
            lease = operation.get("request_put", {}).get("lease")
            if lease is not None and int(lease) not in self.leases:
                return 404, _error("etcdserver: requested lease not found", 5)
        if any("request_range" not in o for o in operations):
            self.revision += 1
        answer: Json = {"responses": [self._operate(each) for each in operations]}
        answer["header"] = self._header()
        return 200, {**answer, "succeeded": True} if holds else answer

    def _holds(self, compare: Json) -> bool:
        assert (compare["target"], compare["result"]) == ("MOD", "EQUAL"), compare
        stored = self.keys.get(_plain(compare["key"]))
        return (stored.mod_revision if stored else 0) == int(compare["mod_revision"])

    def _operate(self, operation: Json) -> Json:
        ((kind, body),) = operation.items()
        match kind:
            case "request_put":
                return {"response_put": self._apply_put(body)}
            case "request_delete_range":
                return {"response_delete_range": self._apply_delete(body)}
            case "request_range":
                return {"response_range": self._range(body)}
        raise AssertionError(f"the fake etcd does not know {kind}")


def _kv(key: str, stored: Stored) -> Json:
    found = {
        "key": _coded(key),
        "value": _coded(stored.value),
        "mod_revision": str(stored.mod_revision),
        "create_revision": str(stored.create_revision),
        "version": str(stored.version),
    }
    return {**found, "lease": str(stored.lease)} if stored.lease is not None else found


def _matches(key: str, first: str, end: str) -> bool:
    return first <= key < end if end else key == first


def _plain(text: str) -> str:
    return base64.b64decode(text).decode()


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _error(message: str, code: int) -> Json:
    return {"error": message, "message": message, "code": code}


@asynccontextmanager
async def member(etcd: FakeEtcd, certificate: Path, *, number: int = 0) -> AsyncIterator[str]:
    """Serve `etcd` as its member `number`; yields the endpoint."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if number in etcd.silent:
            await asyncio.sleep(3600)
        if request.path == "/v3/watch" and number not in etcd.down:
            return await _watch(etcd, request)
        status, answer = 503, _error("etcdserver: no leader", 14)
        if number not in etcd.down:
            status, answer = _answer(etcd, request, await request.json())
        if number in etcd.deaf:
            await asyncio.sleep(3600)
        # A call that streams answers one object a line.
        text = web.json_response(answer, status=status).text or ""
        return web.Response(text=f"{text}\n", status=status, content_type="application/json")

    application = web.Application()
    application.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _watch(etcd: FakeEtcd, request: web.Request) -> web.StreamResponse:
    """Answer each request of a stream, and then tell events for ever, one object a line."""
    etcd.calls.append(request.path)
    refused = _unauthenticated(etcd, request)
    if refused is not None:
        return web.json_response(refused[1], status=refused[0])
    asked = [json.loads(line)["create_request"] for line in (await request.text()).splitlines()]
    assert all(set(each) == {"key", "range_end"} for each in asked), asked
    ranges = [(_plain(each["key"]), _plain(each["range_end"])) for each in asked]
    told: asyncio.Queue[Json | None] = asyncio.Queue()
    for _ in ranges:
        told.put_nowait({"result": {"header": etcd._header(), "created": True}})
    watch = (ranges, told)
    etcd.watches.append(watch)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionResetError):
        while (what := await told.get()) is not None:
            await response.write(json.dumps(what).encode() + b"\n")
    etcd.watches.remove(watch)
    return response


def _answer(etcd: FakeEtcd, request: web.Request, body: Json) -> tuple[int, Json]:
    etcd.calls.append(request.path)
    if request.path == "/v3/auth/authenticate":
        etcd.logins += 1
        if (body["name"], body["password"]) != (USER, PASSWORD):
            return 400, _error("etcdserver: authentication failed, invalid user ID or password", 3)
        token = f"token.{etcd.logins}"
        etcd.tokens.add(token)
        return 200, {"header": {}, "token": token}
    return _unauthenticated(etcd, request) or etcd.answer(request.path, body)


def _unauthenticated(etcd: FakeEtcd, request: web.Request) -> tuple[int, Json] | None:
    token = request.headers.get("Authorization", "")
    if not token:
        return 400, _error("etcdserver: user name is empty", 3)
    if token not in etcd.tokens:
        return 401, _error("etcdserver: invalid auth token", 16)
    return None


def write_certificate(path: Path) -> None:
    """Write a key and a certificate for 127.0.0.1 that signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake etcd")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
