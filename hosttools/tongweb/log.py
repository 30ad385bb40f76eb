"""The server's log since its last start, and the reasons that it gives for not starting.

The service owns the log: it may be a link, be replaced, or grow without end.
"""

import re
from pathlib import Path

from hosttools import files, programs
from hosttools.errors import ToolError
from hosttools.numbers import whole_number
from hosttools.tongweb.settings import TongWebSettings

STATE = Path("/run/loanstack-tongweb")
"""Folder of root's own notes, gone after a reboot; the service cannot write there."""
_JOURNAL_S = 10.0
_JOURNAL_LINES = 40
_SHOWN_LINES = 3
_REASONS = re.compile(
    "Lisence file not found|License expired|License is not for|Invaild license|Address already in use"
    '|reserve enough space|insufficient memory|not enough space|does not "opens|JAVA_HOME|is not supported'
)
"""The vendor's own words for why it did not start."""


class ServerLog:
    """The log of the server of this host."""

    def __init__(self, settings: TongWebSettings, *, state: Path = STATE) -> None:
        """Read the log that `settings` name.

        + state: folder of root's own notes
        """
        self._settings = settings
        self._began = state / "log-began"

    def begin(self) -> None:
        """Note how long the log is: what comes after it is of the start that follows.

        Raises:
            ToolError: the note cannot be written.
        """
        self._began.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(self._began, f"{files.size_of(self._settings.log) or 0}\n")

    def this_start(self) -> str:
        """Return the end of what the server wrote since its start.

        Raises:
            ToolError: the log is no regular file, or root's note is no number.
        """
        note = files.read(self._began)
        began = 0 if note is None else whole_number(note, str(self._began))
        return files.read_end(self._settings.log, after_byte=began) or ""

    def why(self) -> str:
        """Return the server's own reason for not starting: the last lines with one of the vendor's words.

        Without such a line, the last severe ones are returned. What the journal does not give in time is not
        known, and the log alone is looked at: the caller has a failed start to report.

        Raises:
            ToolError: as for `this_start`.
        """
        lines = [*self.this_start().splitlines(), *self._journal().splitlines()]
        found = [line for line in lines if _REASONS.search(line)]
        severe = [line for line in lines if "[SEVERE]" in line]
        return "\n".join((found or severe)[-_SHOWN_LINES:])

    def _journal(self) -> str:
        """Return the end of what systemd keeps of the unit's words; empty: it cannot be asked in time."""
        command = ("journalctl", "--no-pager", "--output=cat", f"--lines={_JOURNAL_LINES}")
        try:
            return programs.run((*command, f"--unit={self._settings.unit}"), limit_s=_JOURNAL_S).output
        except ToolError:
            return ""
