"""`loanstack report` and `judge`: commands that work on the folder of a finished run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.table import Table

from loanstack.cli.options import json_option
from loanstack.judging.again import judge_again
from loanstack.judging.differences import Difference, JudgedAgain
from loanstack.report.page import write_report
from loanstack.runs.console import Console
from loanstack.runs.folder import RunFolder
from loanstack.runs.task import CommandError, find_environment
from proof.exits import ExitCode


@click.command(short_help="Make report.html of a run folder again.")
@click.argument("run_folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def report(run_folder: Path, machine_readable: bool) -> None:
    """Make report.html of RUN_FOLDER again, from its files alone.

    \b
    Examples:
      loanstack report runs/latest
    """
    with _damage_refused(f"no report of {run_folder} can be made"):
        path = write_report(run_folder)
    if machine_readable:
        Console.print_json(
            {"report": str(path), "verdict": RunFolder(path=run_folder).read_results().verdict}
        )
        return
    click.echo(str(path))


@click.command(short_help="Judge a run folder again from its files.")
@click.argument("run_folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def judge(run_folder: Path, machine_readable: bool) -> ExitCode:
    """Recompute every finding, figure, verdict and reason of RUN_FOLDER, and say what differs.

    Changes nothing and contacts no host. Some figures, such as how long a seeding took, cannot be recomputed
    because no file holds their source data; they are taken as recorded, and --json names them. Exit code 1:
    something differs.

    \b
    Examples:
      loanstack judge runs/latest
      loanstack judge runs/latest --json | jq .differences
    """
    with _damage_refused(f"{run_folder} cannot be judged"):
        judged = judge_again(run_folder, find_environment)
    if machine_readable:
        Console.print_json(_as_json(judged))
    else:
        _show(judged)
    return ExitCode.FAIL if judged.differences else ExitCode.PASS


@contextmanager
def _damage_refused(why_not: str) -> Iterator[None]:
    """Turn what a damaged file of a run folder raises into a refusal; + why_not: start of its message.

    Raises:
        CommandError: a file is missing or damaged.
    """
    try:
        yield
    except (OSError, ValueError) as damaged:
        raise CommandError(f"{why_not}: {damaged}") from None
    except (
        LookupError,
        TypeError,
        AttributeError,
        SyntaxError,
        ArithmeticError,
        RecursionError,
    ) as damaged:
        # Other programs write some of these files, and people may edit them: any part may be missing.
        what = f"{type(damaged).__name__}: {damaged}"
        remedy = "restore its files from the run"
        raise CommandError(f"{why_not}, a file of it is damaged: {what}; {remedy}") from None


def _as_json(judged: JudgedAgain) -> dict[str, object]:
    return {
        "verdict": judged.found.verdict,
        "differences": [asdict(difference) for difference in judged.differences],
        "folders": [
            {
                "folder": each.name,
                "verb": each.recorded.verb,
                "verdict": each.found.verdict,
                "reasons": list(each.found.reasons),
                "figures_recomputed": len(each.figures),
                "as_recorded": list(each.as_recorded),
            }
            for each in judged.all()
        ],
    }


def _show(judged: JudgedAgain) -> None:
    table = Table("folder", "recorded", "found", "recomputed", "as recorded", box=None, pad_edge=False)
    for column in table.columns[3:]:
        column.justify = "right"
    for each in judged.all():
        table.add_row(
            escape(each.name),
            each.recorded.verdict,
            each.found.verdict,
            str(len(each.figures)),
            str(len(each.as_recorded)),
        )
    out = RichConsole(highlight=False)
    out.print(table)
    for difference in judged.differences:
        out.print(f"  - {escape(_line_of(difference))}", soft_wrap=True)
    out.print("nothing differs" if not judged.differences else f"{len(judged.differences)} things differ")


def _line_of(difference: Difference) -> str:
    return f"{difference.folder}: {difference.what}: recorded {difference.recorded}, found {difference.found}"
