"""Kernel settings that hosts share with the machine: raised if OceanBase needs more, and restored later."""

from collections.abc import Mapping
from pathlib import Path

WANTED_AT_LEAST = {
    "vm.max_map_count": 655_360,
    "fs.aio-max-nr": 1_048_576,
    "fs.file-max": 6_573_688,
}
"""Settings that OceanBase's own installer (OBD) checks on a server; a lab host cannot change them itself."""


def to_raise(present: Mapping[str, int]) -> dict[str, int]:
    """Return the settings that are too low, with the values they need."""
    return {name: wanted for name, wanted in WANTED_AT_LEAST.items() if present[name] < wanted}


def read() -> dict[str, int]:
    """Return the present values of the settings that matter."""
    return {name: int(_path(name).read_text()) for name in WANTED_AT_LEAST}


def write(settings: Mapping[str, int]) -> None:
    """Set the kernel to `settings`."""
    for name, value in settings.items():
        _path(name).write_text(f"{value}\n")


def _path(name: str) -> Path:
    return Path("/proc/sys") / name.replace(".", "/")
