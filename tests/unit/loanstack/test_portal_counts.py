"""What the portals counted of each service: added up, between two readings, against the weights."""

from dataclasses import replace

from inventory import environment
from inventory.model import Environment
from loanstack.measure import portal_counts
from loanstack.measure.portal_counts import Counts


def page(**counts: tuple[int, int]) -> str:
    lines = ["portal_in_flight 3", 'portal_requests_total{status="201"} 99']
    for address, (requests, failures) in counts.items():
        service = f'{{service="198.18.{address.strip("_").replace("_", ".")}:8080"}}'
        lines += [
            f"portal_service_up{service} 1",
            f"portal_service_requests_total{service} {requests}",
            f"portal_service_failures_total{service} {failures}",
        ]
    return "\n".join(lines)


def weighted() -> Environment:
    lab = environment("lab")
    return replace(lab, hosts=tuple(replace(h, weight=1) if h.name == "app-b" else h for h in lab.hosts))


def test_a_page_is_read_by_service() -> None:
    found = portal_counts.parse(page(_1_12=(10, 1), _2_22=(4, 0)))
    assert found == Counts(
        requests={"198.18.1.12": 10, "198.18.2.22": 4}, failures={"198.18.1.12": 1, "198.18.2.22": 0}
    )
    assert portal_counts.parse("") == Counts()


def test_what_all_portals_counted_is_added_up_and_one_that_began_anew_counts_from_then_on() -> None:
    before = {
        "app-a": Counts(requests={"198.18.1.12": 1000, "198.18.2.22": 1000}),
        "app-b": Counts(requests={"198.18.1.12": 1000, "198.18.2.22": 1000}),
    }
    after = {
        "app-a": Counts(requests={"198.18.1.12": 1010, "198.18.2.22": 1020}),
        "app-b": Counts(requests={"198.18.1.12": 300, "198.18.2.22": 4}),
    }
    found = portal_counts.shares(before, after, weighted())
    assert [each.requests for each in found] == [310, 24]


def test_each_service_is_told_its_part_and_what_its_weight_means() -> None:
    before = Counts(requests={"198.18.1.12": 100}, failures={"198.18.1.12": 7})
    after = Counts(
        requests={"198.18.1.12": 1000, "198.18.2.22": 100}, failures={"198.18.1.12": 9, "198.18.2.22": 1}
    )
    heavy, light = portal_counts.shares({"app-a": before}, {"app-a": after}, weighted())
    assert (heavy.host, heavy.requests, heavy.failures, heavy.share) == ("app-a", 900, 2, 0.9)
    assert (light.host, light.requests, light.share, light.share_by_weight) == ("app-b", 100, 0.1, 0.0909)
    assert portal_counts.figures((heavy, light)) == {"service_failures": 3.0, "service_share_min": 0.99}


def test_without_a_request_nobody_got_a_share() -> None:
    none = portal_counts.shares({}, {}, weighted())
    assert [each.share for each in none] == [0.0, 0.0]
    assert portal_counts.figures(none) == {"service_failures": 0.0, "service_share_min": 0.0}
