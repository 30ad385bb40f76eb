"""Settings of `loanstack-db`, without secrets, and the files that follow from them."""

import socket
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hosttools import settings
from hosttools.errors import ToolError
from hosttools.numbers import shortened

NAME = "loanstack-db"

_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
_Seconds = Annotated[int, msgspec.Meta(ge=1, le=86400)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database host."""

    base_dir: str
    """Folder of the data; belongs to `service_user`."""
    program_dir: str
    """Folder of seekdb, which has `bin/seekdb`."""
    run_dir: str
    """Folder of what a start is told, and of the lock; root's, and gone after a reboot."""
    root_options: str
    """Option file of the SQL client with root's password."""
    service_user: str
    unit: str
    log_level: str
    sql_port: _Port
    rpc_port: _Port
    """Port at which a standby pulls the log."""
    peers: tuple[str, ...]
    """IPv4 addresses of the other databases."""
    inventory_role: Literal["PRIMARY", "STANDBY"]
    """Role at the first deploy; later, the existing databases decide."""
    bootstrap_deadline_s: _Seconds
    peer_deadline_s: _Seconds
    """How long an old primary waits for a silent peer to say what it is, before it refuses to start."""
    parameters: dict[str, str]
    """Of the first start only: the data folder remembers them."""

    def __post_init__(self) -> None:
        """Refuse a data folder at the top, because it is emptied, and peers that are no addresses."""
        folder = Path(self.base_dir)
        if not folder.is_absolute() or ".." in folder.parts or len(folder.parts) < 3:
            raise ValueError(f"base_dir is {self.base_dir!r}; allowed: a folder at least two levels below /")
        for peer in self.peers:
            address(peer, "peer")

    @property
    def data(self) -> Path:
        """Return the folder of the data."""
        return Path(self.base_dir)

    @property
    def socket(self) -> str:
        """Return the path of the database's local socket."""
        return f"{self.base_dir}/run/sql.sock"

    @property
    def role_file(self) -> Path:
        """Return the file of the role, written when a bootstrap is complete and at each change of role.

        A data folder without it is half-made.
        """
        return self.data / "loanstack-role"

    @property
    def request(self) -> Path:
        """Return the file of what the next start shall make of an empty folder.

        It is gone after a reboot, as a broken-off bootstrap should be.
        """
        return Path(self.run_dir, "bootstrap")

    @property
    def source(self) -> Path:
        """Return the file of whose log the next start shall pull; the database remembers it."""
        return Path(self.run_dir, "source")

    @property
    def alone(self) -> Path:
        """Return the file that lets a primary start without asking its peers."""
        return Path(self.run_dir, "alone")

    @property
    def lock(self) -> Path:
        """Return the file whose lock a changing command holds."""
        return Path(self.run_dir, "lock")


def load() -> Settings:
    """Return the settings that the deploy wrote.

    Raises:
        ToolError: they cannot be read, or a value is not allowed.
    """
    return settings.load(Settings, "oceanbase.json", variable="LOANSTACK_DB_SETTINGS")


def address(text: str, what: str) -> str:
    """Return the IPv4 address that `text` is: digits and dots alone, which may stand in rules and arguments.

    + what: name of the value, for the message

    Raises:
        AddressError: `text` is anything else.
    """
    try:
        return socket.inet_ntoa(socket.inet_pton(socket.AF_INET, text))
    except (OSError, ValueError):
        raise AddressError(f"{what} is {shortened(text)}; allowed: an IPv4 address") from None


class AddressError(ToolError, ValueError):
    """What should be an address is none."""
