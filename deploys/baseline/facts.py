"""The present kernel settings, whether a unit may start, and the SSH session of this deploy."""

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


class UnitLoadState(FactBase[str]):
    """Return what systemd made of a unit's file: `loaded`, `masked`, `not-found` or another of its words."""

    @staticmethod
    def default() -> str:
        """Return the value if systemd printed nothing: there is no such unit."""
        return "not-found"

    def requires_command(self, unit: str) -> str:
        """Return the tool that must exist.

        + unit: full unit name
        """
        return "systemctl"

    def command(self, unit: str) -> str:
        """Return the shell command.

        + unit: full unit name
        """
        return f"systemctl show --property=LoadState --value {shlex.quote(unit)}"

    def process(self, output: list[str]) -> str:
        """Return the word."""
        return output[0].strip()
