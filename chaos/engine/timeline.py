"""The record of a drill's events, written as they happen."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import orjson

from inventory.model import Host
from proof.files import TIMELINE_FILE, write_whole
from proof.record import Event


class Timeline:
    """Appends events to `timeline.jsonl` of a run folder, and prints them as progress."""

    def __init__(self, folder: Path, now_s: Callable[[], float], progress: TextIO = sys.stderr) -> None:
        self._path = folder / TIMELINE_FILE
        self._now_s = now_s
        self._progress = progress
        self._begun_s = now_s()
        self.events: list[Event] = []

    def note(self, event: str, host: Host | None = None, detail: str = "") -> Event:
        """Record that `event` happened now."""
        return self.note_at(self._now_s(), event, host, detail)

    def note_at(self, at_s: float, event: str, host: Host | None = None, detail: str = "") -> Event:
        """Record that `event` happened at `at_s` (unix seconds), which may lie in the past."""
        noted = Event(at_s=at_s, event=event, host=host.name if host else None, detail=detail or None)
        self.add(noted)
        return noted

    def add(self, noted: Event) -> None:
        """Record an event from another record, such as the agents' history."""
        self.events.append(noted)
        where = f" {noted.host}" if noted.host else ""
        said = f": {noted.detail}" if noted.detail else ""
        # A full disk or a closed pipe must not stop a heal; `finish` writes the whole record again.
        with contextlib.suppress(OSError), self._path.open("ab") as file:
            file.write(orjson.dumps(noted, option=orjson.OPT_APPEND_NEWLINE))
        with contextlib.suppress(OSError):
            self._progress.write(f"[{noted.at_s - self._begun_s:7.2f} s] {noted.event}{where}{said}\n")
            self._progress.flush()

    def finish(self) -> None:
        """Sort the file by time, after derived events were added."""
        self.events.sort(key=lambda event: event.at_s)
        lines = [orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in self.events]
        write_whole(self._path, b"".join(lines))
