"""The seeded customers, and the groups reserved for special uses. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from loadtests.users.steps import Borrower

ENTITY_STRIDE = 1_000_000_000
"""Customer n (from 1) of the entity with number e (from 1) has the id e * ENTITY_STRIDE + n."""
WATCHED_ONE_IN = 128
"""One customer in this many is under an early-warning watch: frozen and unfrozen, never drawn from."""
HOT_MAX = 16
"""Number of customers reserved for the limits that all users draw on; no other step uses these limits."""
HOT_ONE_IN = 64
"""In a small population, only one customer in this many is reserved for that."""
_GOLDEN = 2654435761
_WATCHED_BELOW = 2**32 // WATCHED_ONE_IN


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product as one legal entity offers it."""

    code: str
    min_fen: int
    max_fen: int


@dataclass(frozen=True, kw_only=True)
class Population:
    """The seeded customers; each legal entity has the same number."""

    entities: tuple[str, ...]
    customers_per_entity: int
    products: Mapping[str, Sequence[Product]]
    """Products of each legal entity; the first one has the smallest minimum amount."""
    first: int = 0
    """Number of the first customer among those of all entities."""
    stride: int = 1
    """Distance to the next customer: 1, or the number of entities if the population is one entity's."""

    @property
    def size(self) -> int:
        """How many customers there are."""
        return len(range(self.first, self._all, self.stride))

    @property
    def _all(self) -> int:
        return len(self.entities) * self.customers_per_entity

    def of_entity(self, entity: str) -> "Population":
        """Return the customers of one legal entity."""
        return replace(self, first=self.entities.index(entity), stride=len(self.entities))

    def hot(self, count: int) -> list[Borrower]:
        """Return at most `count` customers on whose limits all users draw."""
        free = (place for place in self._hot_places if not _is_watched(place))
        return [self._at(place) for place in islice(free, count)]

    def borrower(self, index: int) -> Borrower:
        """Return customer `index` (from 0) with the limit it was seeded with; entities take turns."""
        return self._at(self._place(index))

    def _at(self, place: int) -> Borrower:
        entity, number = place % len(self.entities), place // len(self.entities) + 1
        customer_id = (entity + 1) * ENTITY_STRIDE + number
        return Borrower(entity=self.entities[entity], customer_id=customer_id, limit_id=customer_id)

    def is_watched(self, index: int) -> bool:
        """Say whether customer `index` is watched: the same in every run, and spread over all users."""
        return _is_watched(self._place(index))

    def is_everyday(self, index: int) -> bool:
        """Say whether customer `index` is neither watched nor reserved for shared limits."""
        place = self._place(index)
        return not _is_watched(place) and place not in self._hot_places

    def _place(self, index: int) -> int:
        return self.first + index * self.stride

    @property
    def _hot_places(self) -> range:
        # In the middle, because the preflight checks whether the first and the last customers have room.
        middle = self._all // 2
        return range(middle, middle + min(HOT_MAX, self._all // HOT_ONE_IN))


def _is_watched(place: int) -> bool:
    return place * _GOLDEN & 0xFFFFFFFF < _WATCHED_BELOW
