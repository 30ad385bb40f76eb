"""Settings of `loanstack-tongweb`; no secret is among them."""

from pathlib import Path
from typing import Annotated

import msgspec

from hosttools import settings

NAME = "loanstack-tongweb"
Seconds = Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class TongWebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TongWeb."""

    home: str
    """Folder of the version in use; a link of root's."""
    java_home: str
    service_user: str
    accounts: str
    """Path of the console's users: name, initial password and password, one a line; only root can read it."""
    configuration: str
    """Path of the configuration without the data source's password."""
    data_source: str
    """Path of the file with the data source's password; only root can read it."""
    console_host: str
    console_port: int
    portal_dir: str
    """Folder of the portal's versions, with the link `current`."""
    run_dir: str
    unit: str
    portal_url: str
    ready_s: Seconds
    """Time limit for the server to be up, in seconds."""
    application_s: Seconds
    """An application comes up with its server or within this time; one that was never deployed does not."""
    replaced_s: Seconds
    """Time limit for a replaced portal to answer, in seconds."""
    services_s: Seconds
    """How long the warm-up waits for a loan service, in seconds."""
    warm_up_s: Seconds
    """Time limit for the warm-up, in seconds."""
    warm_up_requests: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]

    @property
    def console_url(self) -> str:
        """Return the address of the console."""
        return f"http://{self.console_host}:{self.console_port}/console"

    @property
    def server_url(self) -> str:
        """Return the address of the server, where no application need be."""
        return f"{self.portal_url.removesuffix('/portal')}/"

    @property
    def log(self) -> Path:
        """Return the path of the server's log, which the service owns."""
        return Path(self.home) / "logs" / "server.log"


def load() -> TongWebSettings:
    """Return the settings of this host.

    Raises:
        ToolError: there are none, or a value in them is wrong.
    """
    return settings.load(TongWebSettings, "tongweb.json", variable="LOANSTACK_TONGWEB_SETTINGS")
