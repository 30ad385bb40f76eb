"""Makes a database once, and keeps its settings, users and schema; its failover agent keeps it running.

Roles are read from the host, because the inventory's role is outdated after a failover. A healthy instance is
never made again.
"""

from collections.abc import Callable, Generator
from hashlib import sha1, sha256
from typing import TypeGuard

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.services import Service
from deploys.failover.spec import DATABASE_TOOL
from deploys.oceanbase.facts import Answer, DatabaseState, LocalAnswer, LocalDatabase
from deploys.operations.patience import seen_within
from deploys.operations.refusal import refusal

_RESTARTS_WITHIN_S = 1
"""Time for an agent to start its database: one that is down for a moment only is not waited for."""
_CATCHES_UP_WITHIN_S = 5
"""Time for a standby that lags for a moment: if it needs longer, the wait for it counts as a change."""
_ANSWERS_WITHIN_S = 3
_TRIES = 4
"""Tries, one second apart: a database that was just made or restarted refuses single statements."""
_ERROR_NUMBER = r"\(ERROR [0-9]* ([0-9A-Z]*)\)"
_ANYWHERE = "%"
_APPLIED = "loanstack.applied_script"
_APPLIED_QUERY = f"SELECT name, sha256 FROM {_APPLIED}"  # noqa: S608 - our own text


@operation()
def database_running(
    unit: str, max_healthy_lag_ms: int, deadline_s: int
) -> Generator[StringCommand, None, None]:
    """Bootstrap the database if there is none; wait for it if it is down.

    A running database is never restarted for new settings; the operator chooses the time. A database that
    has data and is down is started only by its failover agent, which knows whether it may lead, must follow,
    or must be copied anew.

    + unit: its systemd unit
    + max_healthy_lag_ms: largest lag of a healthy standby
    + deadline_s: time limit of the wait for a database that is down
    """
    service = host.get_fact(Service, unit=unit)
    if service.needs_daemon_reload or not service.is_loaded:
        yield StringCommand("systemctl daemon-reload")
    now = _database_within(_RESTARTS_WITHIN_S, lambda seen: seen.role != "DOWN")
    if now is None or now.recorded_role == "NONE":
        yield StringCommand(f"{DATABASE_TOOL} bootstrap auto")
    elif now.role == "DOWN":
        yield StringCommand(f"{DATABASE_TOOL} wait-healthy {max_healthy_lag_ms} {deadline_s}")
    else:
        host.noop(f"the database runs as {now.role}")


@operation()
def database_healthy(max_healthy_lag_ms: int, deadline_s: int) -> Generator[StringCommand, None, None]:
    """Wait until this side is the only primary, or a standby close behind one.

    + max_healthy_lag_ms: largest lag of the standby
    + deadline_s: time limit; the message says what was waited for
    """
    now = _database_within(
        _CATCHES_UP_WITHIN_S, lambda seen: seen.is_healthy(max_healthy_lag_ms=max_healthy_lag_ms)
    )
    if now is not None and now.is_healthy(max_healthy_lag_ms=max_healthy_lag_ms):
        lag = "" if now.lag_ms is None else f", {now.lag_ms} ms behind"
        host.noop(f"{now.role}{lag}; its peer is {now.peer_role}")
        return
    yield StringCommand(f"{DATABASE_TOOL} wait-healthy {max_healthy_lag_ms} {deadline_s}")


@operation()
def parameters_set(settings: tuple[tuple[str, str], ...]) -> Generator[StringCommand, None, None]:
    """Set parameters that may change at run time; each side has its own.

    + settings: (name, value) pairs
    """
    names = ", ".join(f"'{name}'" for name, _ in settings)
    # In seekdb 1.4, only SHOW PARAMETERS with a WHERE clause returns all of them.
    answer = _asked(f"SHOW PARAMETERS WHERE name IN ({names})", of_primary=False)
    if answer is not None and answer.refusal:
        yield _refused(answer)
        return
    if answer is None:
        host.noop("set at its first start: the database does not run yet")
        return
    now = {row[1]: row[3] for row in answer.rows if len(row) > 3}
    wrong = [(name, value) for name, value in settings if now.get(name) != value]
    if not wrong:
        host.noop(f"set: {', '.join(name for name, _ in settings)}")
        return
    yield _sql("\n".join(f"ALTER SYSTEM SET {name} = '{value}';" for name, value in wrong))


@operation()
def users_kept(users: tuple[tuple[str, str], ...]) -> Generator[StringCommand, None, None]:
    """Create users on the primary, and set passwords that differ.

    Passwords are compared and set as the hashes that the database stores.

    + users: (name, password) pairs
    """
    answer = _asked("SELECT user, UPPER(password) FROM mysql.user")
    if not _is_primary(answer):
        return
    if answer.refusal:
        yield _refused(answer)
        return
    now = {row[0]: row[-1] for row in answer.rows}
    statements = []
    for user, password in users:
        digest = _native_hash(password)
        if user not in now:
            statements.append(f"CREATE USER IF NOT EXISTS '{user}' IDENTIFIED BY PASSWORD '{digest}';")
        elif now[user] != digest:
            statements.append(f"ALTER USER '{user}' IDENTIFIED BY '{password}';")
    if statements:
        yield _sql("\n".join(statements), is_secret=True)
    else:
        host.noop(f"users with these passwords: {', '.join(user for user, _ in users)}")


