"""The architecture of a host, and the machine for which a program was built."""

import shlex

from pyinfra.api.facts import FactBase

from deploys.trust import CURL

_FIRST_BYTES = 4 * 1024 * 1024
"""Programs are at the beginning of our archives (`bin/`), so only this part is fetched to read one."""
_ELF_BYTES = 20
"""Bytes of a file's head, up to and including `e_machine` (System V ABI, "ELF Header")."""
_MACHINES = {0x3E: "x86_64", 0xB7: "aarch64"}


class ElfMachine(FactBase[str | None]):
    """Return the architecture of the first program in an archive that is not downloaded; None: no program."""

    def command(self, url: str) -> str:
        """Return the shell command.

        + url: a .tar.gz
        """
        each = f"head --bytes={_ELF_BYTES} | od -An -v -tx1 -w{_ELF_BYTES}"
        return (
            f"{CURL} --range 0-{_FIRST_BYTES - 1} {shlex.quote(url)} 2>/dev/null | "
            f"tar --extract --gzip --to-command={shlex.quote(each)} 2>/dev/null | "
            "grep --max-count=1 '^ 7f 45 4c 46' || true"
        )

    def process(self, output: list[str]) -> str | None:
        """Return the name in `uname -m`; a number for an unknown machine."""
        head = bytes.fromhex("".join(output[:1]))
        if len(head) < _ELF_BYTES:
            return None
        machine = int.from_bytes(head[18:20], "little")
        return _MACHINES.get(machine, f"ELF machine {machine}")
