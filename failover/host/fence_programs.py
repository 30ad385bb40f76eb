"""Fence devices that are reached through a program of the operating system.

`ipmitool` speaks IPMI. Fence agents are the programs of ClusterLabs (packages fence-agents-*), which know the
ways of each vendor's devices; FenceAgentAPI.md in their repository is the source of what is used of them
here: options on stdin, one `name=value` a line, and the exit codes of the action `status`.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from failover.host.controller import SHOWN_CHARACTERS, DeviceError, Power, PowerRefusedError
from failover.settings import Fence

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_STATES_BY_EXIT_CODE = {0: Power.ON, 2: Power.OFF}
"""Of a fence agent's `status`; 1 is a failure."""


class Ipmi:
    """A management controller that speaks IPMI 2.0 over the network, by way of ipmitool."""

    def __init__(self, fence: Fence, *, program: str) -> None:
        """Use the controller at the address that `fence` gives."""
        self.name = f"ipmi at {fence.address}"
        self._command = (program, "-I", "lanplus", "-H", fence.address, "-U", fence.user, "-E")
        # -E: arguments can be read by every user of the host, root's environment cannot.
        self._environment = {"IPMI_PASSWORD": fence.password}

    async def set_power(self, power: Power) -> None:
        """Switch the chassis."""
        code, said = await self._run(power.lower())
        if code != 0:
            raise PowerRefusedError(f"ipmitool ended with {code}: {said}")

    async def power_state(self) -> str:
        """Return the chassis' power state."""
        code, said = await self._run("status")
        state = {"Chassis Power is on": Power.ON, "Chassis Power is off": Power.OFF}.get(said)
        if code != 0 or state is None:
            raise DeviceError(f"does not tell the power state: ipmitool ended with {code}: {_shown(said)}")
        return state

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _run(self, word: str) -> tuple[int, str]:
        return await _run((*self._command, "chassis", "power", word), environment=self._environment)


class FenceAgent:
    """Any device that a fence agent of ClusterLabs speaks to."""

    def __init__(self, fence: Fence) -> None:
        """Use the program that `fence` names, with its options."""
        self.name = f"{fence.program} at {fence.address}"
        self._program = fence.program
        account = (f"ip={fence.address}", f"username={fence.user}", f"password={fence.password}")
        self._options = (*fence.options, *account)

    async def set_power(self, power: Power) -> None:
        """Have the agent switch the host, and wait until the device says so.

        A failure is no refusal: an agent succeeds where the host is in that state already, and one that is
        broken may end with the exit code of `status` that means Off.
        """
        code, said = await self._run(power.lower())
        if code != 0:
            raise DeviceError(f"{self._program} {power.lower()} ended with {code}: {_shown(said)}")

    async def power_state(self) -> str:
        """Return the state that the action `status` gives by its exit code."""
        code, said = await self._run("status")
        state = _STATES_BY_EXIT_CODE.get(code)
        if state is None:
            raise DeviceError(
                f"does not tell the power state: {self._program} status ended with {code}: {_shown(said)}"
            )
        return state

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _run(self, action: str) -> tuple[int, str]:
        lines = "".join(f"{option}\n" for option in (*self._options, f"action={action}"))
        return await _run((self._program,), stdin=lines)


def _shown(said: str) -> str:
    return said[-SHOWN_CHARACTERS:]  # programs say what went wrong at the end


async def _run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> tuple[int, str]:
    """Return exit code and output of a program; if this is cancelled, no process of it is left.

    Raises:
        DeviceError: it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**(environment or {}), "PATH": _PATH, "LC_ALL": "C"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as failure:
        raise DeviceError(f"{command[0]} cannot be run: {failure.strerror}") from failure
    try:
        output, _ = await process.communicate(stdin.encode())
    finally:
        # Fence agents start ssh or ipmitool, which would live on and give a late order.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode(errors="replace").strip()
