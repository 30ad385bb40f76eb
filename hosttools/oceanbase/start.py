"""Starts on data that are there: as they are, as a standby, or after they were copied anew."""

from contextlib import nullcontext

from hosttools import waiting
from hosttools.errors import ToolError
from hosttools.oceanbase import data, unit
from hosttools.oceanbase.bootstrap import make_standby
from hosttools.oceanbase.database import local, peer
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import Settings

_COMES_UP_WITHIN_S = 90
_FOLLOWS_WITHIN_S = 30
_STARTS = 3
"""One that was killed after a hand-over ends its first start with -4109; the next one works (tried)."""


def start(settings: Settings, *, alone: bool) -> None:
    """Start on the data that are here; as primary only if no peer is or may be primary.

    + alone: do not ask the peers

    Raises:
        ToolError: it did not start, or does not answer in its recorded role.
    """
    with unit.told(settings.alone) if alone else nullcontext():
        if not unit.start(settings):
            raise ToolError(f"did not start; see: journalctl -u {settings.unit}")
        recorded = data.recorded_role(settings)
        database = local(settings)
        what = f"the database to answer as {recorded}"
        waiting.until(lambda: database.answers_as(recorded), _COMES_UP_WITHIN_S, what)


def follow(settings: Settings, source: str) -> None:
    """Start (again) as a standby of `source` with the data that are here.

    + source: address of a primary

    Raises:
        ToolError: these are no data of a standby, `source` is no primary, or it did not come up.
    """
    recorded = data.recorded_role(settings)
    if recorded != Role.STANDBY:
        raise ToolError(
            f"{settings.base_dir} holds a {recorded}, and only a standby's data can follow;"
            " 'rejoin' is what deletes data"
        )
    _demand_primary(settings, source, "nothing to follow")
    if unit.is_running(settings):
        unit.stop_cleanly(settings)
    database = local(settings)
    with unit.told(settings.source, f"{source}\n"):
        for _ in range(_STARTS):
            unit.forget_failures(settings)
            what = "it to answer as STANDBY"
            if unit.comes_up(settings, database, Role.STANDBY, limit_s=_FOLLOWS_WITHIN_S, what=what):
                return
    raise ToolError(
        f"it did not come up as a standby of {source} in {_STARTS} tries; see: journalctl -u {settings.unit}"
    )


def rejoin(settings: Settings, source: str) -> None:
    """Stop, delete the local data, and become a standby of `source`.

    Raises:
        ToolError: `source` is no primary, and the data are as they were; or no standby came up.
    """
    _demand_primary(settings, source, "the local data stay as they are")
    unit.stop(settings)
    data.forget_role(settings)
    make_standby(settings, source)


def _demand_primary(settings: Settings, source: str, otherwise: str) -> None:
    if peer(settings, source).role() is not Role.PRIMARY:
        raise ToolError(f"{source} does not say PRIMARY: {otherwise}")
