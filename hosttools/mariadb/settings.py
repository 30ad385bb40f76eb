"""Settings of `loanstack-mariadb`; no secret is among them."""

from pathlib import Path

import msgspec

from hosttools import settings

NAME = "loanstack-mariadb"


class MariaDbSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database of the pair."""

    config: str
    """Path of the server's own configuration."""
    script: str
    """Path of the SQL that makes users and tables, or names whom to follow; only root can read it."""
    data_dir: str
    service_user: str
    is_primary: bool

    @property
    def socket(self) -> str:
        """Return the path of the server's local socket."""
        return f"{self.data_dir}/sql.sock"

    @property
    def made(self) -> Path:
        """Return the path of the file that is written when the data are whole."""
        return Path(self.data_dir) / "loanstack-made"

    @property
    def applied(self) -> Path:
        """Return the path of the file with the hash of the script that was applied last."""
        return Path(self.data_dir) / "loanstack-applied"


def load() -> MariaDbSettings:
    """Return the settings of this host.

    Raises:
        ToolError: there are none, or a value in them is wrong.
    """
    return settings.load(MariaDbSettings, "mariadb.json", variable="LOANSTACK_MARIADB_SETTINGS")
