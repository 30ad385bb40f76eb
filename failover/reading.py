"""Reads a JSON object field by field, and collects all problems. Pure."""

from collections.abc import Sequence


class Reader:
    """One JSON object; every method returns the field's value, or notes a problem and returns a default."""

    def __init__(self, found: object, where: str, problems: list[str]) -> None:
        """Read `found`.

        Args:
            found: a JSON value that should be an object.
            where: path of the object, put before the names of its fields; empty for the outermost.
            problems: receives one sentence for each bad field.
        """
        self._where = where
        self._problems = problems
        self._unread: dict[str, object] = dict(found) if isinstance(found, dict) else {}
        self._is_object = isinstance(found, dict)
        if not self._is_object:
            self._note(where or "the file", "must be a JSON object")

    def text(self, name: str, *, may_be_empty: bool = False) -> str:
        """Return a string."""
        value = self._take(name)
        if isinstance(value, str) and (value or may_be_empty):
            return value
        if value is not _MISSING:
            self._wrong(name, value, "a string" if may_be_empty else "a non-empty string")
        return ""

    def secret(self, name: str, *, least_length: int = 1) -> str:
        """Return a string that no problem shows."""
        value = self._take(name)
        if isinstance(value, str) and len(value) >= least_length:
            return value
        if value is not _MISSING:
            self._note(self._path(name), f"allowed: a string of at least {least_length} characters")
        return ""

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Return one of `allowed`."""
        value = self._take(name)
        if isinstance(value, str) and value in allowed:
            return value
        if value is not _MISSING:
            self._wrong(name, value, ", ".join(allowed))
        return allowed[0]

    def integer(self, name: str, *, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        value = self._take(name)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not _MISSING:
            self._wrong(name, value, f"a whole number from {low} to {high}")
        return low

    def integer_or_none(self, name: str, *, low: int, high: int) -> int | None:
        """Return a whole number from `low` to `high`, or None for null."""
        if self._unread.get(name, _MISSING) is None:
            del self._unread[name]
            return None
        return self.integer(name, low=low, high=high)

    def boolean(self, name: str) -> bool:
        """Return true or false."""
        value = self._take(name)
        if isinstance(value, bool):
            return value
        if value is not _MISSING:
            self._wrong(name, value, "true or false")
        return False

    def texts(self, name: str, *, starting: str) -> tuple[str, ...]:
        """Return a list of at least one string; each starts with `starting`, and none comes twice."""
        value = self._take(name)
        if value is _MISSING:
            return ()
        if not isinstance(value, list) or not value:
            self._wrong(name, value, "a list of at least one string")
            return ()
        bad = [each for each in value if not isinstance(each, str) or not each.startswith(starting)]
        for each in bad:
            self._wrong(name, each, f"strings that start with {starting}")
        if not bad and len(set(value)) != len(value):
            self._wrong(name, value, "each one once")
        return () if bad else tuple(value)

    def nested(self, name: str) -> "Reader":
        """Return a reader of an object in this one."""
        value = self._take(name)
        # The missing object is already noted, so its fields are not noted one by one.
        problems = [] if value is _MISSING else self._problems
        return Reader({} if value is _MISSING else value, self._path(name), problems)

    def nested_or_none(self, name: str) -> "Reader | None":
        """Return a reader of an object in this one; None for null."""
        if self._unread.get(name, _MISSING) is None:
            del self._unread[name]
            return None
        return self.nested(name)

    def each(self, name: str) -> "tuple[Reader, ...]":
        """Return a reader for each object in a list, which may be empty."""
        value = self._take(name)
        if isinstance(value, list):
            return tuple(
                Reader(each, f"{self._path(name)}[{number}]", self._problems)
                for number, each in enumerate(value)
            )
        if value is not _MISSING:
            self._wrong(name, value, "a list of objects")
        return ()

    def finish(self) -> None:
        """Note every field that was not read, because it is probably misspelt."""
        for name in self._unread:
            self._note(self._path(name), "is unknown; remove it")

    def _take(self, name: str) -> object:
        if name in self._unread:
            return self._unread.pop(name)
        if self._is_object:
            self._note(self._path(name), "is missing")
        return _MISSING

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where else name

    def _wrong(self, name: str, value: object, allowed: str) -> None:
        shown = value if isinstance(value, (str, int, float, type(None))) else type(value).__name__
        self._note(f"{self._path(name)}={shown!r}", f"allowed: {allowed}")

    def _note(self, what: str, problem: str) -> None:
        self._problems.append(f"{what}; {problem}" if problem.startswith("allowed") else f"{what} {problem}")


_MISSING = object()
