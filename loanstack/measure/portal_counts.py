"""How many requests each loan service got between two readings, as the portals counted them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from inventory.model import Environment, Host, Role
from processes import ssh

_TIMEOUT_S = 10.0
_LINE = re.compile(
    r'^portal_service_(?P<what>requests|failures)_total\{service="(?P<address>[^":]+):\d+"\} (?P<count>\d+)$'
)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """One portal's counts since it started, by the services' addresses."""

    requests: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)


Portals = Mapping[str, Counts]
"""Counts of each portal, by the name of its host."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Requests that one loan host got."""

    host: str
    requests: int
    failures: int
    share: float
    """Its share of all requests."""
    share_by_weight: float
    """The share that the inventory's weights give it."""


def parse(page: str) -> Counts:
    """Return the counts in a portal's metrics."""
    found: dict[str, dict[str, int]] = {"requests": {}, "failures": {}}
    for line in page.splitlines():
        if match := _LINE.match(line):
            found[match["what"]][match["address"]] = int(match["count"])
    return Counts(requests=found["requests"], failures=found["failures"])


def read(env: Environment) -> Portals:
    """Return each portal's counts so far, by its host; a portal that does not answer has counted nothing."""
    commands = (
        (host, f"curl --silent --max-time 3 http://{host.address}:{env.tongweb.port}/portal/metrics")
        for host in env.hosts_with(Role.TONGWEB)
    )
    answers = ssh.run_on_all(env, commands, within_s=_TIMEOUT_S)
    return {host.name: parse(answer.stdout) for host, answer in answers if answer is not None}


def shares(before: Portals, after: Portals, env: Environment) -> tuple[Share, ...]:
    """Return the requests that each loan host got from all portals between two readings."""
    hosts = env.hosts_with(Role.LOAN)
    requests: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for portal, later in after.items():
        earlier = before.get(portal, Counts())
        # A counter went down: the portal restarted in between, and counts from 0 since then.
        if any(later.requests.get(address, 0) < count for address, count in earlier.requests.items()):
            earlier = Counts()
        for host in hosts:
            requests[host.name] += _more(earlier.requests, later.requests, host)
            failures[host.name] += _more(earlier.failures, later.failures, host)
    whole = sum(requests.values())
    weights = sum(host.weight for host in hosts)
    return tuple(
        Share(
            host=host.name,
            requests=requests[host.name],
            failures=failures[host.name],
            share=round(requests[host.name] / whole, 4) if whole else 0.0,
            share_by_weight=round(host.weight / weights, 4),
        )
        for host in hosts
    )


def _more(earlier: Mapping[str, int], later: Mapping[str, int], host: Host) -> int:
    return later.get(host.address, 0) - earlier.get(host.address, 0)


def figures(found: Sequence[Share]) -> dict[str, float]:
    """Return the requests that failed on their way to a service, and the lowest ratio of share to weight."""
    return {
        "service_failures": float(sum(each.failures for each in found)),
        "service_share_min": round(
            min((each.share / each.share_by_weight for each in found), default=0.0), 3
        ),
    }


def as_json(found: Sequence[Share]) -> list[dict[str, object]]:
    """Return the shares as they stand in hosts.json."""
    return [asdict(each) for each in found]
