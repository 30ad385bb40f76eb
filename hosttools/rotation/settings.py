"""Settings of `loanstack-rotation` for one service; no secret is among them."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated

import msgspec

from hosttools import settings
from hosttools.errors import ToolError
from hosttools.numbers import shortened

NAME = "loanstack-rotation"
_FOLDER = "rotation"
_VARIABLE = "LOANSTACK_ROTATION"
_SERVICE = re.compile(r"[a-z]+")
_LAST_PORT = 65_535

Port = Annotated[int, msgspec.Meta(ge=1, le=_LAST_PORT)]
Command = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class RotationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service."""

    name: str
    folder: str
    """Folder of its versions, with the links `current` and `previous`."""
    out_of_rotation: str
    """Folder in which each file is a reason to send it no requests."""
    port: Port
    senders: tuple[str, ...]
    """IPv4 addresses blocked from `port` while it is replaced; empty: checking the reasons is enough."""
    well_url: str
    metrics_url: str
    in_flight: str
    """Metric that counts requests under way."""
    idle_in_flight: int
    """Value of the metric when only its own question is under way."""
    smoke_test_url: str
    smoke_test_entity: str
    smoke_test_requests: int
    drain_s: float
    back_s: float
    """How long senders may still not use it after it was put back."""
    restart: tuple[Command, ...]
    """Commands that start it anew."""
    after_roll_back: tuple[Command, ...]
    """Commands that put the version of before into use, after the links were changed."""
    ready_s: float
    """Time limit for it to be well after these commands; 0: they wait for that themselves."""

    def __post_init__(self) -> None:
        # They stand in a rule of the firewall, which takes a name for a host to look up.
        for sender in self.senders:
            try:
                socket.inet_pton(socket.AF_INET, sender)
            except (OSError, ValueError):
                raise ValueError(f"sender is {shortened(sender)}; allowed: an IPv4 address") from None


class NoServiceError(ToolError, LookupError):
    """This host has no service of that name."""


def load(service: str) -> RotationSettings:
    """Return the settings of `service`.

    Raises:
        NoServiceError: this host has no such service.
        ToolError: a value in its settings is wrong.
    """
    folder = Path(os.environ.get(_VARIABLE) or settings.FOLDER / _FOLDER)
    there = sorted(path.stem for path in folder.glob("*.json"))
    if _SERVICE.fullmatch(service) is None or service not in there:
        raise NoServiceError(f"no service {shortened(service)} here; allowed: {', '.join(there) or 'none'}")
    return settings.load_file(RotationSettings, folder / f"{service}.json")
