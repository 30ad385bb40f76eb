"""The present kernel settings, and the SSH session that this deploy runs through."""

import shlex

from pyinfra.api.facts import FactBase


class KernelSettings(FactBase[dict[str, str]]):
    """Return {key: value} of the asked sysctl keys that the kernel has."""

    @staticmethod
    def default() -> dict[str, str]:
        """Return the value if nothing was printed."""
        return {}

    def command(self, keys: tuple[str, ...]) -> str:
        """Return the shell command.

        + keys: sysctl names such as `vm.max_map_count`
        """
        quoted = " ".join(shlex.quote("/proc/sys/" + key.replace(".", "/")) for key in keys)
        return f"grep --with-filename '' {quoted} 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, str]:
        """Return the values; tabs between numbers become single spaces."""
        found = {}
        for line in output:
            path, _, value = line.partition(":")
            found[path.removeprefix("/proc/sys/").replace("/", ".")] = " ".join(value.split())
        return found


class TransparentHugePages(FactBase[str | None]):
    """Return when the kernel makes transparent huge pages: always, madvise or never; None: it cannot."""

    def command(self) -> str:
        """Return the shell command."""
        return "cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || true"

    def process(self, output: list[str]) -> str | None:
        """Return the word in brackets of the kernel's line, `always [madvise] never`."""
        return next((word.strip("[]") for word in output[0].split() if word.startswith("[")), None)


class SessionOrigin(FactBase[str | None]):
    """Return the address that this session comes from, as the host sees it."""

    def command(self) -> str:
        """Return the shell command."""
        return 'printf "%s\\n" "${SSH_CONNECTION%% *}"'
