"""Settings of the loan services, read from the environment once, all mistakes reported together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app_stub.dialect import DatabaseKind


class SettingsError(ValueError):
    """Environment variables that cannot be used; `problems` holds one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """SQL address of one database of the primary/standby pair."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """How to reach the database pair, and how long to wait for what."""

    endpoints: tuple[Endpoint, ...]
    user: str
    password: str
    kind: DatabaseKind = DatabaseKind.OCEANBASE
    agents: tuple[Endpoint, ...] = ()
    """HTTP addresses of the failover agents; without any, the primary is found by asking for roles alone."""
    agent_key: str = ""
    """Key with which they sign who the primary is; only without agents it may be empty."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the databases'; None: connections are plain text."""
    name: str = "loan"
    pool_size: int = 16
    connect_timeout_ms: int = 500
    statement_timeout_ms: int = 3000
    watch_interval_ms: int = 200
    """How often each endpoint is asked for its role."""
    silence_ms: int = 2000
    """A primary that answers no role question for this long is given up, though it is still connected."""
    wait_ms: int = 4000
    """A request waits at most this long for a connection to a primary: a failover takes up to 3 s, and who
    sat it out must still be answered before the gateway gives up."""
    queue_limit: int = 4096
    """Requests that may wait at once, which is what arrives during a failover; one more is answered 503
    immediately."""

    def __repr__(self) -> str:
        return f"Database(endpoints={self.endpoints}, user={self.user!r}, password=<hidden>)"


class DurabilityKind(StrEnum):
    """When a write is acknowledged."""

    LOCAL = "local"
    """When the primary has committed it."""
    CROSS_CENTRE = "cross_centre"
    """When the standby has it too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DurabilityRule:
    """What an acknowledgement promises."""

    kind: DurabilityKind = DurabilityKind.LOCAL
    timeout_ms: int = 2000
    """A write that the standby does not have by then is answered as indeterminate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything `serve` needs."""

    listen_address: str
    port: int
    database: Database
    durability: DurabilityRule = DurabilityRule()
    request_deadline_ms: int = 4500
    """Below the gateway's 5 s, so that the honest answer is the service's own and not the gateway's 504."""
    shutdown_grace_s: int = 10
    max_body_bytes: int = 16_384
    out_of_rotation: Path | None = None
    """Folder of the reasons why this instance takes no requests."""


def database_from(
    environment: Mapping[str, str], problems: list[str], *, user_prefix: str = "LOAN_DATABASE"
) -> Database:
    """Return the database settings; what is wrong is appended to `problems`.

    Args:
        environment: variables such as `os.environ`.
        problems: receives one sentence for each bad variable.
        user_prefix: `LOAN_DATABASE` for the services, `LOAN_OWNER` for the seeding.
    """
    agents = _endpoints(environment, "LOAN_AGENTS", problems, may_be_empty=True)
    return Database(
        kind=_kind(environment, problems),
        endpoints=_endpoints(environment, "LOAN_DATABASE_ENDPOINTS", problems, may_be_empty=False),
        agents=agents,
        agent_key=_text(environment, "LOAN_AGENT_KEY", problems) if agents else "",
        ca_file=_file(environment, "LOAN_DATABASE_CA_FILE", problems),
        user=_text(environment, f"{user_prefix}_USER", problems),
        password=_text(environment, f"{user_prefix}_PASSWORD", problems),
        name=_text(environment, "LOAN_DATABASE_NAME", problems, default="loan"),
        pool_size=_integer(environment, "LOAN_POOL_SIZE", problems, default=16, low=1, high=256),
        connect_timeout_ms=_integer(
            environment, "LOAN_CONNECT_TIMEOUT_MS", problems, default=500, low=50, high=500
        ),
        statement_timeout_ms=_integer(
            environment, "LOAN_STATEMENT_TIMEOUT_MS", problems, default=3000, low=100, high=60_000
        ),
    )


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings in `environment`.

    Raises:
        SettingsError: naming every variable that is missing or out of range, with what is allowed.
    """
    problems: list[str] = []
    settings = Settings(
        listen_address=_text(environment, "LOAN_LISTEN_ADDRESS", problems, default="127.0.0.1"),
        port=_integer(environment, "LOAN_PORT", problems, default=8080, low=1, high=65_535),
        database=database_from(environment, problems),
        durability=_durability(environment, problems),
        request_deadline_ms=_integer(
            environment, "LOAN_REQUEST_DEADLINE_MS", problems, default=4500, low=200, high=60_000
        ),
        shutdown_grace_s=_integer(
            environment, "LOAN_SHUTDOWN_GRACE_S", problems, default=10, low=1, high=300
        ),
        out_of_rotation=Path(folder) if (folder := environment.get("LOAN_OUT_OF_ROTATION")) else None,
    )
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _text(
    environment: Mapping[str, str], name: str, problems: list[str], *, default: str | None = None
) -> str:
    value = environment.get(name, default if default is not None else "")
    if not value:
        problems.append(f"{name} is missing or empty; set it in the environment file")
    return value


def _file(environment: Mapping[str, str], name: str, problems: list[str]) -> Path | None:
    path = Path(text) if (text := environment.get(name)) else None
    if path is not None and not path.is_file():
        problems.append(f"{name}={text!r}; allowed: a file that this user can reach, or nothing")
    return path


def _integer(
    environment: Mapping[str, str], name: str, problems: list[str], *, default: int, low: int, high: int
) -> int:
    text = environment.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        problems.append(f"{name}={text!r}; allowed: a whole number from {low} to {high}")
        return default
    return int(text)


def _kind(environment: Mapping[str, str], problems: list[str]) -> DatabaseKind:
    text = environment.get("LOAN_DATABASE_KIND", DatabaseKind.OCEANBASE)
    if text in tuple(DatabaseKind):
        return DatabaseKind(text)
    problems.append(f"LOAN_DATABASE_KIND={text!r}; allowed: {', '.join(DatabaseKind)}")
    return DatabaseKind.OCEANBASE


def _durability(environment: Mapping[str, str], problems: list[str]) -> DurabilityRule:
    text = environment.get("LOAN_DURABILITY", DurabilityKind.LOCAL)
    kind = DurabilityKind.LOCAL
    if text in tuple(DurabilityKind):
        kind = DurabilityKind(text)
    else:
        problems.append(f"LOAN_DURABILITY={text!r}; allowed: {', '.join(DurabilityKind)}")
    return DurabilityRule(
        kind=kind,
        timeout_ms=_integer(
            environment, "LOAN_DURABILITY_TIMEOUT_MS", problems, default=2000, low=100, high=60_000
        ),
    )


def _endpoints(
    environment: Mapping[str, str], name: str, problems: list[str], *, may_be_empty: bool
) -> tuple[Endpoint, ...]:
    text = environment.get(name, "")
    found: list[Endpoint] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        host, _, port = part.rpartition(":")
        if host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535:
            found.append(Endpoint(host=host, port=int(port)))
        else:
            problems.append(f"{name} has {part!r}; allowed: address:port, comma-separated")
    if len(set(found)) != len(found):
        problems.append(f"{name}={text!r} names an endpoint twice; name each one once")
    if not found and not may_be_empty:
        problems.append(f"{name} names no endpoint; allowed: address:port,address:port")
    return tuple(found)
