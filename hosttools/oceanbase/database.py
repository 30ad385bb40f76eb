"""Questions and statements to the database of this host and to its peers.

What they answer is from outside: a number is checked, and a role is one of those that we know.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from hosttools import files, sql
from hosttools.errors import ToolError
from hosttools.numbers import whole_number
from hosttools.oceanbase.roles import Role, deciding, role_in
from hosttools.oceanbase.settings import Settings

_ROLE = "SELECT role FROM oceanbase.__all_virtual_server_stat"
_POSITION = "SELECT END_SCN FROM oceanbase.`V$OB_LOG_STAT`"
_AGE = (
    "SELECT UNIX_TIMESTAMP() - FLOOR(start_service_time / 1000000) FROM oceanbase.__all_virtual_server_stat"
)
_FIRST_TABLE_OF_OURS = 200000
"""Tables with smaller ids are the kernel's own."""
_ONLY_IN_MEMORY = (
    "SELECT COUNT(*) FROM oceanbase.__all_virtual_tablet_pointer_status"  # noqa: S608 - a constant
    f" WHERE tablet_id >= {_FIRST_TABLE_OF_OURS} AND address LIKE '%type=3%'"
)
"""Tables (tablets) of a primary that are in its memory alone."""
_WITHOUT_BASE = (
    "SELECT COUNT(*) FROM oceanbase.__all_virtual_tablet_pointer_status"  # noqa: S608 - a constant
    f" WHERE tablet_id >= {_FIRST_TABLE_OF_OURS} AND tablet_id NOT IN"
    " (SELECT tablet_id FROM oceanbase.__all_virtual_table_mgr WHERE table_type = 10)"
)
"""Tables whose base (major sstable) is not there."""
_MERGED = "SELECT COUNT(*) FROM oceanbase.DBA_OB_MAJOR_COMPACTION WHERE LAST_SCN >= {since}"

_ANSWER_S = 15.0
"""For a question: seekdb gives up its own queries after 10 s."""
_CHANGE_S = 60.0
"""For a statement that changes something: the agent's own limit for a change of roles."""
_ACCESS_DENIED = 1045


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database that answers SQL."""

    endpoint: sql.Endpoint

    def scn(self) -> int:
        """Return its position in the log (END_SCN), in nanoseconds.

        Raises:
            ToolError: it does not answer, or with anything else than a position.
        """
        return self._number(_POSITION, "END_SCN")

    def serves_for_s(self) -> int:
        """Return for how long it has served, in seconds.

        Raises:
            ToolError: as for `scn`.
        """
        return self._number(_AGE, "age of the database")

    def is_on_disk(self) -> bool:
        """Say whether none of its tables is in its memory alone."""
        return self._is_zero(_ONLY_IN_MEMORY)

    def has_its_tables(self) -> bool:
        """Say whether each of its tables has its base, so that reads of it are answered.

        A standby copies what its primary has on disk, then the log from there on. A table that was made a
        moment ago and is in the primary's memory alone comes without its base: the standby follows the log to
        the millisecond, and each read of that table ends in 4012 (-6231 inside), also after a promotion (seen
        in two of seven first deploys, and when it rejoined right after CREATE TABLE). A minor freeze puts
        every table on disk; the copy is checked all the same.
        """
        return self._is_zero(_WITHOUT_BASE)

    def has_merged(self, since_ns: int) -> bool:
        """Say whether a merge of a position not before `since_ns` has ended.

        Raises:
            ToolError: as for `scn`.
        """
        return self._number(_MERGED.format(since=since_ns), "number of merges") == 1

    def change(self, statement: str, *values: str) -> None:
        """Carry out a statement that changes something.

        + values: texts for each `%s`

        Raises:
            SqlError: it refused, or cannot be asked.
        """
        sql.rows(replace(self.endpoint, answer_timeout_s=_CHANGE_S), statement, *values)

    def _number(self, statement: str, what: str) -> int:
        return whole_number(sql.value(self.endpoint, statement), what)

    def _is_zero(self, statement: str) -> bool:
        try:
            return self._number(statement, "number of tables") == 0
        except ToolError:
            return False


@dataclass(frozen=True, kw_only=True)
class LocalDatabase(Database):
    """The database of this host."""

    def role(self) -> Role:
        """Return its role; DOWN: it does not answer."""
        try:
            return role_in(sql.value(self.endpoint, _ROLE))
        except sql.SqlError as failure:
            if failure.code != _ACCESS_DENIED:
                return Role.DOWN
        except ToolError:
            return Role.UNKNOWN
        try:
            return role_in(sql.value(self.fresh().endpoint, _ROLE))
        except ToolError:
            return Role.DOWN

    def fresh(self) -> Database:
        """Return it as it answers before root has its password: it knows only an empty one."""
        return Database(endpoint=replace(self.endpoint, password=""))

    def answers_as(self, role: str) -> bool:
        """Say whether this is its role."""
        return self.role() == role


@dataclass(frozen=True, kw_only=True)
class Peer(Database):
    """The database of another host."""

    def role(self) -> Role:
        """Return its role; DOWN and UNREACHABLE if it gives none.

        A refused connection comes from a live host without the process; anything else is unknown.
        """
        try:
            found = role_in(sql.value(self.endpoint, _ROLE))
        except sql.SqlError as failure:
            return Role.DOWN if failure.refused else Role.UNREACHABLE
        except ToolError:
            return Role.UNREACHABLE
        return Role.UNREACHABLE if found is Role.UNKNOWN else found


def local(settings: Settings) -> LocalDatabase:
    """Return the database of this host."""
    return LocalDatabase(
        endpoint=sql.Endpoint(
            user="root",
            password=_known_password(settings),
            socket=settings.socket,
            answer_timeout_s=_ANSWER_S,
        )
    )


def peer(settings: Settings, address: str) -> Peer:
    """Return the database at `address`, which has the same password."""
    return Peer(
        endpoint=sql.Endpoint(
            user="root",
            password=_known_password(settings),
            host=address,
            port=settings.sql_port,
            answer_timeout_s=_ANSWER_S,
        )
    )


def peer_role(settings: Settings) -> Role:
    """Return the role that matters most among all peers."""
    return deciding(peer(settings, address).role() for address in settings.peers)


def primary_peer(settings: Settings) -> str | None:
    """Return the address of the first peer that says PRIMARY."""
    return next(
        (each for each in settings.peers if peer(settings, each).role() is Role.PRIMARY),
        None,
    )


def _known_password(settings: Settings) -> str:
    """Return root's password; without its file an empty one, which the database refuses.

    A deploy that writes the file anew asks for the state of the database before.
    """
    try:
        return root_password(settings)
    except ToolError:
        return ""


def root_password(settings: Settings) -> str:
    """Return root's password, from the option file of the SQL client.

    Raises:
        ToolError: the file is missing, or has no password.
    """
    for line in (files.read(Path(settings.root_options)) or "").splitlines():
        name, is_option, value = line.partition("=")
        if is_option and name == "password":
            return value
    raise ToolError(f"{settings.root_options} has no line password=; run the deploy, which writes it")
