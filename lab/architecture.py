"""The architectures of the lab's hosts: that of this machine, and aarch64 by emulation."""

from dataclasses import dataclass

from inventory.model import Arch


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One architecture, by its names."""

    arch: str
    """Name in `uname -m`, RPM and Python's wheels."""
    debian: str


X86_64 = Architecture(arch=Arch.X86_64, debian="amd64")
AARCH64 = Architecture(arch=Arch.AARCH64, debian="arm64")
NATIVE = X86_64
"""Architecture of the machine that the lab runs on; see `lab.preflight`."""
ALL = (X86_64, AARCH64)


def of(arch: str) -> Architecture:
    """Return the architecture that `uname -m` calls `arch`; the inventory's validation allows no other."""
    return next(each for each in ALL if each.arch == arch)
