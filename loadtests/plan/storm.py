"""The storm: one legal entity that sends much more than its share for a time. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from loadtests.plan.shape import Curve, Stretch

PARTS = 3
"""Equal parts of a run: the storm is in the middle part, and the part before it is the calm."""


@dataclass(frozen=True, kw_only=True)
class Storm:
    """Legal entity and time of a storm."""

    entity: str
    from_s: float
    """Seconds from the measured start."""
    to_s: float


def over(curve: Curve, times: float) -> Curve:
    """Return `curve` with a storm: in its middle part, `times` times the rate is added."""
    if not times:
        return curve
    length_s = sum(stretch.length_s for stretch in curve.stretches)
    from_s, to_s = length_s / PARTS, length_s - length_s / PARTS
    found: list[Stretch] = []
    start_s = 0.0
    for stretch in curve.stretches:
        end_s = start_s + stretch.length_s
        cuts = [start_s, *(cut for cut in (from_s, to_s) if start_s < cut < end_s), end_s]
        slope = (stretch.to_per_s - stretch.from_per_s) / stretch.length_s
        for begin_s, until_s in pairwise(cuts):
            scale = 1.0 + times if from_s <= (begin_s + until_s) / 2.0 < to_s else 1.0
            found.append(
                Stretch(
                    length_s=until_s - begin_s,
                    from_per_s=scale * (stretch.from_per_s + slope * (begin_s - start_s)),
                    to_per_s=scale * (stretch.from_per_s + slope * (until_s - start_s)),
                )
            )
        start_s = end_s
    return Curve(stretches=tuple(found))


def storm_of(entity: str, *, duration_s: float) -> Storm:
    """Return the storm of `entity` in a run of `duration_s` seconds."""
    return Storm(entity=entity, from_s=duration_s / PARTS, to_s=duration_s - duration_s / PARTS)


def entities_of(
    offsets_s: Sequence[float], storm: Storm, *, times: float, entities: Sequence[str], seed: int
) -> list[str]:
    """Return the legal entity of each write: even shares, and all writes that the storm adds for its entity.

    + offsets_s: when the writes are due, in seconds from the measured start
    + times: the storm adds this many times the calm rate
    + entities: all legal entities
    + seed: seed of the order in which entities take turns
    """
    random = Random(seed)  # noqa: S311  # a load mix needs repeatability, not secrecy
    calm = [1.0] * len(entities)
    stormy = [1.0 + times * len(entities) * (entity == storm.entity) for entity in entities]
    return [
        random.choices(entities, stormy if storm.from_s <= offset_s < storm.to_s else calm)[0]
        for offset_s in offsets_s
    ]
