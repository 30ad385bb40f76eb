"""Records in etcd: converts between the JSON of a key and the core's values. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import msgspec

from failover.core.observed import (
    Guarantee,
    Leadership,
    Member,
    Phase,
    Request,
    RequestKind,
    Role,
    Unfenced,
    UnprotectedMode,
)

Json = dict[str, Any]
_STORED_NAMES = {
    "timeline": "lineage",
    "unprotected": "alone",
    "catch_up_scn": "acknowledged_scn",
    "candidate": "may_lead",
}
"""Field -> its name in etcd, if that differs: agents of earlier versions write and read these names."""
_NOT_STORED = ("revision", "unchanged_ms")
"""Fields that each agent measures by itself."""
_Known = TypeVar("_Known", Phase, Guarantee, Role, RequestKind)


class RecordError(ValueError):
    """A key of etcd has content that no agent wrote."""


@dataclass(frozen=True, kw_only=True)
class LeaderRecord:
    """The record `leader`, with fields that only etcd's own code needs."""

    leadership: Leadership
    acquisition_id: str
    """Unique id of one acquisition of the leader lock; it is recognised by it if the answer was lost."""
    last_automatic_s: float | None
    """Unix time of the last automatic failover; copied from record to record."""


def leader_text(record: LeaderRecord) -> str:
    """Return the record `leader` as etcd holds it."""
    more = {"claim": record.acquisition_id, "last_automatic_s": record.last_automatic_s}
    return msgspec.json.encode({**_stored(record.leadership), **more}).decode()


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
            timeline=int(found["lineage"]),
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
            unprotected=UnprotectedMode(found["alone"]),
            catch_up_scn=found["acknowledged_scn"],
        )
        return LeaderRecord(
            leadership=leadership, acquisition_id=found["claim"], last_automatic_s=found["last_automatic_s"]
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise RecordError(f"the record leader cannot be read ({wrong!r}): {text[:200]}") from None


def member_text(member: Member, *, seq: int, lag_ms: int | None, more: Mapping[str, object]) -> str:
    """Return an agent's report about itself; `more` is for people and other programs."""
    found = {**more, **_stored(member), "seq": seq, "lag_ms": lag_ms}
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
            timeline=found["lineage"],
            epoch=int(found["epoch"]),
            fenced=int(found["fenced"]),
            candidate=bool(found["may_lead"]),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise RecordError(f"members/{host} cannot be read ({wrong!r}): {text[:200]}") from None


def request_text(request: Request, *, at_s: float) -> str:
    """Return a request as etcd holds it."""
    found = {**_stored(request), "at_s": at_s}
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


def _stored(value: Leadership | Member | Request) -> Json:
    """Return the fields of a value, with their names in etcd."""
    return {
        _STORED_NAMES.get(name, name): field_value
        for name, field_value in asdict(value).items()
        if name not in _NOT_STORED
    }


def _known(kind: type[_Known], value: str | None) -> _Known | None:
    return None if value is None else kind(value)


def _object(name: str, text: str) -> Json:
    try:
        return msgspec.json.decode(text, type=Json)
    except msgspec.MsgspecError as broken:
        raise RecordError(f"{name} is not a JSON object ({broken}): {text[:200]}") from None
