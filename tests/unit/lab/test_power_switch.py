"""The power switch as an agent meets it: over HTTP, with hosts that are only pretended."""

import base64
import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from inventory.availability import Fence, FenceKind
from inventory.lab import ENVIRONMENT
from lab import network_setup, power_switch
from lab.errors import LabError
from lab.network import DEPOT_PORT, POWER_SWITCH_PORT, plan_of
from lab.power_switch import Account, handler_for, systems_of
from lab.redfish import PowerState

SECRET, OTHER_SECRET = "not-to-be-told", "of-the-other-host"
SYSTEM = "/redfish/v1/Systems/ob-a"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"


@dataclass
class PretendedHosts:
    running: dict[str, bool] = field(default_factory=lambda: {"ob-a": True, "ob-b": True})
    calls: list[str] = field(default_factory=list)
    fails: bool = False
    may_go: threading.Event = field(default_factory=threading.Event)
    """Until then `force_off` takes its time, if `is_slow`."""
    is_slow: bool = False
    begun: threading.Event = field(default_factory=threading.Event)

    def state(self, host: str) -> PowerState:
        return PowerState.ON if self.running[host] else PowerState.OFF

    def force_off(self, host: str) -> None:
        self.calls.append(f"off {host}")
        self.begun.set()
        if self.is_slow:
            assert self.may_go.wait(120)
        if self.fails:
            raise LabError("process 7 did not end: it hangs in the kernel")
        self.running[host] = False

    def on(self, host: str) -> None:
        self.calls.append(f"on {host}")
        self.running[host] = True


@dataclass
class Client:
    port: int

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        password: str | None = SECRET,
        user: str = "agent",
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {}
        if password is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None


@pytest.fixture
def hosts() -> PretendedHosts:
    return PretendedHosts()


@pytest.fixture
def client(hosts: PretendedHosts) -> Iterator[Client]:
    accounts = {
        "ob-a": Account(user="agent", password=SECRET),
        "ob-b": Account(user="agent", password=OTHER_SECRET),
    }
    handler = handler_for(accounts, hosts, {"ob-a": "ob-a", "ob-b": "ob-b"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Client(server.server_port)
        server.shutdown()


def test_a_system_tells_its_power_state_and_what_can_be_done(client: Client, hosts: PretendedHosts) -> None:
    status, body = client.ask("GET", SYSTEM)
    assert (status, body["Id"], body["PowerState"]) == (200, "ob-a", "On")
    assert body["Actions"]["#ComputerSystem.Reset"] == {
        "target": RESET,
        "ResetType@Redfish.AllowableValues": ["ForceOff", "On"],
    }
    hosts.running["ob-a"] = False
    assert client.ask("GET", SYSTEM)[1]["PowerState"] == "Off"


def test_a_reset_answers_once_it_has_acted_and_may_be_repeated(client: Client, hosts: PretendedHosts) -> None:
    for _ in range(2):
        assert client.ask("POST", RESET, {"ResetType": "ForceOff"}) == (204, None)
        assert hosts.running == {"ob-a": False, "ob-b": True}
    assert client.ask("POST", RESET, {"ResetType": "On"}) == (204, None)
    assert hosts.calls == ["off ob-a", "off ob-a", "on ob-a"]


@pytest.mark.parametrize(
    ("user", "password"), [("agent", None), ("agent", "wrong"), ("root", SECRET), ("", "")]
)
def test_without_the_password_nothing_is_told_or_done(
    client: Client, hosts: PretendedHosts, user: str, password: str | None
) -> None:
    for method, path, body in (
        ("GET", SYSTEM, None),
        ("GET", "/redfish/v1/Systems/no-such-host", None),
        ("POST", RESET, {"ResetType": "ForceOff"}),
    ):
        status, answer = client.ask(method, path, body, password=password, user=user)
        assert (status, answer["error"]["code"]) == (401, "Base.1.8.InsufficientPrivilege")
    assert hosts.calls == []


def test_the_password_of_one_host_does_not_switch_another(client: Client, hosts: PretendedHosts) -> None:
    for method, path, body in (("GET", SYSTEM, None), ("POST", RESET, {"ResetType": "ForceOff"})):
        assert client.ask(method, path, body, password=OTHER_SECRET)[0] == 401
    assert hosts.calls == []
    assert client.ask("GET", "/redfish/v1/Systems/ob-b", password=OTHER_SECRET)[0] == 200


@pytest.mark.parametrize("header", ["", "Basic", "Basic ***", "Bearer abc", "Basic " + "A" * 10_000])
def test_a_header_that_is_none_is_no_password(client: Client, header: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=120)
    connection.request("GET", SYSTEM, headers={"Authorization": header})
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize(
    "path", ["/", "/redfish/v1/Systems", "/redfish/v1/Systems/", "/redfish/v1/Systems/gw-a", f"{SYSTEM}/x"]
)
def test_there_is_nothing_but_the_database_hosts(client: Client, path: str) -> None:
    status, answer = client.ask("GET", path)
    assert (status, answer["error"]["code"]) == (404, "Base.1.8.ResourceMissingAtURI")
    assert "ob-a, ob-b" in answer["error"]["message"]
    assert client.ask("POST", path, {"ResetType": "ForceOff"})[0] == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ResetType": "GracefulShutdown"}, "ActionParameterValueNotInList"),
        ({"ResetType": ["ForceOff"]}, "ActionParameterValueNotInList"),
        ({}, "ActionParameterMissing"),
        ([], "MalformedJSON"),
        (b"{", "MalformedJSON"),
        (b"\xff\xfe", "MalformedJSON"),
        (b"x" * 5000, "MalformedJSON"),
    ],
)
def test_what_is_no_fence_is_refused(client: Client, hosts: PretendedHosts, body: object, code: str) -> None:
    status, answer = client.ask("POST", RESET, body)
    assert (status, answer["error"]["code"]) == (400, f"Base.1.8.{code}")
    assert hosts.calls == []


