"""The part of DMTF Redfish that a fence device needs, as data: requests and answers.

`GET /redfish/v1/Systems/<id>` tells the power state; `POST .../Actions/ComputerSystem.Reset` changes it.
This module neither listens nor acts; `lab.power_switch` does.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

ROOT = "/redfish/v1"
_RESET = "Actions/ComputerSystem.Reset"


class ResetType(StrEnum):
    """Resets that the switch makes; without a graceful shutdown, which a hung host would never finish."""

    FORCE_OFF = "ForceOff"
    ON = "On"


class PowerState(StrEnum):
    """Whether a system has power."""

    ON = "On"
    OFF = "Off"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer."""

    status: HTTPStatus
    body: Mapping[str, Any] | None = None

    def as_bytes(self) -> bytes:
        """Return the body as JSON; empty if there is none."""
        return b"" if self.body is None else json.dumps(self.body).encode()


class RefusedRequest(Exception):  # noqa: N818 - a request that was refused, not an error of this program
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        self.reply = error(status, code, message)
        super().__init__(message)


def error(status: HTTPStatus, code: str, message: str) -> Reply:
    """Return an error in Redfish's form.

    + code: name of a message of the Base registry, such as `ResourceMissingAtURI`
    """
    return Reply(status=status, body={"error": {"code": f"Base.1.8.{code}", "message": message}})


def service_root() -> Reply:
    """Return the service root, the only resource that needs no password."""
    body = {"@odata.id": ROOT, "RedfishVersion": "1.6.0", "Systems": {"@odata.id": f"{ROOT}/Systems"}}
    return Reply(status=HTTPStatus.OK, body=body)


def system(name: str, state: PowerState) -> Reply:
    """Return the resource of system `name`."""
    path = f"{ROOT}/Systems/{name}"
    actions = {"target": f"{path}/{_RESET}", "ResetType@Redfish.AllowableValues": [*ResetType]}
    body = {
        "@odata.id": path,
        "Id": name,
        "PowerState": state,
        "Actions": {"#ComputerSystem.Reset": actions},
    }
    return Reply(status=HTTPStatus.OK, body=body)


def is_authorised(header: str | None, *, user: str, password: str) -> bool:
    """Say whether an `Authorization` header has this user and password (Basic); takes constant time."""
    scheme, _, given = (header or "").partition(" ")
    try:
        decoded = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(decoded, f"{user}:{password}".encode())


def is_root(path: str) -> bool:
    """Say whether `path` is the service root."""
    return path.rstrip("/") == ROOT


def system_of(path: str, *, known: frozenset[str], action: bool) -> str:
    """Return the system that `path` is about.

    + action: whether `path` must be that of the reset action; otherwise that of the system itself

    Raises:
        RefusedRequest: 404 for any other path, and for systems that are not `known`.
    """
    parts = path.removeprefix(f"{ROOT}/Systems/").split("/", 1) if path.startswith(f"{ROOT}/Systems/") else []
    wanted = _RESET if action else ""
    if parts and parts[0] in known and (parts[1] if len(parts) > 1 else "").rstrip("/") == wanted:
        return parts[0]
    raise RefusedRequest(
        HTTPStatus.NOT_FOUND, "ResourceMissingAtURI", f"there is nothing at {path}; systems: {_listed(known)}"
    )


def reset_type_in(body: bytes) -> ResetType:
    """Return the kind of reset in the body of a request.

    Raises:
        RefusedRequest: 400; the body is not JSON, or asks for a reset that this switch does not make.
    """
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, "MalformedJSON", "the body is not a JSON object")
    if "ResetType" not in found:
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, "ActionParameterMissing", "ResetType is missing")
    try:
        return ResetType(found["ResetType"])
    except ValueError:
        message = f"ResetType {str(found['ResetType'])[:40]!r}; allowed: {', '.join(ResetType)}"
        raise RefusedRequest(HTTPStatus.BAD_REQUEST, "ActionParameterValueNotInList", message) from None


def _listed(known: frozenset[str]) -> str:
    return ", ".join(sorted(known))
