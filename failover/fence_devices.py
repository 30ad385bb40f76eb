"""Fence devices of the other hosts: switched off by somebody who does not need their help, and on again.

Only what the device itself says counts: a host is fenced when its device, asked afterwards, says Off.
"""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import aiohttp
import msgspec

from failover.settings import Fence

DEADLINE_S = 15.0
"""A management controller may take its time, and is asked again after it."""
_POLL_S = 0.1
_REFUSED = 400
_WRONG_ACCOUNT = (401, 403)


class FenceError(RuntimeError):
    """The device did not do it, or did not say so in time."""


class Device(ABC):
    """One host's device."""

    @abstractmethod
    async def switch(self, *, on: bool) -> None:
        """Ask for it.

        Raises:
            FenceError: the device cannot be reached, or refuses.
        """

    @abstractmethod
    async def is_on(self) -> bool:
        """Return what the device says.

        Raises:
            FenceError: the device cannot be reached, refuses, or says neither on nor off.
        """


class Redfish(Device):
    """A management controller that speaks Redfish; the lab's power switch does, too."""

    def __init__(self, fence: Fence, password: str) -> None:
        """Use the system that `fence` names."""
        self._system = f"{fence.address.rstrip('/')}/redfish/v1/Systems/{fence.system}"
        self._account = aiohttp.BasicAuth(fence.user, password)
        self._ca_file = fence.ca_file or None

    async def switch(self, *, on: bool) -> None:
        """Ask for it; a refusal because it is so already shows in the state, and is no failure."""
        body = {"ResetType": "On" if on else "ForceOff"}
        status, said = await self._call("POST", "/Actions/ComputerSystem.Reset", body)
        if status in _WRONG_ACCOUNT:
            raise FenceError(f"{self._system} refuses: status {status}, {said}")

    async def is_on(self) -> bool:
        """Return the power state."""
        status, said = await self._call("GET", "", None)
        state = said.get("PowerState")
        if status >= _REFUSED or state is None:
            raise FenceError(f"{self._system} does not tell its power state: status {status}, {said}")
        return bool(state != "Off")

    async def _call(
        self, method: str, path: str, body: Mapping[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        trusted = True if self._ca_file is None else ssl.create_default_context(cafile=self._ca_file)
        try:
            async with (
                aiohttp.ClientSession(auth=self._account, trust_env=False) as session,
                session.request(method, self._system + path, json=body, ssl=trusted) as response,
            ):
                text = await response.read()
                return response.status, msgspec.json.decode(text, type=dict[str, Any]) if text else {}
        except (aiohttp.ClientError, OSError) as failure:
            raise FenceError(f"{self._system}: {failure}") from failure
        except msgspec.MsgspecError:
            raise FenceError(f"{self._system} does not answer as Redfish does") from None


class Ipmi(Device):
    """A management controller that speaks IPMI over the network, by ipmitool."""

    def __init__(self, fence: Fence, password: str, *, program: str = "ipmitool") -> None:
        """Use the controller at the address that `fence` gives."""
        self._command = (program, "-I", "lanplus", "-H", fence.address, "-U", fence.user, "-E")
        self._address = fence.address
        self._password = password

    async def switch(self, *, on: bool) -> None:
        """Ask for it; off is immediate, without the operating system's help."""
        await self._run("on" if on else "off")

    async def is_on(self) -> bool:
        """Return the chassis' power state."""
        said = await self._run("status")
        if said not in ("Chassis Power is on", "Chassis Power is off"):
            raise FenceError(f"{self._address} does not tell its power state: {said!r}")
        return said.endswith("on")

    async def _run(self, word: str) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                "chassis",
                "power",
                word,
                # By the environment (-E): arguments can be read by everybody on the host.
                env={"IPMI_PASSWORD": self._password, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as failure:
            raise FenceError(f"{self._command[0]}: {failure}") from failure
        try:
            output, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode != 0:
            words = said.decode(errors="replace").strip()
            raise FenceError(f"{self._address}: ipmitool ended with {process.returncode}: {words}")
        return output.decode(errors="replace").strip()


def device_of(fence: Fence | None, password: str) -> Device | None:
    """Return the device that `fence` describes; None: there is none."""
    if fence is None or fence.kind == "none":
        return None
    return Ipmi(fence, password) if fence.kind == "ipmi" else Redfish(fence, password)


async def switched(device: Device, *, on: bool, deadline_s: float = DEADLINE_S) -> None:
    """Switch a host on or off, and wait until its device says so.

    Raises:
        FenceError: the device cannot be reached, refuses, or did not say so within `deadline_s`.
    """
    wanted = "on" if on else "off"
    try:
        async with asyncio.timeout(deadline_s):
            await device.switch(on=on)
            while await device.is_on() != on:
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise FenceError(
            f"the device did not say within {deadline_s:g} s that the host is {wanted}"
        ) from None
