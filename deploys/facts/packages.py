"""Which of some RPM packages are installed."""

import shlex

from pyinfra.api.facts import FactBase


class InstalledPackages(FactBase[dict[str, str]]):
    """Return {name: version-release} of those of the asked packages that are installed.

    rpm enters a package into its database only after unpacking it, so an interrupted one is not listed.
    """

    @staticmethod
    def default() -> dict[str, str]:
        """Return the value if nothing was printed: no package is installed."""
        return {}

    def requires_command(self, names: tuple[str, ...]) -> str:
        """Return the tool that must exist; without it no package is installed.

        + names: package names
        """
        return "rpm"

    def command(self, names: tuple[str, ...]) -> str:
        """Return the shell command; a package that is missing is no error.

        + names: package names
        """
        quoted = " ".join(shlex.quote(name) for name in names)
        return f"rpm --query --queryformat '%{{NAME}}|%{{VERSION}}-%{{RELEASE}}\\n' {quoted} || true"

    def process(self, output: list[str]) -> dict[str, str]:
        """Return the packages from rpm's lines; the line `package x is not installed` contains no bar."""
        return dict(line.split("|", 1) for line in output if "|" in line)
