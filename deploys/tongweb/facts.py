"""The state of the channel portal and its server, from their answers."""

import re
import shlex

from pyinfra.api.facts import FactBase

from deploys.tongweb.spec import TOOL

_VERSION = re.compile(r'^portal_info\{version="([^"]*)"\} 1$')


class ServedPortal(FactBase[str | None]):
    """Return the version of the portal that answers; None if none answers."""

    def command(self, url: str) -> str:
        """Return the shell command.

        + url: the portal's metrics
        """
        return f"curl --silent --fail --max-time 2 {shlex.quote(url)} || true"

    def process(self, output: list[str]) -> str | None:
        """Return the version from the metrics."""
        return next((found[1] for line in output if (found := _VERSION.match(line))), None)


class InsecureAccounts(FactBase[list[str]]):
    """Return the users of TongWeb's console that do not have our password (yet)."""

    @staticmethod
    def default() -> list[str]:
        """Return what holds where nothing was printed."""
        return []

    def command(self) -> str:
        """Return the shell command; on a host without the tool it prints nothing."""
        return f"! test -x {TOOL} || {TOOL} secure --check"

    def process(self, output: list[str]) -> list[str]:
        """Return the names, one a line."""
        return output


class StaleConfiguration(FactBase[bool]):
    """Return whether TongWeb's configuration must be assembled (again)."""

    @staticmethod
    def default() -> bool:
        """Return what holds where nothing was printed."""
        return False

    def command(self) -> str:
        """Return the shell command; on a host without the tool, the configuration counts as stale."""
        return f"if test -x {TOOL}; then {TOOL} configure --check; else echo stale; fi"

    def process(self, output: list[str]) -> bool:
        """Return whether the command printed anything."""
        return bool(output)