@operation()
def administrator_kept(
    sources: tuple[str, ...], password: str, reserved_password: str
) -> Generator[StringCommand, None, None]:
    """Let root in from these sources alone.

    seekdb 1.4 lets nobody lock, rename or drop its own `root@'%'` (errors 1227 and 1235), and of two accounts
    with one password it takes that one, whatever the source. So root gets an account for each source, and
    `root@'%'` a password that no host has. It can only change itself, so this comes last: until then it is
    the account with which the others are made.

    + sources: hosts as the database sees them, such as `deploys.oceanbase.spec.SOCKET_SOURCE`
    + password: of the accounts with a source
    + reserved_password: of `root@'%'`
    """
    answer = host.get_fact(
        LocalAnswer, query="SELECT host, UPPER(password) FROM mysql.user WHERE user = 'root'"
    )
    if not _is_primary(answer):
        return
    now = {row[0]: row[-1] for row in answer.rows} if answer else {}
    digest = _native_hash(password)
    statements = []
    for source in sources:
        account = f"'root'@'{source}'"
        if source not in now:
            statements.append(f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY PASSWORD '{digest}';")
            statements.append(f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;")
        elif now[source] != digest:
            statements.append(f"ALTER USER {account} IDENTIFIED BY '{password}';")
    statements += [f"DROP USER 'root'@'{source}';" for source in now if source not in (*sources, _ANYWHERE)]
    if now.get(_ANYWHERE) != _native_hash(reserved_password):
        statements.append(f"ALTER USER root IDENTIFIED BY '{reserved_password}';")
    if statements:
        yield _sql("\n".join(statements), is_secret=True)
    else:
        host.noop(f"root comes in from {', '.join(sources)} alone")


@operation()
def scripts_applied(scripts: tuple[tuple[str, str], ...]) -> Generator[StringCommand, None, None]:
    """Apply idempotent SQL scripts on the primary whenever their text has changed.

    The database keeps the hashes of applied scripts, so they remain correct after a failover.

    + scripts: (name, SQL text) pairs, in order
    """
    answer = _asked(_APPLIED_QUERY)
    if not _is_primary(answer):
        return
    if answer.refusal:
        yield _refused(answer)
        return
    now = {row[0]: row[-1] for row in answer.rows}
    for name, text in scripts:
        digest = sha256(text.encode()).hexdigest()
        if now.get(name) == digest:
            host.noop(f"{name} is applied ({digest[:12]})")
            continue
        yield _sql(
            "CREATE DATABASE IF NOT EXISTS loanstack;\n"
            f"CREATE TABLE IF NOT EXISTS {_APPLIED} "
            "(name VARCHAR(64) PRIMARY KEY, sha256 CHAR(64) NOT NULL);\n"
            f"{text}\n"
            f"REPLACE INTO {_APPLIED} VALUES ('{name}', '{digest}');"
        )


def _sql(text: str, *, is_secret: bool = False) -> StringCommand:
    """Return a command that reads its SQL from stdin, so that passwords are in no argument and no log.

    A database that is a few seconds old refuses single statements, so the whole text is sent again and must
    allow that. The client prints a refused statement, so for secret text only the error's number is shown.

    + text: statements that may be carried out more than once
    + is_secret: whether the statements contain passwords
    """
    only_number = f"sed -n 's/^{_ERROR_NUMBER}.*/\\1: a statement with a password was refused/p'"
    shown = only_number if is_secret else "cat"
    return StringCommand(
        f"sql=$(cat); tries=0; until said=$(printf '%s\\n' \"$sql\" | {DATABASE_TOOL} sql 2>&1); do "
        f"tries=$((tries + 1)); [ $tries -lt {_TRIES} ] || "
        f"{{ printf '%s\\n' \"$said\" | {shown} >&2; exit 1; }}; sleep 1; done",
        _stdin=text,
    )


def _database_within(limit_s: float, is_settled: Callable[[DatabaseState], bool]) -> DatabaseState | None:
    """Return the state of the local database, looked at again for a while until it is settled."""
    return seen_within(
        limit_s, lambda: host.get_fact(LocalDatabase), lambda seen: seen is None or is_settled(seen)
    )


def _asked(query: str, *, of_primary: bool = True) -> Answer | None:
    """Return the answer to a query, which is asked again for a while if the database refuses it."""
    return seen_within(
        _ANSWERS_WITHIN_S,
        lambda: host.get_fact(LocalAnswer, query=query, of_primary=of_primary),
        lambda answer: answer is None or not answer.refusal,
    )


def _refused(answer: Answer) -> StringCommand:
    return refusal(
        f"{host.name}: the database refused for {_ANSWERS_WITHIN_S} s to say what it has: {answer.refusal}; "
        "look at its log, and deploy again"
    )


def _is_primary(answer: Answer | None) -> TypeGuard[Answer]:
    if answer is None:
        host.noop("no database runs here yet; the primary is asked")
        return False
    if answer.role != "PRIMARY":
        host.noop("a standby: this comes from its primary with the log")
        return False
    return True


def _native_hash(password: str) -> str:
    """Return the hash of mysql_native_password, as in mysql.user."""
    once = sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + sha1(once, usedforsecurity=False).hexdigest().upper()
