"""`loanstack report` and `judge`: commands that work on the folder of a finished run."""

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
    try:
        judged = judge_again(run_folder, find_environment)
    except (FileNotFoundError, ValueError) as damaged:
        raise CommandError(f"{run_folder} cannot be judged: {damaged}") from None
    except (LookupError, TypeError, AttributeError, SyntaxError) as damaged:
        # Other programs write some of these files, and people may edit them: any part may be missing.
        what = f"{type(damaged).__name__}: {damaged}"
        raise CommandError(f"{run_folder} cannot be judged, a file of it is damaged: {what}") from None
    if machine_readable:
        Console.print_json(_as_json(judged))
    else:
        _show(judged)
    return ExitCode.FAIL if judged.differences else ExitCode.PASS


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
