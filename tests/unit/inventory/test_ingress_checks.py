"""What an inventory may open in addition."""

from dataclasses import replace
from typing import Any

import pytest

from inventory import environment
from inventory.ingress_rules import ExtraIngressRule
from inventory.validation import find_problems

LAB = environment("lab")
GOOD = ExtraIngressRule(why="the bank's Zabbix (代理)", port=10_050, sources=("10.1.2.0/24", "10.1.3.4"))


def problems(**changes: Any) -> list[tuple[str, object, str]]:
    env = replace(LAB, extra_ingress_rules=(GOOD, replace(GOOD, **changes)))
    return [
        (p.field, p.value, p.allowed) for p in find_problems(env) if p.field.startswith("extra_ingress_rules")
    ]


def test_a_good_one_is_accepted() -> None:
    assert problems() == []
    assert problems(protocol="udp", roles=("oceanbase", "monitor"), sources=("10.1.0.0/16",)) == []


@pytest.mark.parametrize(
    ("changes", "field", "value", "allowed"),
    [
        ({"why": ""}, "why", "", "its purpose, 1 to 120 bytes"),
        ({"why": 'a "comment"'}, "why", 'a "comment"', "without quotation marks"),
        ({"why": "a\nline"}, "why", "a\nline", "1 to 120 bytes"),
        ({"why": "代" * 41}, "why", "代" * 41, "1 to 120 bytes"),
        ({"port": 0}, "port", 0, "1 to 65535"),
        ({"port": 65_536}, "port", 65_536, "1 to 65535"),
        ({"protocol": "vrrp"}, "protocol", "vrrp", "tcp, udp"),
        ({"roles": ("database",)}, "roles", "database", "gateway, tongweb"),
        ({"sources": ()}, "sources", (), "at least one"),
        ({"sources": ("zabbix.bank",)}, "sources", "zabbix.bank", "of IPv4"),
        ({"sources": ("10.1.2.3/24",)}, "sources", "10.1.2.3/24", "of IPv4"),
        ({"sources": ("fd00::1",)}, "sources", "fd00::1", "of IPv4"),
        ({"sources": ("0.0.0.0/0",)}, "sources", "0.0.0.0/0", "/16 or smaller"),
        (
            {"sources": ("10.1.2.0/24", "10.1.2.3")},
            "sources",
            "10.1.2.0/24 and 10.1.2.3/32",
            "do not overlap",
        ),
    ],
)
def test_a_wrong_one_is_named_with_what_is_allowed(
    changes: dict[str, Any], field: str, value: object, allowed: str
) -> None:
    (problem,) = problems(**changes)
    assert problem[:2] == (f"extra_ingress_rules[1].{field}", value)
    assert allowed in problem[2]
