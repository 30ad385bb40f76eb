"""The daily merge of what was dumped, on a primary and its standby at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.oceanbase.database import Database, local
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import Settings

_BEGAN_EARLIER_NS = 60 * 1_000_000_000
"""The other side may have begun a moment earlier; of one that never merged nothing is told at all."""


def merge(settings: Settings, *, limit_s: int) -> None:
    """Merge, and wait until it is over.

    A standby merges what its primary has frozen, which it is told with the log.

    + limit_s: time limit, in seconds

    Raises:
        ToolError: the database does not answer, or the merge did not end in time.
    """
    database = local(settings)
    role = database.role()
    if role is Role.DOWN:
        raise ToolError("the database does not answer: nothing to merge")
    since_ns = max(0, database.scn() - _BEGAN_EARLIER_NS)
    with _merges_allowed(database):
        if role is Role.PRIMARY:
            database.change("ALTER SYSTEM MAJOR FREEZE")
        waiting.until(lambda: _has_merged(database, since_ns), limit_s, f"a merge of this {role} to end")


@contextmanager
def _merges_allowed(database: Database) -> Iterator[None]:
    """Allow merges only meanwhile: or the kernel would begin one whenever its memory is half full."""
    try:
        database.change("ALTER SYSTEM SET enable_major_freeze = True")
        yield
    finally:
        database.change("ALTER SYSTEM SET enable_major_freeze = False")


def _has_merged(database: Database, since_ns: int) -> bool:
    try:
        return database.has_merged(since_ns)
    except ToolError:
        return False
