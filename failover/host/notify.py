"""Notifies systemd that the agent is ready and that its loop runs, with the protocol of sd_notify(3)."""

import os
import socket
from collections.abc import MutableMapping


class Notify:
    """Sends notifications to the service manager, if there is one."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Remove the manager's socket from `environment`, so that child processes cannot notify it."""
        address = environment.pop("NOTIFY_SOCKET", "")
        # An abstract socket is written with an @ and addressed with a zero byte.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def ready(self) -> None:
        """Say that the agent is up: the database may be started."""
        self._say("READY=1")

    def watchdog(self) -> None:
        """Say that the loop has just completed a cycle."""
        self._say("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Send one line about the present action, for `systemctl status`."""
        self._say(f"STATUS={text}")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _say(self, text: str) -> None:
        if self._address:
            try:
                self._socket.sendto(text.encode(), self._address)
            except OSError:
                # If the manager is busy, it gets the next notification; this must never block the loop.
                return
