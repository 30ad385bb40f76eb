"""A new database in an empty data folder: a primary, or a standby that copies one."""

import re

from hosttools import waiting
from hosttools.entry import say
from hosttools.errors import ToolError
from hosttools.oceanbase import data, unit
from hosttools.oceanbase.database import Peer, local, peer, primary_peer, root_password
from hosttools.oceanbase.roles import NONE, Role
from hosttools.oceanbase.settings import NAME, Settings
from hosttools.sql import SqlError

_PRIMARY_SETTLES_S = 16
"""A primary younger than this lets a standby run into -4023 half a minute later (seekdb 1.4)."""
_SETTLES_WITHIN_S = 30
_FREEZES_WITHIN_S = 30
_COMES_UP_WITHIN_S = 90
_HAS_TABLES_WITHIN_S = 15
_TRIES_AGAIN_AFTER_S = 2.0
_PASSWORD = re.compile(r"[A-Za-z0-9_-]+")


def auto(settings: Settings) -> None:
    """Make whatever is wanted here, if there is nothing yet.

    A peer that is primary is followed, also where the inventory says PRIMARY: it was promoted since.
    """
    recorded = data.recorded_role(settings)
    if recorded != NONE:
        say(NAME, f"already a {recorded}: nothing to make")
        return
    source = primary_peer(settings)
    if source is not None:
        make_standby(settings, source)
    elif settings.inventory_role == Role.PRIMARY:
        _make_primary(settings)
    elif settings.peers:
        make_standby(settings, settings.peers[0])
    else:
        raise ToolError(
            "this is to be a STANDBY, and the settings name no peer to follow; change the inventory"
        )


def primary(settings: Settings) -> None:
    """Make an empty data folder a primary.

    Raises:
        ToolError: the folder holds a database, or the new one did not come up.
    """
    _refuse_data(settings)
    _make_primary(settings)


def standby(settings: Settings, source: str) -> None:
    """Make an empty data folder a standby of `source`.

    Raises:
        ToolError: the folder holds a database, or no standby came up.
    """
    _refuse_data(settings)
    make_standby(settings, source)


def make_standby(settings: Settings, source: str) -> None:
    """Empty the data folder and have a standby of `source` there; tried again while the source is too young.

    Raises:
        ToolError: the source is no primary, or no standby came up in time.
    """
    leader = peer(settings, source)
    limit_s = settings.bootstrap_deadline_s
    end = waiting.now_s() + limit_s
    waiting.until(lambda: leader.role() is Role.PRIMARY, limit_s, f"{source} to answer as PRIMARY")
    settled = f"{source} to have served for {_PRIMARY_SETTLES_S} s"
    waiting.until(lambda: _has_settled(leader), _SETTLES_WITHIN_S, settled)
    tries = 0
    while not _copied(settings, source, leader):
        tries += 1
        if waiting.now_s() >= end:
            raise ToolError(
                f"no standby of {source} after {tries} tries in {limit_s} s;"
                f" see: journalctl -u {settings.unit} and {settings.base_dir}/log"
            )
        say(
            NAME,
            f"try {tries} made no standby (a young primary's EAGAIN, -4023, is the usual reason);"
            " emptying and retrying",
        )
        waiting.pause(_TRIES_AGAIN_AFTER_S)
    data.record_role(settings, Role.STANDBY)


def _make_primary(settings: Settings) -> None:
    password = root_password(settings)
    if not _PASSWORD.fullmatch(password):
        raise ToolError(f"root's password in {settings.root_options}: allowed: letters, digits, - and _")
    if not _comes_up(settings, Role.PRIMARY):
        raise ToolError(f"the database did not come up; see: journalctl -u {settings.unit}")
    local(settings).fresh().change("ALTER USER root IDENTIFIED BY %s", password)
    data.record_role(settings, Role.PRIMARY)


def _copied(settings: Settings, source: str, leader: Peer) -> bool:
    """Try once to copy; return whether there is a standby that has its tables."""
    try:
        leader.change("ALTER SYSTEM MINOR FREEZE")
        on_disk = f"the tables of {source} to be on its disk"
        waiting.until(leader.is_on_disk, _FREEZES_WITHIN_S, on_disk)
        if not _comes_up(settings, Role.STANDBY, source):
            return False
        tables = "the standby to have its tables"
        waiting.until(local(settings).has_its_tables, _HAS_TABLES_WITHIN_S, tables)
    except (waiting.TooLateError, SqlError) as failure:
        say(NAME, str(failure))
        return False
    return True


def _comes_up(settings: Settings, role: Role, source: str = "") -> bool:
    """Start it for the first time, on an empty folder; return whether it answers in that role."""
    unit.stop(settings)
    unit.forget_failures(settings)
    data.empty(settings)
    with unit.told(settings.request, f"{role} {source}\n"):
        what = f"the new database to answer as {role}"
        return unit.comes_up(settings, local(settings), role, limit_s=_COMES_UP_WITHIN_S, what=what)


def _has_settled(leader: Peer) -> bool:
    try:
        return leader.serves_for_s() >= _PRIMARY_SETTLES_S
    except ToolError:
        return False


def _refuse_data(settings: Settings) -> None:
    recorded = data.recorded_role(settings)
    if recorded != NONE:
        raise ToolError(f"{settings.base_dir} already holds a {recorded}; 'rejoin' is what deletes data")
