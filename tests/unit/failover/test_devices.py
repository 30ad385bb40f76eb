"""Fence devices: only a device that says Off has switched a host off, and nothing it does raises."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from failover.host.controller import Power
from failover.host.devices import Report, switch
from failover.settings import Fence, Peer
from tests.unit.failover import virtual

USER, PASSWORD = "agent", "secret-of-the-fence"
SYSTEM = "/redfish/v1/Systems/ob-b"


@dataclass
class FakeController:
    """A Redfish service; what it does with an order is the test's choice."""

    state: str = "On"
    commands: list[str] = field(default_factory=list)
    asked: int = 0
    after_order: Callable[["FakeController", str], Awaitable[int]] | None = None

    async def reset(self, request: web.Request) -> web.Response:
        if self._refuses(request):
            return web.Response(status=401, text="who are you")
        kind = (await request.json())["ResetType"]
        self.commands.append(kind)
        if self.after_order is not None:
            return web.Response(status=await self.after_order(self, kind))
        self.state = "Off" if kind == "ForceOff" else "On"
        return web.Response(status=204)

    async def look(self, request: web.Request) -> web.Response:
        if self._refuses(request):
            return web.Response(status=401, text="who are you")
        self.asked += 1
        return web.json_response({"Id": "ob-b", "PowerState": self.state})

    def _refuses(self, request: web.Request) -> bool:
        account = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return request.headers.get("Authorization") != f"Basic {account}"

    @asynccontextmanager
    async def served(self, certificate: Path | None = None) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post(f"{SYSTEM}/Actions/ComputerSystem.Reset", self.reset)
        app.router.add_get(SYSTEM, self.look)
        runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        context = None
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = runner.addresses[0][1]
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


def peer(
    address: str, *, kind: str = "redfish", ca_file: str = "", reason: str = "", password: str = PASSWORD
) -> Peer:
    fence = Fence(
        kind=kind,
        address=address,
        system="ob-b",
        user=USER,
        password=password,
        reason=reason,
        ca_file=ca_file,
    )
    return Peer(host="ob-b", address="198.18.2.23", candidate=True, fence=fence)


def switched(
    controller: FakeController,
    power: Power = Power.OFF,
    *,
    password: str = PASSWORD,
    deadline_s: float = 5.0,
) -> Report:
    async def play() -> Report:
        async with controller.served() as address:
            return await switch(peer(address, password=password), power, deadline_s=deadline_s)

    return virtual.run(play())


@pytest.mark.parametrize(
    ("power", "before", "order", "words"),
    [(Power.OFF, "On", "ForceOff", "ob-b is off: "), (Power.ON, "Off", "On", "ob-b is on: ")],
)
def test_a_device_that_says_so_has_done_it(power: Power, before: str, order: str, words: str) -> None:
    controller = FakeController(state=before)
    report = switched(controller, power)
    assert report.confirmed
    assert report.reason.startswith(words)
    assert "system ob-b" in report.reason
    assert (controller.commands, controller.asked) == ([order], 1)


def test_off_counts_only_when_the_device_says_off() -> None:
    async def takes_its_time(controller: FakeController, kind: str) -> int:
        controller.state = "PoweringOff"
        asyncio.get_running_loop().call_later(0.3, setattr, controller, "state", "Off")
        return 202

    controller = FakeController(after_order=takes_its_time)
    assert switched(controller).confirmed
    assert controller.asked > 1


def test_an_order_that_was_taken_and_not_carried_out_confirms_nothing() -> None:
    async def lies(controller: FakeController, kind: str) -> int:
        return 204

    report = switched(FakeController(after_order=lies), deadline_s=0.4)
    assert not report.confirmed
    assert "ob-b is not known to be off: redfish at http://127.0.0.1:" in report.reason
    assert report.reason.endswith("it did not say Off within 0.4 s")


def test_a_device_that_will_not_switch_off_what_is_off_confirms_it() -> None:
    async def conflict(controller: FakeController, kind: str) -> int:
        return 409

    assert switched(FakeController(state="Off", after_order=conflict)).confirmed
    report = switched(FakeController(state="On", after_order=conflict), deadline_s=1000.0)
    assert not report.confirmed
    assert "ForceOff refused with status 409" in report.reason
    assert report.reason.endswith("it says On"), "at once, and not when the time is over"


def test_a_device_that_never_answers_the_order_is_asked_for_the_state_all_the_same() -> None:
    async def silent(controller: FakeController, kind: str) -> int:
        controller.state = "Off"
        await asyncio.sleep(60)
        return 204

    assert switched(FakeController(after_order=silent), deadline_s=1.0).confirmed


def test_a_wrong_password_is_said_and_never_shown() -> None:
    controller = FakeController(state="Off")
    report = switched(controller, password="another-secret")
    assert not report.confirmed
    assert "status 401, user or password is wrong" in report.reason
    assert "secret" not in report.reason
    assert controller.commands == []


@pytest.mark.parametrize(
    ("kind", "address", "words"),
    [
        ("lab", "http://127.0.0.1:1", "Connect call failed"),
        ("redfish", "nonsense", "nonsense"),
        ("redfish", "http://[", "redfish at http://["),
    ],
)
def test_a_device_that_cannot_be_reached_fails_with_host_and_device(
    kind: str, address: str, words: str
) -> None:
    report = virtual.run(switch(peer(address, kind=kind), Power.OFF))
    assert not report.confirmed
    assert report.reason.startswith(f"ob-b is not known to be off: {kind} at {address}")
    assert words in report.reason


def test_certificates_are_checked(certificate: Path, tmp_path: Path) -> None:
    async def play(ca_file: str) -> Report:
        async with FakeController().served(certificate) as address:
            return await switch(peer(address, ca_file=ca_file), Power.OFF)

    assert virtual.run(play(str(certificate))).confirmed
    unknown = virtual.run(play(""))
    assert not unknown.confirmed
    assert "certificate verify failed" in unknown.reason
    missing = virtual.run(play(str(tmp_path / "none.crt")))
    assert not missing.confirmed
    assert "No such file" in missing.reason


def test_no_device_never_confirms_and_says_why_there_is_none() -> None:
    none = virtual.run(switch(peer("", kind="none", reason="a test bench"), Power.OFF))
    absent = virtual.run(
        switch(Peer(host="ob-b", address="198.18.2.23", candidate=True, fence=None), Power.OFF)
    )
    assert none == Report(
        confirmed=False, reason="ob-b is not known to be off: it has no fence device (a test bench)"
    )
    assert not absent.confirmed
