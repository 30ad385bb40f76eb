"""Checks of an inventory's extra openings: nft on the hosts would refuse some in the middle of a deploy."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from inventory.model import Environment, Role
from inventory.openings import ExtraOpening
from inventory.problem import Problem

PROTOCOLS = ("tcp", "udp")
PREFIX_LENGTH_MIN = 16
"""A wider network is a mistake: nothing is open to everyone."""
_COMMENT_BYTES_MAX = 120
"""nft takes comments of 128 bytes."""


def opening_problems(env: Environment) -> Iterator[Problem]:
    """Yield every problem of the extra openings of `env`."""
    for number, opening in enumerate(env.extra_openings):
        field = f"extra_openings[{number}]"
        for name, value, allowed in _wrong_values(opening):
            yield Problem(where=env.name, field=f"{field}.{name}", value=value, allowed=allowed)


def _wrong_values(opening: ExtraOpening) -> Iterator[tuple[str, object, str]]:
    """Yield (field, value, what is allowed) of each wrong value."""
    size = len(opening.why.encode())
    if not opening.why.isprintable() or {'"', "\\"} & set(opening.why) or not 0 < size <= _COMMENT_BYTES_MAX:
        allowed = f"its purpose, 1 to {_COMMENT_BYTES_MAX} bytes without quotation marks and backslashes"
        yield "why", opening.why, allowed
    if not 1 <= opening.port <= 65_535:
        yield "port", opening.port, "1 to 65535"
    if opening.protocol not in PROTOCOLS:
        yield "protocol", opening.protocol, ", ".join(PROTOCOLS)
    for role in opening.roles:
        if role not in tuple(Role):
            yield "roles", role, ", ".join(Role)
    if not opening.sources:
        yield "sources", (), "at least one address or network"
    networks = []
    for source in opening.sources:
        try:
            network = IPv4Network(source)
        except ValueError:
            yield "sources", source, "addresses and networks of IPv4, such as 10.1.2.3 or 10.1.2.0/24"
            continue
        if network.prefixlen < PREFIX_LENGTH_MIN:
            yield (
                "sources",
                source,
                f"networks of /{PREFIX_LENGTH_MIN} or smaller: nothing is open to everyone",
            )
        networks.append(network)
    for one, other in combinations(networks, 2):
        if one.overlaps(other):
            yield "sources", f"{one} and {other}", "sources that do not overlap, because nft refuses those"
