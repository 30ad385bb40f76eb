"""Fence devices: they switch a host off and on without the host's help.

Only the answer of the device counts. A host is off if its device, asked after the order to switch it off,
reports Off. Silence of the host, or a device that only accepted the order, is not enough.
"""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from failover.host.controller import SHOWN_CHARACTERS, Controller, DeviceError, Power, PowerRefusedError
from failover.host.fence_programs import FenceAgent, Ipmi
from failover.settings import Fence, Peer

DEADLINE_S = 5.0
"""Time limit for all requests to a device for one order; the caller tries again after it."""
FENCE_AGENT_DEADLINE_S = 40.0
"""The same for a fence agent, which by itself waits 20 s for the device to say so (its `power_timeout`)."""
_POLL_S = 0.1
_LEAST_REFUSAL = 300
"""Statuses of failure; also redirections, because an order is sent only to the configured address."""
_WRONG_ACCOUNT = (401, 403)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Result of an order."""

    confirmed: bool
    """Whether the device itself reports that it is done."""
    reason: str
    """A sentence that names host and device."""


class Redfish:
    """A management controller that speaks Redfish; the lab's power switch is one."""

    def __init__(self, fence: Fence) -> None:
        """Use the system that `fence` names.

        Raises:
            OSError: the certificate authority's file cannot be read.
        """
        self.name = f"{fence.kind} at {fence.address}, system {fence.system}"
        self._system = f"{fence.address.rstrip('/')}/redfish/v1/Systems/{fence.system}"
        account = base64.b64encode(f"{fence.user}:{fence.password}".encode()).decode()
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Basic {account}"},
            connector=aiohttp.TCPConnector(ssl=_trust(fence)),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    async def set_power(self, power: Power) -> None:
        """Reset the system to `power`."""
        kind = "ForceOff" if power is Power.OFF else "On"
        status, said = await self._call("POST", "/Actions/ComputerSystem.Reset", {"ResetType": kind})
        if status in _WRONG_ACCOUNT:
            raise DeviceError(f"status {status}, user or password is wrong or lacks the right: {said}")
        if status >= _LEAST_REFUSAL:
            raise PowerRefusedError(f"{kind} refused with status {status}: {said}")

    async def power_state(self) -> str:
        """Return the property PowerState."""
        status, said = await self._call("GET", "", None)
        try:
            state = msgspec.json.decode(said, type=dict[str, Any]).get("PowerState")
        except msgspec.MsgspecError:
            state = None
        if status >= _LEAST_REFUSAL or not isinstance(state, str):
            raise DeviceError(f"does not tell the power state: status {status}: {said[:SHOWN_CHARACTERS]}")
        return state

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def _call(self, method: str, path: str, body: Mapping[str, str] | None) -> tuple[int, str]:
        url = self._system + path
        try:
            async with self._session.request(method, url, json=body, allow_redirects=False) as response:
                return response.status, (await response.read()).decode(errors="replace")
        except (aiohttp.ClientError, OSError) as failure:
            raise DeviceError(str(failure) or type(failure).__name__) from failure


async def switch(
    peer: Peer,
    power: Power,
    *,
    deadline_s: float | None = None,
    ipmitool: str = "ipmitool",
) -> Report:
    """Switch a host off or on with its fence device; raises no error, unless cancelled.

    Args:
        peer: the host.
        power: what is wanted.
        deadline_s: how long it may take until the device says that it is so; None: as its kind needs.
        ipmitool: the program for devices that speak IPMI.
    """
    goal = f"{peer.host} is not known to be {power.lower()}"
    if peer.fence is None:
        return Report(confirmed=False, reason=f"{goal}: it has no fence device in the settings")
    if peer.fence.kind == "none":
        return Report(confirmed=False, reason=f"{goal}: it has no fence device ({peer.fence.reason})")
    name = f"{peer.fence.kind} at {peer.fence.address}"
    if deadline_s is None:
        deadline_s = FENCE_AGENT_DEADLINE_S if peer.fence.kind == "fence_agent" else DEADLINE_S
    try:
        controller = _controller(peer.fence, ipmitool)
        name = controller.name
        try:
            async with asyncio.timeout(deadline_s):
                await _carry_out(controller, power, patience_s=deadline_s / 2)
        finally:
            await controller.close()
    except TimeoutError:
        why = f"it did not say {power} within {deadline_s:g} s"
    except Exception as failure:  # whatever a device or its file is like, the agent that asked goes on
        why = str(failure) or type(failure).__name__
    else:
        return Report(confirmed=True, reason=f"{peer.host} is {power.lower()}: {name} says so")
    return Report(confirmed=False, reason=f"{goal}: {name}: {why}")


async def _carry_out(controller: Controller, power: Power, *, patience_s: float) -> None:
    """Give the order, and return when the device reports the wanted state."""
    refusal: PowerRefusedError | None = None
    # Some devices answer an order only when it is done, and some never: read their state instead.
    with contextlib.suppress(TimeoutError):
        try:
            async with asyncio.timeout(patience_s):
                await controller.set_power(power)
        except PowerRefusedError as refused:
            refusal = refused
    while (said := await controller.power_state()) != power:
        # Devices refuse to switch off a host that is already off. This host is not off.
        if refusal is not None:
            raise DeviceError(f"{refusal}; it says {said}")
        await asyncio.sleep(_POLL_S)


def _controller(fence: Fence, ipmitool: str) -> Controller:
    match fence.kind:
        case "ipmi":
            return Ipmi(fence, program=ipmitool)
        case "fence_agent":
            return FenceAgent(fence)
        case _:
            return Redfish(fence)


def _trust(fence: Fence) -> ssl.SSLContext | bool:
    """Return the TLS context that checks the device's certificate; it is always checked.

    The file is read for each order, so a new authority needs no restart.
    """
    return ssl.create_default_context(cafile=fence.ca_file) if fence.ca_file else True
