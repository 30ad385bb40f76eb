"""Output of a command: progress for people on standard error, the result on standard output."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.table import Table

from loanstack.runs.folder import Results, to_dict
from proof.verdict import Verdict

COLOUR_OF = {Verdict.PASS: "green", Verdict.INVALID: "yellow", Verdict.FAIL: "bold red"}


def _error_console() -> RichConsole:
    return RichConsole(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class Console:
    """Console output of a command."""

    machine_readable: bool = False
    """Whether standard output carries exactly one JSON object."""
    errors: RichConsole = field(default_factory=_error_console)

    def say(self, text: str) -> None:
        """Print a line of text for people, without markup."""
        self.errors.print(escape(text))

    def note(self, line: str) -> None:
        """Show a line of a child's log while the child works; only on a terminal."""
        if self.errors.is_terminal:
            self.errors.print(f"  [dim]{escape(line)}[/dim]", overflow="ellipsis", no_wrap=True)

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show that `what` is in progress, with a spinner if there is a terminal."""
        if not self.errors.is_terminal:
            self.say(f"{what} ...")
            yield
            return
        with self.errors.status(f"{escape(what)} ..."):
            yield

    def table(self, table: Table) -> None:
        """Show a table to people; on standard error if standard output is for programs."""
        self._human().print(table)

    def result(self, results: Results, folder: Path) -> None:
        """Print the outcome of a run: verdict and reasons for people, or all results as JSON for programs."""
        if self.machine_readable:
            self.print_json({**to_dict(results), "run_folder": str(folder)})
            return
        out = self._human()
        out.print(
            f"[{COLOUR_OF[results.verdict]}]{results.verdict.value}[/] {results.verb} {results.environment}"
        )
        for reason in results.reasons:
            out.print(f"  - {escape(reason)}", soft_wrap=True)
        lost = results.figures.get("acknowledged_lost", 0.0)
        if lost:
            # Under `local` a drill may lose them within its limits; nobody shall have to look for the number.
            out.print(f"  {lost:.0f} acknowledged writes missing afterwards, listed in findings.json")
        out.print(f"report: {escape(str(folder / 'report.html'))}", soft_wrap=True)

    @staticmethod
    def print_json(value: object) -> None:
        """Print one JSON value on standard output."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def _human(self) -> RichConsole:
        return self.errors if self.machine_readable else RichConsole(highlight=False)