def test_a_host_that_does_not_go_is_not_reported_as_gone(client: Client, hosts: PretendedHosts) -> None:
    hosts.fails = True
    status, answer = client.ask("POST", RESET, {"ResetType": "ForceOff"})
    assert (status, answer["error"]["code"]) == (500, "Base.1.8.InternalError")
    assert "hangs in the kernel" in answer["error"]["message"]


def test_the_root_is_open_to_all_and_other_methods_are_not_known(client: Client) -> None:
    assert client.ask("GET", "/redfish/v1/", password=None)[0] == 200
    assert client.ask("DELETE", SYSTEM)[0] == 501


def test_one_slow_host_does_not_hold_up_another(client: Client, hosts: PretendedHosts) -> None:
    hosts.is_slow = True
    slow = threading.Thread(target=client.ask, args=("POST", RESET, {"ResetType": "ForceOff"}))
    slow.start()
    try:
        assert hosts.begun.wait(120)
        assert client.ask("GET", "/redfish/v1/Systems/ob-b", password=OTHER_SECRET)[0] == 200
        assert hosts.running["ob-a"], "it was answered while the other still takes its time"
    finally:
        hosts.may_go.set()
        slow.join()
    assert not hosts.running["ob-a"]


def test_the_log_says_who_was_switched_and_holds_no_password(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    client.ask("POST", RESET, {"ResetType": "ForceOff"})
    client.ask("GET", SYSTEM, password="wrong-guess")
    said = "".join(capfd.readouterr())
    assert "ob-a ForceOff" in said
    encoded = base64.b64encode(f"agent:{SECRET}".encode()).decode()
    assert all(word not in said for word in (SECRET, encoded, "wrong-guess"))
    assert repr(Account(user="agent", password=SECRET)) == "Account(<hidden>)"


def test_the_switch_knows_the_hosts_that_name_it_as_their_fence_device() -> None:
    assert systems_of(ENVIRONMENT) == {"ob-a": "ob-a", "ob-b": "ob-b"}
    other = replace(ENVIRONMENT.host("ob-a"), fence=Fence(kind=FenceKind.NONE, reason="none to be had"))
    rest = [host for host in ENVIRONMENT.hosts if host.name != "ob-a"]
    assert systems_of(replace(ENVIRONMENT, hosts=(other, *rest))) == {"ob-b": "ob-b"}


def test_the_inventory_says_where_the_switch_listens_and_hosts_may_go_there() -> None:
    url = f"http://{plan_of(ENVIRONMENT).depot_address}:{POWER_SWITCH_PORT}"
    assert {host.fence.address for host in ENVIRONMENT.hosts if host.fence is not None} == {url}
    assert f"tcp dport {{ {DEPOT_PORT}, {POWER_SWITCH_PORT}, " in network_setup._FIREWALL


def test_the_server_takes_the_inventory_s_user_and_each_host_s_own_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    def stop(address: tuple[str, int], handler: type) -> None:
        made.append((address, handler.accounts))  # type: ignore[attr-defined]  # set by handler_for
        raise KeyboardInterrupt

    class Found:
        fence_passwords: ClassVar[dict[str, str]] = {"ob-a": SECRET, "ob-b": OTHER_SECRET}

    monkeypatch.setattr(power_switch.secrets, "load", lambda path, fences: Found)
    monkeypatch.setattr(power_switch.http.server, "ThreadingHTTPServer", stop)
    with pytest.raises(KeyboardInterrupt):
        power_switch.serve("198.18.0.1", POWER_SWITCH_PORT)
    accounts = {
        "ob-a": Account(user="agent", password=SECRET),
        "ob-b": Account(user="agent", password=OTHER_SECRET),
    }
    assert made == [(("198.18.0.1", POWER_SWITCH_PORT), accounts)]
