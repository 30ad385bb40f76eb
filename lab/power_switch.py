"""The power switch of the database hosts: Redfish over HTTP, in place of management controllers.

`python -m lab.power_switch ADDRESS PORT`. Runs until it is killed, in the lab's own control group. It
switches hosts in its own process, because a fence must not wait for an interpreter to start.
"""

import contextlib
import http.server
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from inventory import lab as lab_inventory
from inventory import places, secrets
from inventory.availability import FenceKind
from inventory.model import Environment
from lab import host as hosts
from lab import redfish
from lab.errors import LabError
from lab.network import NetworkPlan, plan_of
from lab.redfish import PowerState, RefusedRequest, Reply, ResetType
from lab.supervise import keep_up

_BODY_MAX = 4096
_CLIENT_SILENT_S = 5.0
_NO_BODY = "Content-Length is missing, not a number or too large"


class Switch(Protocol):
    """Operations on hosts. Each does nothing if the host is already in the wanted state."""

    def state(self, host: str) -> PowerState:
        """Say whether `host` has power."""

    def force_off(self, host: str) -> None:
        """Switch `host` off and return when it is certainly off; raises LabError."""

    def on(self, host: str) -> None:
        """Begin to boot `host`; raises LabError."""


@dataclass(frozen=True, kw_only=True)
class LabSwitch:
    """The lab's own hosts."""

    plan: NetworkPlan
    lab_dir: Path

    def state(self, host: str) -> PowerState:
        """Say whether `host` has power; a frozen host has."""
        return PowerState.ON if hosts.is_running(host) else PowerState.OFF

    def force_off(self, host: str) -> None:
        """Switch `host` off; return when none of its processes is left."""
        hosts.switch_off(host, self.plan, self.lab_dir)

    def on(self, host: str) -> None:
        """Connect `host` and begin its boot, unless it runs."""
        hosts.switch_on(host, self.plan, self.lab_dir)


@dataclass(frozen=True, kw_only=True)
class Account:
    """User and password of one system."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Account(<hidden>)"


def systems_of(environment: Environment) -> dict[str, str]:
    """Return {Redfish system: host} for every host that has this switch as its fence device."""
    return {
        host.fence.system: host.name
        for host in environment.hosts
        if host.fence is not None and host.fence.kind == FenceKind.LAB
    }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A silent client is disconnected, so that its thread is free again.
    timeout = _CLIENT_SILENT_S
    accounts: Mapping[str, Account]
    switch: Switch
    systems: Mapping[str, str]

    def do_GET(self) -> None:
        self._answer(self._look)

    def do_POST(self) -> None:
        self._answer(self._act)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer in Redfish's form too if the base class itself refuses a request, such as another method."""
        self._send(redfish.error(HTTPStatus(code), "GeneralError", message or HTTPStatus(code).phrase))

    def _answer(self, work: Callable[[], Reply]) -> None:
        try:
            reply = work()
        except RefusedRequest as refused:
            reply = refused.reply
        except (LabError, OSError) as failed:
            reply = redfish.error(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", str(failed))
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        body = reply.as_bytes()
        if reply.status >= HTTPStatus.BAD_REQUEST:
            # A refused request may have an unread body, in the middle of which the next request would begin.
            self.close_connection = True
        # If the client has disconnected, it gets no answer; its request is carried out all the same.
        with contextlib.suppress(OSError):
            self.send_response(reply.status)
            if reply.status == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", 'Basic realm="power switch"')
            if self.close_connection:
                self.send_header("Connection", "close")
            if body:
                self.send_header("Content-Type", "application/json")
            if reply.status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _look(self) -> Reply:
        if redfish.is_root(self.path):
            return redfish.service_root()
        name = self._system(action=False)
        return redfish.system(name, self.switch.state(self.systems[name]))

    def _act(self) -> Reply:
        name = self._system(action=True)
        wanted = redfish.reset_type_in(self._body())
        host = self.systems[name]
        if wanted is ResetType.FORCE_OFF:
            self.switch.force_off(host)
        else:
            self.switch.on(host)
        self.log_message("%s %s", name, wanted)
        return Reply(status=HTTPStatus.NO_CONTENT)

    def _system(self, *, action: bool) -> str:
        """Return the system of the request; only who has some system's account is told which there are."""
        given = self.headers.get("Authorization")
        own = {
            name
            for name, account in self.accounts.items()
            if redfish.is_authorised(given, user=account.user, password=account.password)
        }
        name = redfish.system_of(self.path, known=frozenset(self.systems), action=action) if own else ""
        if name not in own:
            raise RefusedRequest(
                HTTPStatus.UNAUTHORIZED, "InsufficientPrivilege", "user or password is missing or wrong"
            )
        return name

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _BODY_MAX:
            raise RefusedRequest(HTTPStatus.BAD_REQUEST, "MalformedJSON", _NO_BODY)
        return self.rfile.read(int(length))


def handler_for(
    accounts: Mapping[str, Account], switch: Switch, systems: Mapping[str, str]
) -> type[_Handler]:
    """Return the request handler for `systems`.

    + accounts: system -> the account that may ask and switch it
    + systems: system -> host
    """
    members = {"accounts": accounts, "switch": switch, "systems": systems}
    return type("Handler", (_Handler,), members)


def serve(address: str, port: int) -> None:
    """Serve the lab's power switch until the process ends."""
    env = lab_inventory.ENVIRONMENT
    systems, passwords = systems_of(env), secrets.load(env.secrets_file, fences=env.fences).fence_passwords
    accounts = {
        system: Account(user=env.fences[host].user, password=passwords[host])
        for system, host in systems.items()
    }
    switch = LabSwitch(plan=plan_of(env), lab_dir=places.lab_dir())
    handler = handler_for(accounts, switch, systems)
    with http.server.ThreadingHTTPServer((address, port), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    keep_up(serve, sys.argv[1], int(sys.argv[2]))
