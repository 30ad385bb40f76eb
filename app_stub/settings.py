"""Settings of the loan services, read from the environment once, all mistakes reported together.

msgspec converts and checks a variable; it stops at the first mistake, so each variable is converted alone.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, inspect

from app_stub.dialect import DatabaseKind

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Kind = TypeVar("_Kind", bound="DataclassInstance")
_Text = Annotated[str, Meta(min_length=1)]
_Port = Annotated[int, Meta(ge=1, le=65_535)]


class SettingsError(ValueError):
    """Environment variables that cannot be used; `problems` holds one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """SQL address of one database of the primary/standby pair."""

    host: _Text
    port: _Port

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """How to reach the database pair, and how long to wait for what."""

    endpoints: tuple[Endpoint, ...]
    user: _Text
    password: _Text = field(repr=False)
    kind: DatabaseKind = DatabaseKind.OCEANBASE
    agents: tuple[Endpoint, ...] = ()
    """HTTP addresses of the failover agents; without any, the primary is found by asking for roles alone."""
    agent_key: str = field(default="", repr=False)
    """Key with which they sign who the primary is; only without agents it may be empty."""
    ca_file: Path | None = None
    """Certificate of the authority that signed the databases'; None: connections are plain text."""
    name: _Text = "loan"
    pool_size: Annotated[int, Meta(ge=1, le=256)] = 16
    connect_timeout_ms: Annotated[int, Meta(ge=50, le=500)] = 500
    statement_timeout_ms: Annotated[int, Meta(ge=100, le=60_000)] = 3000
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
    timeout_ms: Annotated[int, Meta(ge=100, le=60_000)] = 2000
    """A write that the standby does not have by then is answered as indeterminate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything `serve` needs."""

    database: Database
    listen_address: _Text = "127.0.0.1"
    port: _Port = 8080
    durability: DurabilityRule = DurabilityRule()
    request_deadline_ms: Annotated[int, Meta(ge=200, le=60_000)] = 4500
    """Below the gateway's 5 s, so that the honest answer is the service's own and not the gateway's 504."""
    shutdown_grace_s: Annotated[int, Meta(ge=1, le=300)] = 10
    max_body_bytes: int = 16_384
    out_of_rotation: Path | None = None
    """Folder of the reasons why this instance takes no requests."""


def database_from(
    environment: Mapping[str, str], problems: list[str], *, user_prefix: str = "LOAN_DATABASE"
) -> Database | None:
    """Return the database settings; None if any problem is known by then.

    Args:
        environment: variables such as `os.environ`.
        problems: receives one sentence for each bad variable.
        user_prefix: `LOAN_DATABASE` for the services, `LOAN_OWNER` for the seeding.
    """
    endpoints = _endpoints(environment, "LOAN_DATABASE_ENDPOINTS", problems)
    if not endpoints:
        problems.append("LOAN_DATABASE_ENDPOINTS names no endpoint; allowed: address:port,address:port")
    agents = _endpoints(environment, "LOAN_AGENTS", problems)
    agent_key = environment.get("LOAN_AGENT_KEY", "")
    if agents and not agent_key:
        problems.append("LOAN_AGENT_KEY is missing or empty; set it in the environment file")
    return _read(
        Database,
        environment,
        {
            "kind": "LOAN_DATABASE_KIND",
            "user": f"{user_prefix}_USER",
            "password": f"{user_prefix}_PASSWORD",
            "name": "LOAN_DATABASE_NAME",
            "pool_size": "LOAN_POOL_SIZE",
            "connect_timeout_ms": "LOAN_CONNECT_TIMEOUT_MS",
            "statement_timeout_ms": "LOAN_STATEMENT_TIMEOUT_MS",
        },
        problems,
        endpoints=endpoints,
        agents=agents,
        agent_key=agent_key,
        ca_file=_file(environment, "LOAN_DATABASE_CA_FILE", problems),
    )


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return the settings in `environment`.

    Raises:
        SettingsError: naming every variable that is missing or out of range, with what is allowed.
    """
    problems: list[str] = []
    settings = _read(
        Settings,
        environment,
        {
            "listen_address": "LOAN_LISTEN_ADDRESS",
            "port": "LOAN_PORT",
            "request_deadline_ms": "LOAN_REQUEST_DEADLINE_MS",
            "shutdown_grace_s": "LOAN_SHUTDOWN_GRACE_S",
        },
        problems,
        database=database_from(environment, problems),
        durability=_read(
            DurabilityRule,
            environment,
            {"kind": "LOAN_DURABILITY", "timeout_ms": "LOAN_DURABILITY_TIMEOUT_MS"},
            problems,
        ),
        out_of_rotation=Path(folder) if (folder := environment.get("LOAN_OUT_OF_ROTATION")) else None,
    )
    if settings is None:
        raise SettingsError(tuple(problems))
    return settings


def _read(
    kind: type[_Kind],
    environment: Mapping[str, str],
    variables: Mapping[str, str],
    problems: list[str],
    **found: object,
) -> _Kind | None:
    """Return a `kind` out of variables; None if any problem is known by then.

    Args:
        kind: a dataclass; `msgspec.Meta` has the limits of its fields.
        environment: where the variables are; the default of its field stands for one that is missing.
        variables: {field: the variable that it is read from}.
        problems: receives one sentence for each bad variable.
        found: fields that are known already.
    """
    hints = get_type_hints(kind, include_extras=True)
    with_default = {each.name for each in fields(kind) if each.default is not MISSING}
    for name, variable in variables.items():
        if variable not in environment and name in with_default:
            continue
        text = environment.get(variable, "")
        try:
            # Not strict: a variable is text, also where a number is meant.
            found[name] = msgspec.convert(text, hints[name], strict=False)
        except msgspec.ValidationError:
            problems.append(_problem(variable, text, inspect.type_info(hints[name])))
    return None if problems else kind(**found)


def _file(environment: Mapping[str, str], variable: str, problems: list[str]) -> Path | None:
    path = Path(text) if (text := environment.get(variable)) else None
    if path is not None and not path.is_file():
        problems.append(f"{variable}={text!r}; allowed: a file that this user can reach, or nothing")
    return path


def _problem(variable: str, text: str, kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType(ge=low, le=high):
            return f"{variable}={text!r}; allowed: a whole number from {low} to {high}"
        case inspect.EnumType(cls=choices):
            return f"{variable}={text!r}; allowed: {', '.join(each.value for each in choices)}"
        case _:
            # Its value may be a secret, and there is none.
            return f"{variable} is missing or empty; set it in the environment file"


def _endpoints(environment: Mapping[str, str], variable: str, problems: list[str]) -> tuple[Endpoint, ...]:
    text = environment.get(variable, "")
    found: list[Endpoint] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        host, _, port = part.rpartition(":")
        try:
            found.append(msgspec.convert({"host": host, "port": port}, Endpoint, strict=False))
        except msgspec.ValidationError:
            problems.append(f"{variable} has {part!r}; allowed: address:port, comma-separated")
    if len(set(found)) != len(found):
        problems.append(f"{variable}={text!r} names an endpoint twice; name each one once")
    return tuple(found)
