"""Runs programs of another architecture with QEMU in user mode, which the kernel starts for them.

The kernel opens the interpreter once, when it is registered (flag F), so that it works in every root and
namespace. An existing registration is used unchanged. Our registration stays, as a loaded module does.
"""

from pathlib import Path

from lab.architecture import AARCH64, NATIVE
from lab.commands import run
from lab.errors import RefusedError

_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_INTERPRETER = Path("/usr/bin/qemu-aarch64-static")
"""From Debian's package qemu-user-static."""
_NAME = "qemu-aarch64"
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
"""Matches executables and libraries of any ABI, as QEMU's own qemu-binfmt-conf.sh does."""
_DEADLINE_S = 20


def ensure(arch: str) -> None:
    """Make programs for `arch` run on this machine.

    Raises:
        RefusedError: the kernel or the interpreter is missing; says what to do.
    """
    if arch == NATIVE.arch or _is_registered():
        return
    if arch != AARCH64.arch or not _INTERPRETER.exists():
        raise RefusedError(f"{_INTERPRETER} is missing; install qemu-user-static, or run: make setup")
    if not (_BINFMT / "register").exists():
        run(
            ["mount", "-t", "binfmt_misc", "binfmt_misc", str(_BINFMT)],
            doing="mount binfmt_misc, without which the kernel starts no program for another machine",
            deadline_s=_DEADLINE_S,
        )
    try:
        (_BINFMT / "register").write_text(f":{_NAME}:M::{_MAGIC}:{_MASK}:{_INTERPRETER}:F")
    except OSError as refused:
        raise RefusedError(
            f"the kernel does not take {_INTERPRETER} as interpreter of aarch64 programs: {refused}"
        ) from refused


def _is_registered() -> bool:
    entry = _BINFMT / _NAME
    if not entry.exists():
        return False
    lines = entry.read_text().splitlines()
    return "enabled" in lines and any(line.startswith("flags:") and "F" in line for line in lines)
