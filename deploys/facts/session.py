"""The SSH session that this deploy runs through."""

from pyinfra.api.facts import FactBase


class SessionOrigin(FactBase[str | None]):
    """Return the address that this session comes from, as the host sees it."""

    def command(self) -> str:
        """Return the shell command."""
        return 'printf "%s\\n" "${SSH_CONNECTION%% *}"'
