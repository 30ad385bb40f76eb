"""The status of an HTTP endpoint of a host."""

import shlex

from pyinfra.api.facts import FactBase


class HttpStatus(FactBase[int]):
    """Return the status of a GET from the host itself; 0 if nothing answers."""

    @staticmethod
    def default() -> int:
        """Return the value if nothing was printed."""
        return 0

    def command(self, url: str, options: tuple[str, ...] = ()) -> str:
        """Return the shell command.

        + url: what to get
        + options: further options of curl
        """
        words = ["curl", "--silent", "--max-time", "2", "--output", "/dev/null", *options]
        command = " ".join(shlex.quote(word) for word in words)
        return f"{command} --write-out '%{{http_code}}\\n' {shlex.quote(url)} || true"

    def process(self, output: list[str]) -> int:
        """Return the three digits; curl prints 000 if nothing answered."""
        return int(output[-1])
