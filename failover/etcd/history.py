"""The history of each epoch, kept in etcd: each key holds a list of events."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import msgspec

from failover.etcd import operations
from failover.etcd.http_api import Answer, EtcdError, decoded
from failover.etcd.keys import Keys

Json = dict[str, Any]
_EPOCHS_KEPT = 200
_TRIES = 5


class HttpApi(Protocol):
    """What this module needs of `http_api.EtcdHttpApi`."""

    async def call(self, path: str, body: Mapping[str, object]) -> Answer:
        """Return the answer to one call."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event."""

    at_s: float
    """Unix time by the clock of `host`."""
    event: str
    """Name of the event: detected, decided, claimed, fenced, guarantee, promoted, switchover, ..."""
    host: str
    detail: str
    request: str | None = None
    """The operator's request that it answers."""

    def line(self) -> Json:
        """Return the event in etcd's form."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class History:
    """Reads and appends the history of one environment."""

    def __init__(self, http_api: HttpApi, keys: Keys) -> None:
        """Use `http_api` for `keys`."""
        self._http = http_api
        self._keys = keys

    async def append(self, epoch: int, event: Event) -> None:
        """Add one event to an epoch, and delete the oldest epochs.

        Raises:
            EtcdError: etcd did not answer, or other agents always appended first.
        """
        key = self._keys.history(epoch)
        line = event.line()
        for _ in range(_TRIES):
            found = operations.first_kv(await self._http.call("/v3/kv/range", _range(key)))
            events = msgspec.json.decode(found[0], type=list[Json]) if found else []
            # This event was already appended, and the answer was lost.
            if line in events:
                return
            success = [operations.put(key, msgspec.json.encode([*events, line]).decode())]
            if epoch > _EPOCHS_KEPT:
                first, _ = self._keys.whole_history
                success.append(operations.delete(first, self._keys.history(epoch - _EPOCHS_KEPT)))
            condition = operations.unchanged(key, found[1] if found else 0)
            answer = await self._http.call("/v3/kv/txn", {"compare": [condition], "success": success})
            if answer.get("succeeded"):
                return
        raise EtcdError(f"history of epoch {epoch}: others appended faster, {_TRIES} times")

    async def read(self) -> dict[int, list[Json]]:
        """Return the events of each epoch that is kept, in the order of epochs.

        Raises:
            EtcdError: etcd did not answer.
        """
        answer = await self._http.call("/v3/kv/range", _range(*self._keys.whole_history))
        return {
            int(decoded(kv["key"]).rpartition("/")[2]): msgspec.json.decode(
                decoded(kv["value"]), type=list[Json]
            )
            for kv in answer.get("kvs", [])
        }


def _range(key: str, end: str | None = None) -> Json:
    operation: Json = operations.read(key, end)["request_range"]
    return operation
