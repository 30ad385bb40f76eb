"""Converts a JSON value into a dataclass, and collects every mistake in it. Pure.

msgspec converts and checks a field; it stops at the first mistake of an object, so objects are read here, one
field after the other.
"""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    runtime_checkable,
)

import msgspec
from msgspec import inspect

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Kind = TypeVar("_Kind", bound="DataclassInstance")


@runtime_checkable
class Related(Protocol):
    """A dataclass whose fields can contradict each other, although each of them alone is allowed."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Yield (field, what is allowed there) for each mistake."""


def read(kind: type[_Kind], found: object, problems: list[str], *, where: str = "") -> _Kind | None:
    """Return `found` as a `kind`, or None after noting each mistake in it.

    + kind: a dataclass; `msgspec.Meta` has the limits of its fields, and a field with `repr=False` is a
      secret, whose value no problem shows
    + found: a JSON value, which should be an object
    + problems: receives one sentence for each mistake
    + where: path of the object, put before the names of its fields; empty for the outermost
    """
    if not isinstance(found, dict):
        problems.append(f"{where or 'the file'} must be a JSON object")
        return None
    noted_before = len(problems)
    hints = get_type_hints(kind, include_extras=True)
    known = {field.name: field for field in fields(kind)}
    values: dict[str, object] = {}
    for name, field in known.items():
        if name in found:
            path, is_secret = _path(where, name), not field.repr
            values[name] = _value(hints[name], found[name], problems, path, is_secret=is_secret)
        elif field.default is MISSING:
            problems.append(f"{_path(where, name)} is missing")
    problems += [f"{_path(where, name)} is unknown; remove it" for name in found if name not in known]
    if len(problems) > noted_before:
        return None
    made = kind(**values)
    if isinstance(made, Related):
        for name, allowed in made.contradictions():
            path, is_secret = _path(where, name), not known[name].repr
            problems.append(_wrong(path, getattr(made, name), allowed, is_secret=is_secret))
    return made if len(problems) == noted_before else None


def _value(hint: object, found: object, problems: list[str], path: str, *, is_secret: bool) -> object:
    """Return the value of one field; what is returned after a mistake is not used.

    + hint: the field's type, with its limits
    """
    kind = hint
    if get_origin(hint) in (Union, UnionType) and found is not None:
        kind = next(each for each in get_args(hint) if each is not NoneType)
    if isinstance(kind, type) and is_dataclass(kind):
        return read(kind, found, problems, where=path)
    if get_origin(kind) is tuple and isinstance(found, list):
        item = get_args(kind)[0]
        return tuple(
            _value(item, each, problems, f"{path}[{number}]", is_secret=is_secret)
            for number, each in enumerate(found)
        )
    try:
        return msgspec.convert(found, hint)
    except msgspec.ValidationError:
        problems.append(_wrong(path, found, _allowed(inspect.type_info(hint)), is_secret=is_secret))
        return None


def _allowed(kind: inspect.Type) -> str:
    """Return what a value of type `kind` may be, for whoever writes the file."""
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case inspect.LiteralType(values=values):
            return ", ".join(map(str, values))
        case inspect.StrType(pattern=str(pattern)):
            return f"a string that matches {pattern}"
        case inspect.StrType(min_length=int(least)):
            return "a non-empty string" if least == 1 else f"a string of at least {least} characters"
        case inspect.StrType():
            return "a string"
        case inspect.VarTupleType():
            return "a list"
        case inspect.UnionType(types=types):
            return " or ".join(map(_allowed, types))
        case inspect.NoneType():
            return "null"
        case _:
            raise TypeError(f"{kind}: say here what is allowed")


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(path: str, value: object, allowed: str, *, is_secret: bool) -> str:
    # An object or a list may hold a secret somewhere.
    is_shown = not is_secret and (value is None or isinstance(value, (str, int, float)))
    return f"{path}={value!r}; allowed: {allowed}" if is_shown else f"{path}; allowed: {allowed}"
