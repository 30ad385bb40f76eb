"""The interface of fence devices: what is asked of each kind, and what it may answer. Values only."""

from enum import StrEnum
from typing import Protocol

SHOWN_CHARACTERS = 200
"""Of an unexpected answer, in a message."""


class Power(StrEnum):
    """Power state that a device reports, in Redfish's words; others, such as PoweringOff, mean not yet."""

    ON = "On"
    OFF = "Off"


class DeviceError(RuntimeError):
    """The device cannot be reached, or gives an unexpected answer."""


class PowerRefusedError(DeviceError):
    """The device refuses to switch; the host may already be in the wanted state."""


class Controller(Protocol):
    """Interface of all kinds of devices."""

    name: str

    async def set_power(self, power: Power) -> None:
        """Have the device switch the host on or off, at once and without its operating system's help.

        Raises:
            PowerRefusedError: it refuses.
            DeviceError: it cannot be asked.
        """

    async def power_state(self) -> str:
        """Return the host's power state in the device's words.

        Raises:
            DeviceError: it cannot be asked, or does not tell.
        """

    async def close(self) -> None:
        """Close connections."""
