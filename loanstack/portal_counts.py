"""Which loan service was sent how many requests: what the portals counted, between two readings."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from inventory.model import Environment, Host, Role
from loanstack import everywhere

_TIMEOUT_S = 10.0
_LINE = re.compile(
    r'^portal_service_(?P<what>requests|failures)_total\{service="(?P<address>[^":]+):\d+"\} (?P<count>\d+)$'
)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What all portals together counted since they began, by the services' addresses."""

    requests: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one loan host got."""

    host: str
    requests: int
    failures: int
    share: float
    """Of all requests."""
    share_by_weight: float
    """What the inventory's weights mean it to get."""


def parse(pages: Sequence[str]) -> Counts:
    """Return the counts in the portals' metrics, added up."""
    found: dict[str, Counter[str]] = {"requests": Counter(), "failures": Counter()}
    for page in pages:
        for line in page.splitlines():
            if match := _LINE.match(line):
                found[match["what"]][match["address"]] += int(match["count"])
    return Counts(requests=found["requests"], failures=found["failures"])


def read(env: Environment) -> Counts:
    """Return what the portals counted so far; one that does not answer has counted nothing that is known."""
    commands = (
        (host, f"curl --silent --max-time 3 http://{host.address}:{env.tongweb.port}/portal/metrics")
        for host in env.hosts_with(Role.TONGWEB)
    )
    answers = everywhere.ask(env, commands, within_s=_TIMEOUT_S)
    return parse([answer.printed for _, answer in answers if answer is not None])


def shares(before: Counts, after: Counts, env: Environment) -> tuple[Share, ...]:
    """Return what each loan host got between two readings; a portal that began anew counts from then on."""
    hosts = env.hosts_with(Role.LOAN)

    def more(earlier: Mapping[str, int], later: Mapping[str, int], host: Host) -> int:
        return max(0, later.get(host.address, 0) - earlier.get(host.address, 0))

    requests = {host.name: more(before.requests, after.requests, host) for host in hosts}
    whole = sum(requests.values())
    weights = sum(host.weight for host in hosts)
    return tuple(
        Share(
            host=host.name,
            requests=requests[host.name],
            failures=more(before.failures, after.failures, host),
            share=round(requests[host.name] / whole, 4) if whole else 0.0,
            share_by_weight=round(host.weight / weights, 4),
        )
        for host in hosts
    )


def figures(found: Sequence[Share]) -> dict[str, float]:
    """Return how many requests failed on their way to a service, and the least that one got of its share."""
    return {
        "service_failures": float(sum(each.failures for each in found)),
        "service_share_min": round(
            min((each.share / each.share_by_weight for each in found), default=0.0), 3
        ),
    }


def as_json(found: Sequence[Share]) -> list[dict[str, object]]:
    """Return the shares as they stand in hosts.json."""
    return [asdict(each) for each in found]
