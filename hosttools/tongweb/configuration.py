"""The server's configuration, put together on the host: only the product's script can write its password.

The script may write another word each time, so root notes what the file was made of, and what became of it.
"""

from hashlib import sha256
from pathlib import Path

from hosttools import files
from hosttools.errors import ToolError
from hosttools.tongweb import vendor
from hosttools.tongweb.settings import TongWebSettings

NOTE = Path("/var/lib/loanstack/tongweb-configuration.sha256")
_PLACE = "@data-source-password@"
_MODE = 0o640


class Configuration:
    """The configuration of this host's server."""

    def __init__(self, settings: TongWebSettings, *, note: Path = NOTE) -> None:
        """Put together what `settings` name.

        + note: path of root's own note
        """
        self._settings = settings
        self._note = note
        self._target = Path(settings.home) / "conf" / "tongweb.xml"

    def is_stale(self) -> bool:
        """Return whether it is not of its current parts, or was changed or replaced by a link since."""
        try:
            return files.read(self._note) != self._digest()
        except ToolError:
            return True

    def put_together(self) -> None:
        """Write it for the server.

        Raises:
            ToolError: the product's script wrote no password, or the file cannot be written.
        """
        settings = self._settings
        text = Path(settings.configuration).read_text()
        if _PLACE not in text:
            raise ToolError(f"{settings.configuration} has no place for the data source's password")
        password = vendor.encoded(settings, Path(settings.data_source).read_text().removesuffix("\n"))
        files.write(self._target, text.replace(_PLACE, password), mode=_MODE, owner=settings.service_user)
        self._note.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        files.write(self._note, self._digest(), mode=0o600)

    def _digest(self) -> str:
        settings = self._settings
        parts = (Path(settings.configuration).read_text(), Path(settings.data_source).read_text())
        found = sha256()
        for part in (*parts, files.read(self._target) or ""):
            found.update(sha256(part.encode()).digest())
        return found.hexdigest()
