"""Processors of the machines that the stack runs on, with the names that the machines report."""

from dataclasses import dataclass

_KIB = 1024


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Output of `lscpu` and `getconf` on one kind of machine."""

    name: str
    arch: str
    """As `uname -m` prints it."""
    vendor_id: str
    model_name: str
    page_size_bytes: int
    numa_nodes: int


KUNPENG_920 = Processor(
    name="Kunpeng 920 (TaiShan, two sockets)",
    arch="aarch64",
    vendor_id="HiSilicon",
    model_name="Kunpeng-920",
    # Kylin's aarch64 kernels are built for large pages.
    page_size_bytes=64 * _KIB,
    numa_nodes=4,
)
HYGON_7285 = Processor(
    name="Hygon C86 7285 (two sockets)",
    arch="x86_64",
    vendor_id="HygonGenuine",
    model_name="Hygon C86 7285 32-core Processor",
    page_size_bytes=4 * _KIB,
    numa_nodes=8,
)
