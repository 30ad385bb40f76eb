"""etcd's content: converts between JSON in its keys and the core's values. Pure.

Keys below `/loanstack/<environment>/`, in their order: `history/<epoch>`, `leader`, `lease`,
`members/<host>`, `paused`, `request`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from failover.core.observed import (
    Alone,
    Guarantee,
    Leadership,
    Member,
    Phase,
    Request,
    RequestKind,
    Role,
    Unfenced,
)

Json = dict[str, Any]
_Known = TypeVar("_Known", Phase, Guarantee, Role, RequestKind)


class RecordError(ValueError):
    """A key of etcd has content that no agent wrote."""


@dataclass(frozen=True, kw_only=True)
class LeaderRecord:
    """The record `leader`, with fields that only etcd's own code needs."""

    leadership: Leadership
    claim: str
    """Unique id of a claim, by which a claim is recognised if its answer was lost."""
    last_automatic_s: float | None
    """Unix time of the last claim that no operator asked for; copied from record to record."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys of one environment."""

    environment: str
    prefix: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", f"/loanstack/{self.environment}/")

    @property
    def leader(self) -> str:
        """Who leads, or led last."""
        return f"{self.prefix}leader"

    @property
    def lease(self) -> str:
        """Key that exists as long as the leader's lease."""
        return f"{self.prefix}lease"

    @property
    def request(self) -> str:
        """Key of an operator's request."""
        return f"{self.prefix}request"

    @property
    def paused(self) -> str:
        """Key that exists during a pause of automatic actions."""
        return f"{self.prefix}paused"

    def member(self, host: str) -> str:
        """Key of an agent's report about itself."""
        return f"{self.prefix}members/{host}"

    def history(self, epoch: int) -> str:
        """Key of one epoch's history; of fixed width, so that keys sort by epoch."""
        return f"{self.prefix}history/{epoch:010d}"

    @property
    def all_but_history(self) -> tuple[str, str]:
        """First key and end of the range that every read covers; the history sorts before it."""
        return self.leader, f"{self.prefix[:-1]}0"

    @property
    def watched(self) -> tuple[tuple[str, str], ...]:
        """First key and end of the range with notifications: everything that is read, except the members."""
        members = self.member("")
        return (self.leader, members), (f"{members[:-1]}0", f"{self.prefix[:-1]}0")

    @property
    def whole_history(self) -> tuple[str, str]:
        """First key and end of the history."""
        return f"{self.prefix}history/", f"{self.prefix}history0"


def leader_text(record: LeaderRecord) -> str:
    """Return the record `leader` as etcd holds it."""
    leadership = asdict(record.leadership)
    for absent in ("revision", "unchanged_ms"):
        del leadership[absent]
    found = {**leadership, "claim": record.claim, "last_automatic_s": record.last_automatic_s}
    return msgspec.json.encode(found).decode()


def leader_record(text: str, revision: int) -> LeaderRecord:
    """Return the record `leader` in `text`, last changed at `revision`.

    Raises:
        RecordError: no agent wrote that.
    """
    found = _object("leader", text)
    try:
        leadership = Leadership(
            host=str(found["host"]),
            epoch=int(found["epoch"]),
            phase=Phase(found["phase"]),
            revision=revision,
            lineage=int(found["lineage"]),
            primary=str(found["primary"]),
            guarantee=_known(Guarantee, found["guarantee"]),
            final_scn=found["final_scn"],
            to=found["to"],
            unfenced=tuple(
                Unfenced(host=u["host"], epoch=u["epoch"], lease_over=u["lease_over"])
                for u in found["unfenced"]
            ),
            powered_off=tuple(found["powered_off"]),
            accept_loss=bool(found["accept_loss"]),
            alone=Alone(found["alone"]),
            acknowledged_scn=found["acknowledged_scn"],
        )
        return LeaderRecord(
            leadership=leadership, claim=found["claim"], last_automatic_s=found["last_automatic_s"]
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise RecordError(f"the record leader cannot be read ({wrong!r}): {text[:200]}") from None


def same_record(one: LeaderRecord, other: LeaderRecord) -> bool:
    """Say whether two records are equal, whenever they were written."""
    return _timeless(one) == _timeless(other)


def member_text(member: Member, *, seq: int, lag_ms: int | None, more: Mapping[str, object]) -> str:
    """Return an agent's report about itself; `more` is for people and other programs."""
    found = {**more, **asdict(member), "seq": seq, "lag_ms": lag_ms}
    del found["unchanged_ms"]
    found["may_lead"] = found.pop("candidate")
    return msgspec.json.encode(found).decode()


def member(host: str, text: str) -> Member:
    """Return the report of the agent of `host` about itself.

    Raises:
        RecordError: no agent wrote that.
    """
    found = _object(f"members/{host}", text)
    try:
        return Member(
            host=host,
            role=_known(Role, found["role"]),
            scn=int(found["scn"]),
            settled_scn=found.get("settled_scn"),
            recorded_role=_known(Role, found["recorded_role"]),
            lineage=found["lineage"],
            epoch=int(found["epoch"]),
            fenced=int(found["fenced"]),
            candidate=bool(found["may_lead"]),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise RecordError(f"members/{host} cannot be read ({wrong!r}): {text[:200]}") from None


def request_text(request: Request, *, at_s: float) -> str:
    """Return a request as etcd holds it."""
    found = {**asdict(request), "at_s": at_s}
    del found["unchanged_ms"]
    return msgspec.json.encode(found).decode()


def request(text: str) -> Request:
    """Return the request in `text`.

    Raises:
        RecordError: no agent wrote that.
    """
    found = _object("request", text)
    try:
        return Request(
            id=str(found["id"]),
            kind=RequestKind(found["kind"]),
            host=str(found["host"]),
            force=bool(found["force"]),
            accept_loss=bool(found["accept_loss"]),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise RecordError(f"request cannot be read ({wrong!r}): {text[:200]}") from None


def _timeless(record: LeaderRecord) -> LeaderRecord:
    return replace(record, leadership=replace(record.leadership, revision=0, unchanged_ms=0))


def _known(kind: type[_Known], value: str | None) -> _Known | None:
    return None if value is None else kind(value)


def _object(name: str, text: str) -> Json:
    try:
        return msgspec.json.decode(text, type=Json)
    except msgspec.MsgspecError as broken:
        raise RecordError(f"{name} is not a JSON object ({broken}): {text[:200]}") from None
