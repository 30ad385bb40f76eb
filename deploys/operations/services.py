"""Keeps a service enabled, and running with its present files.

The need for a restart is read from the host: the age of the files is compared with the age of the process.
It is not remembered from earlier operations of the run. Otherwise, a run that dies between writing a file
and restarting would leave a service with old settings, and no later run would notice it.
"""

import shlex
from collections.abc import Generator, Iterable
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host, state

from deploys.facts.services import Service, ServiceState
from deploys.operations.journal import last_words

_SETTLES_S = 1


@operation()
def kept_running(
    unit: str,
    restart_after: tuple[str, ...] = (),
    reload_after: tuple[str, ...] = (),
    check: str | None = None,
    why: str | None = None,
    starts: tuple[str, ...] = (),
    written: tuple[Any, ...] = (),
) -> Generator[StringCommand, None, None]:
    """Enable and start `unit`; restart or reload it if its files were written after it started.

    + unit: full name, like `nginx.service`
    + restart_after: files that it reads only at its start
    + reload_after: files that a reload makes it read again
    + check: shell command that checks the files before the service is touched
    + why: shell command that prints why the service did not start
    + starts: units that it starts, such as a timer's service, whose files systemd must reload too
    + written: operations that write these files, so that a dry run predicts the restart

    **Example:**

    .. code:: python

        services.kept_running(
            name="Keep the gateway running",
            unit="nginx.service",
            reload_after=("/etc/nginx/nginx.conf",),
            check="nginx -t -q",
        )
    """
    now = host.get_fact(Service, unit=unit, paths=(*restart_after, *reload_after), starts=starts)
    action = _action(now, restart_after, reload_after)
    if action is None and not state.is_executing and any(op.will_change for op in written):
        action = "restart" if restart_after else "reload"
    if action is None and now.is_enabled and not now.needs_daemon_reload:
        host.noop(f"{unit} is enabled and runs with its current files")
        return
    quoted = shlex.quote(unit)
    if now.needs_daemon_reload or not now.is_loaded:
        yield StringCommand("systemctl daemon-reload")
    if check is not None and action is not None:
        yield StringCommand(check)
    if not now.is_enabled:
        yield StringCommand(f"systemctl enable --quiet {quoted}")
    if action is not None:
        begin = f"systemctl {action} {quoted}"
        yield StringCommand(begin if why is None else f"{begin} || {{ {why} >&2; exit 1; }}")
    if action in ("start", "restart"):
        # systemd reports a start before the process has read its settings, so check that it keeps running.
        yield StringCommand(
            f"sleep {_SETTLES_S}; systemctl is-active --quiet {quoted} || "
            f"{{ {last_words(unit)} >&2; exit 1; }}"
        )


@operation()
def launched(unit: str) -> Generator[StringCommand, None, None]:
    """Enable `unit` and begin its start, without waiting until it is up.

    This is for a member that is up only when others are: the first would never be up if hosts were awaited
    one by one. A unit that is still starting is restarted, so that it uses its current files. A running unit
    is not touched.

    + unit: full name, like `etcd.service`
    """
    now = host.get_fact(Service, unit=unit)
    if now.is_active and now.is_enabled:
        host.noop(f"{unit} is enabled and runs")
        return
    quoted = shlex.quote(unit)
    if now.needs_daemon_reload or not now.is_loaded:
        yield StringCommand("systemctl daemon-reload")
    if not now.is_enabled:
        yield StringCommand(f"systemctl enable --quiet {quoted}")
    if not now.is_active:
        yield StringCommand(f"systemctl restart --no-block {quoted}")


@operation()
def known(unit: str, written: tuple[Any, ...] = ()) -> Generator[StringCommand, None, None]:
    """Have systemd know `unit` as it is on disk; something else starts and ends it.

    + unit: full name; of a template, that of an instance
    + written: operations that write its file: a dry run then foresees the reload
    """
    now = host.get_fact(Service, unit=unit)
    is_foreseen = not state.is_executing and any(op.will_change for op in written)
    if now.is_loaded and not now.needs_daemon_reload and not is_foreseen:
        host.noop(f"systemd knows {unit} as it is on disk")
        return
    yield StringCommand("systemctl daemon-reload")


@operation()
def kept_stopped(unit: str) -> Generator[StringCommand, None, None]:
    """Disable and stop `unit`, if it exists.

    + unit: full name
    """
    now = host.get_fact(Service, unit=unit)
    if not now.is_active and not now.is_enabled:
        host.noop(f"{unit} does not run and will not start")
        return
    yield StringCommand(f"systemctl disable --quiet --now {shlex.quote(unit)}")


def _action(now: ServiceState, restart_after: Iterable[str], reload_after: Iterable[str]) -> str | None:
    def written_within(paths: Iterable[str], age_s: float) -> bool:
        return any(now.file_ages_s.get(path, age_s) < age_s for path in paths)

    if not now.is_active:
        return "start"
    if now.needs_daemon_reload or written_within(restart_after, now.started_ago_s):
        return "restart"
    if written_within(reload_after, now.settled_ago_s):
        return "reload"
    return None
