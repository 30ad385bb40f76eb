"""Keeps a service enabled, and running with its present files.

The need for a restart is read from the host: the age of the files is compared with the age of the process,
see `deploys.write_times`. It is not remembered from earlier operations of the run. Otherwise, a run that
dies between writing a file and restarting would leave a service with old settings, and no later run would
notice it.
"""

from collections.abc import Generator, Iterable
from typing import Any

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.services import Service, ServiceState
from deploys.operations.journal import last_words
from deploys.operations.refusal import refusal
from deploys.operations.serial import earlier_hosts_that_failed

_SETTLES_S = 1


@operation()
def service_running(
    unit: str,
    restart_after: tuple[str, ...] = (),
    reload_after: tuple[str, ...] = (),
    check: str | None = None,
    why: str | None = None,
    serves: str | None = None,
    starts: tuple[str, ...] = (),
    written: tuple[Any, ...] = (),
) -> Generator[StringCommand, None, None]:
    """Enable and start `unit`; restart or reload it if its files were written after it started.

    With `_serial=True`, hosts do so one after the other. If one fails, the others keep what runs.

    + unit: full name, like `nginx.service`
    + restart_after: files that it reads only at its start
    + reload_after: files that a reload makes it read again
    + check: shell command that checks the files before the service is touched
    + why: shell command that prints why the service did not start
    + serves: shell command that waits, after a restart, until the service serves again; None: systemd knows
    + starts: units that it starts, such as a timer's service, whose files systemd must reload too
    + written: operations that write these files, so that a dry run predicts the restart

    **Example:**

    .. code:: python

        services.service_running(
            name="Keep the gateway running",
            unit="nginx.service",
            reload_after=("/etc/nginx/nginx.conf",),
            check="nginx -t -q",
            _serial=True,
        )
    """
    yield from commands_to_run(unit, restart_after, reload_after, check, why, serves, starts, written)


def commands_to_run(
    unit: str,
    restart_after: tuple[str, ...] = (),
    reload_after: tuple[str, ...] = (),
    check: str | None = None,
    why: str | None = None,
    serves: str | None = None,
    starts: tuple[str, ...] = (),
    written: tuple[Any, ...] = (),
) -> Generator[StringCommand, None, None]:
    """Yield the commands of `service_running`, for operations that add conditions of their own."""
    now = host.get_fact(Service, unit=unit, paths=(*restart_after, *reload_after), starts=starts)
    action = _action(now, restart_after, reload_after)
    if action is None and will_be_written(written):
        action = "restart" if restart_after else "reload"
    if action is None and now.is_enabled and not now.needs_daemon_reload:
        host.noop(f"{unit} is enabled and runs with its current files")
        return
    if action in ("restart", "reload") and (failed := earlier_hosts_that_failed()):
        yield refusal(
            f"{host.name}: {unit} keeps running as it is, because its {action} failed on "
            f"{', '.join(failed)}; put that right, and deploy again"
        )
        return
    yield from _unit_loaded(now)
    if check is not None and action is not None:
        yield StringCommand(check)
    yield from _unit_enabled(unit, now)
    if action is not None:
        begin = StringCommand("systemctl", action, QuoteString(unit))
        yield begin if why is None else StringCommand(begin, f"|| {{ {why} >&2; exit 1; }}")
    if action == "restart" and serves is not None:
        yield StringCommand(serves)
    elif action in ("start", "restart"):
        # systemd reports a start before the process has read its settings, so check that it keeps running.
        yield StringCommand(
            f"sleep {_SETTLES_S};",
            *("systemctl is-active --quiet", QuoteString(unit)),
            f"|| {{ {last_words(unit)} >&2; exit 1; }}",
        )


@operation()
def service_started_no_block(unit: str) -> Generator[StringCommand, None, None]:
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
    yield from _unit_loaded(now)
    yield from _unit_enabled(unit, now)
    if not now.is_active:
        yield StringCommand("systemctl restart --no-block", QuoteString(unit))


@operation()
def unit_loaded(unit: str, written: tuple[Any, ...] = ()) -> Generator[StringCommand, None, None]:
    """Have systemd load `unit` as it is on disk; something else starts and ends it.

    + unit: full name; of a template, that of an instance
    + written: operations that write its file: a dry run then foresees the reload
    """
    now = host.get_fact(Service, unit=unit)
    if now.is_loaded and not now.needs_daemon_reload and not will_be_written(written):
        host.noop(f"systemd has loaded {unit} as it is on disk")
        return
    yield StringCommand("systemctl daemon-reload")


@operation()
def service_stopped(unit: str) -> Generator[StringCommand, None, None]:
    """Disable and stop `unit`, if it exists.

    + unit: full name
    """
    yield from commands_to_stop(unit)


def commands_to_stop(unit: str) -> Generator[StringCommand, None, None]:
    """Yield the commands of `service_stopped`, for operations that add conditions of their own."""
    now = host.get_fact(Service, unit=unit)
    if not now.is_active and not now.is_enabled:
        host.noop(f"{unit} does not run and will not start")
        return
    yield StringCommand("systemctl disable --quiet --now", QuoteString(unit))


def will_be_written(operations: Iterable[Any]) -> bool:
    """Return whether one of `operations` is still to come and would change something, as in a dry run.

    While a deploy is carried out, what comes before has been done, and the facts show it.

    + operations: what operations returned when they were registered
    """
    return any(not each.is_complete() and each.will_change for each in operations)


def _unit_loaded(now: ServiceState) -> Generator[StringCommand, None, None]:
    if now.needs_daemon_reload or not now.is_loaded:
        yield StringCommand("systemctl daemon-reload")


def _unit_enabled(unit: str, now: ServiceState) -> Generator[StringCommand, None, None]:
    if not now.is_enabled:
        yield StringCommand("systemctl enable --quiet", QuoteString(unit))


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
