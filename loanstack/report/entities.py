"""Compares the legal entities' latencies while one of them has a storm, from the figures of a load. Pure."""

import re
from collections.abc import Mapping

_FIGURE = re.compile(r"entity_(?P<entity>\w+?)_latency_(?P<column>p\d+_ms_\w+)")
COLUMNS = ("p50_ms_calm", "p50_ms_storm", "p99_ms_calm", "p99_ms_storm")


def rows(figures: Mapping[str, float]) -> list[tuple[str, list[float | None]]]:
    """Return (entity, latencies as in `COLUMNS`) for each legal entity; none if there was no storm."""
    found: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        match = _FIGURE.fullmatch(name)
        if match is not None:
            found.setdefault(match["entity"], {})[match["column"]] = value
    return [(entity, [of.get(column) for column in COLUMNS]) for entity, of in found.items()]
