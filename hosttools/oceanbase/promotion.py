"""A standby becomes primary without its source: the way of a failover."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hosttools import programs, waiting
from hosttools.entry import say
from hosttools.errors import ToolError
from hosttools.oceanbase import data
from hosttools.oceanbase.database import LocalDatabase, local, peer_role
from hosttools.oceanbase.roles import Role
from hosttools.oceanbase.settings import NAME, Settings
from hosttools.sql import SqlError

TABLE = "loanstack_promote"
_REFUSED_FOR_NOW = (4109, 4012)
"""Codes of a change of roles that is refused under DDL, and succeeds later."""
_TRIES = 20
_TRIES_AGAIN_AFTER_S = 0.2
_BECOMES_PRIMARY_WITHIN_S = 20
_PACKET_FILTER_S = 5.0
_NOT_THERE = "No such file or directory"


def promote(settings: Settings, *, fenced: bool) -> None:
    """Make this standby the primary.

    + fenced: the caller has made sure that the old primary cannot write, so no peer is asked

    Raises:
        ToolError: the database is down, a peer says PRIMARY, or the database refuses.
    """
    database = local(settings)
    role = database.role()
    if role is Role.PRIMARY:
        data.record_role(settings, Role.PRIMARY)
        say(NAME, "already PRIMARY")
        return
    if role is Role.DOWN:
        raise ToolError("the database here is down: nothing to promote")
    if not fenced and peer_role(settings) is Role.PRIMARY:
        raise ToolError("a peer says PRIMARY: promoting would make two; stop or fence it first")
    with _source_cut(settings):
        _activate(database)
        data.record_role(settings, Role.PRIMARY)


def is_refused_for_now(refusal: SqlError) -> bool:
    """Say whether a change of roles may succeed when it is repeated."""
    return refusal.code in _REFUSED_FOR_NOW


def cut_rules(peers: tuple[str, ...], rpc_port: int) -> str:
    """Return the rules that cut a standby off from its sources.

    + peers: IPv4 addresses of the other databases
    + rpc_port: port at which they give their log
    """
    rejects = "".join(f" ip daddr {peer} tcp dport {rpc_port} reject with tcp reset;" for peer in peers)
    return f"table ip {TABLE} {{ chain output {{ type filter hook output priority 0;{rejects} }};}}"


def uncut() -> None:
    """Give back the way to the sources; a promotion that was killed may have left it cut."""
    try:
        done = programs.run(["nft", "delete", "table", "ip", TABLE], limit_s=_PACKET_FILTER_S)
    except ToolError as failure:
        say(NAME, str(failure))
        return
    if not done.succeeded and _NOT_THERE not in done.words:
        say(NAME, f"the log source may still be cut: {done.words}; run: nft delete table ip {TABLE}")


@contextmanager
def _source_cut(settings: Settings) -> Iterator[None]:
    """Cut the source off for as long as this lasts.

    A log fetch that hangs on a silent primary holds a lock for 9 s; resetting it makes ACTIVATE take less
    than 1 s.
    """
    try:
        _cut(settings)
        yield
    finally:
        uncut()


def _cut(settings: Settings) -> None:
    rules = cut_rules(settings.peers, settings.rpc_port)
    try:
        is_cut = programs.run(["nft", rules], limit_s=_PACKET_FILTER_S).succeeded
    except ToolError:
        is_cut = False
    if not is_cut:
        say(NAME, "could not cut the log source: the promotion may take up to 10 s longer")
    # A kernel may refuse; then it is only slower.
    with suppress(ToolError):
        to_source = ["--tcp", "dport", "=", f":{settings.rpc_port}"]
        programs.run(["ss", "--kill", "--no-header", *to_source], limit_s=_PACKET_FILTER_S)


def _activate(database: LocalDatabase) -> None:
    said = ""
    for _ in range(_TRIES):
        try:
            database.change("ALTER SYSTEM ACTIVATE STANDBY")
        except SqlError as refusal:
            if not is_refused_for_now(refusal):
                raise ToolError(f"ACTIVATE STANDBY: {refusal}") from refusal
            said = str(refusal)
            waiting.pause(_TRIES_AGAIN_AFTER_S)
        else:
            what = "the role to be PRIMARY"
            waiting.until(lambda: database.answers_as(Role.PRIMARY), _BECOMES_PRIMARY_WITHIN_S, what)
            return
    raise ToolError(f"ACTIVATE STANDBY still refused after {_TRIES} tries: {said}")
