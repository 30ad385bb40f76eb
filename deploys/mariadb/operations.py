"""Makes MariaDB's data once, keeps its users and schema, and waits for the pair."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.mariadb.facts import TOOL, LocalMariaDb


@operation()
def data_made() -> Generator[StringCommand, None, None]:
    """Make the database in the data folder if there is none; a complete one is never made again."""
    now = host.get_fact(LocalMariaDb)
    if now is not None and now.is_made:
        host.noop("there is a database")
        return
    yield StringCommand(f"{TOOL} make")


@operation()
def script_applied(sha256: str) -> Generator[StringCommand, None, None]:
    """Apply the script on this host whenever its text has changed.

    + sha256: hash of its text, which has passwords and is in a file that only root can read
    """
    now = host.get_fact(LocalMariaDb)
    if now is not None and now.applied == sha256:
        host.noop(f"applied: {sha256[:12]}")
        return
    yield StringCommand(f"{TOOL} apply")


@operation()
def paired(deadline_s: int) -> Generator[StringCommand, None, None]:
    """Wait until the replica follows and acknowledges the primary's commits.

    + deadline_s: time limit
    """
    now = host.get_fact(LocalMariaDb)
    if now is not None and now.is_paired:
        host.noop("primary and replica are a pair")
        return
    yield StringCommand(f"{TOOL} wait-paired {deadline_s}")
