"""Checks of an inventory's extra ingress rules: nft would refuse some in the middle of a deploy."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from inventory.ingress_rules import ExtraIngressRule
from inventory.model import Environment, Role
from inventory.problem import Problem

PROTOCOLS = ("tcp", "udp")
PREFIX_LENGTH_MIN = 16
"""A wider network is a mistake: nothing is open to everyone."""
_COMMENT_BYTES_MAX = 120
"""nft takes comments of 128 bytes."""


def ingress_problems(env: Environment) -> Iterator[Problem]:
    """Yield every problem of the extra ingress rules of `env`."""
    for number, rule in enumerate(env.extra_ingress_rules):
        field = f"extra_ingress_rules[{number}]"
        for name, value, allowed in _wrong_values(rule):
            yield Problem(where=env.name, field=f"{field}.{name}", value=value, allowed=allowed)


def _wrong_values(rule: ExtraIngressRule) -> Iterator[tuple[str, object, str]]:
    """Yield (field, value, what is allowed) of each wrong value."""
    size = len(rule.why.encode())
    if not rule.why.isprintable() or {'"', "\\"} & set(rule.why) or not 0 < size <= _COMMENT_BYTES_MAX:
        allowed = f"its purpose, 1 to {_COMMENT_BYTES_MAX} bytes without quotation marks and backslashes"
        yield "why", rule.why, allowed
    if not 1 <= rule.port <= 65_535:
        yield "port", rule.port, "1 to 65535"
    if rule.protocol not in PROTOCOLS:
        yield "protocol", rule.protocol, ", ".join(PROTOCOLS)
    for role in rule.roles:
        if role not in tuple(Role):
            yield "roles", role, ", ".join(Role)
    if not rule.sources:
        yield "sources", (), "at least one address or network"
    networks = []
    for source in rule.sources:
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
