"""What this process becomes: the database itself, or the SQL client of this host."""

from collections.abc import Sequence
from typing import NoReturn

from hosttools import files, programs
from hosttools.errors import ToolError
from hosttools.numbers import shortened
from hosttools.oceanbase import lock
from hosttools.oceanbase.data import complete_role
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import Settings, address

_CLIENTS = ("mariadb", "mysql")
"""Kylin V10's package has only the older name."""


def seekdb(settings: Settings) -> NoReturn:
    """Become the database, as the unit's user.

    Raises:
        ToolError: what it is told makes no sense, there are no data to start on, or there is no program.
    """
    is_told = lock.is_held(settings)
    request = files.read(settings.request) if is_told else None
    source = files.read(settings.source) if is_told else None
    if request is None:
        # The command may have ended since the guard looked: seekdb would make a database of its own choice.
        complete_role(settings)
    programs.become(arguments(settings, request=request, source=source))


def arguments(settings: Settings, *, request: str | None, source: str | None) -> list[str]:
    """Return the database's command line.

    + request: role of a new database, and the address of its source; None: there are data
    + source: address of the primary whose log it shall pull; None: the one that it remembers

    Raises:
        ToolError: one of them is anything else.
    """
    program = f"{settings.program_dir}/bin/seekdb"
    found = [program, "--nodaemon", "--base-dir", settings.base_dir, "--log-level", settings.log_level]
    parameters: list[str] = []
    if request is not None:
        role, *sources = request.split()
        if role not in (Role.PRIMARY, Role.STANDBY) or len(sources) > 1:
            raise ToolError(f"{settings.request} says {shortened(request)}; allowed: a role, and an address")
        found += ["--port", str(settings.sql_port), f"--role={role}"]
        parameters += ["enable_rpc_service=true", f"rpc_port={settings.rpc_port}"]
        parameters += [f"{name}={value}" for name, value in settings.parameters.items()]
        parameters += [_restore_source(settings, each) for each in sources]
    elif source is not None:
        parameters.append(_restore_source(settings, source.strip()))
    # Otherwise the data folder knows its role, ports and sizes itself.
    for parameter in parameters:
        found += ["--parameter", parameter]
    return found


def sql_client(settings: Settings, options: Sequence[str]) -> NoReturn:
    """Become the SQL client, as root of the database; it reads from this process's stdin.

    + options: its further options

    Raises:
        ToolError: this host has no client.
    """
    given = [f"--defaults-file={settings.root_options}", f"--socket={settings.socket}"]
    shown = ["--batch", "--skip-column-names", "--unbuffered"]
    programs.become([programs.first_of(_CLIENTS), *given, *shown, *options])


def _restore_source(settings: Settings, source: str) -> str:
    return f"log_restore_source={address(source, 'source')}:{settings.rpc_port}"
