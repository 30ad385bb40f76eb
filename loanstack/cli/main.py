"""The `loanstack` command group. Every program that it runs can also be run without it."""

import sys

import click

from inventory import InventoryError
from loanstack.cli.compare import compare
from loanstack.cli.deploy import deploy, plan, verify
from loanstack.cli.drill import drill, drills
from loanstack.cli.failover import failover
from loanstack.cli.folder import judge, report
from loanstack.cli.load import load, seed
from loanstack.cli.prove import prove
from loanstack.cli.upgrade import upgrade
from loanstack.runs.task import CommandError
from processes.interrupts import interrupt_on_signals
from proof.exits import ExitCode
from proof.files import FileError


class Commands(click.Group):
    """The group; loads the lab's own commands only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return sorted([*super().list_commands(ctx), "lab"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command."""
        if cmd_name == "lab":
            try:
                from lab.cli import lab
            except InventoryError as wrong:
                raise CommandError(str(wrong)) from None
            return lab
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="loanstack", message="%(prog)s %(version)s")
def cli() -> None:
    """Deploy a rural bank's loan stack and prove what it claims.

    ENV is an environment of the inventory: lab or qinghai. Each run writes a folder below runs/, with
    results.json and report.html; runs/latest points at the newest.

    \b
    Exit codes: 0 pass, 1 an SLO or a validation failed, 2 usage, 3 INVALID (the run proves nothing),
    4 residue or a failed heal, 5 changes are pending (plan), 130 interrupted.
    """


for _command in (
    plan,
    deploy,
    verify,
    seed,
    load,
    drill,
    drills,
    upgrade,
    compare,
    failover,
    prove,
    report,
    judge,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command; each kind of ending has an exit code, and a user's mistake shows no traceback."""
    interrupt_on_signals()
    try:
        code = cli.main(prog_name="loanstack", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except CommandError as failed:
        click.echo(f"loanstack: {failed}", err=True)
        sys.exit(failed.code)
    except FileError as damaged:
        click.echo(f"loanstack: {damaged}", err=True)
        sys.exit(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        click.echo("loanstack: interrupted; all programs that it had started have ended", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(code if isinstance(code, int) else ExitCode.PASS)


if __name__ == "__main__":
    main()
