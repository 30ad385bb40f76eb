"""The channel portal's WAR on a running server, in front of scripted services."""

import re
import shutil
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hosttools.tongweb.warm_up import warm_up_url
from inventory.places import PROJECT_ROOT
from lab.tongweb import portal as war
from tests.hostile_paths import HOSTILE_PATHS
from tests.unit.tongweb.installation import Installation
from tests.unit.tongweb.portal_channel import BODY_BYTES_MAX, DEADLINE_MS, KEY, PATH, WRITE, Channel

PORTAL = PROJECT_ROOT / "app_stub/portal"
LINES_MAX = 500
GATEWAY = {"X-Forwarded-For": "198.19.0.9"}


@pytest.fixture
def channel(running: Channel) -> Channel:
    """Both services well, with nothing to remember."""
    for each in running.services:
        if each._server is None:
            each.start()
        each.status, each.body, each.delay_s = 200, b'{"is":"answered"}', 0.0
        each.reads_late_s = 0.0
        each.may_read.set()
        each.may_answer.set()
        each.headers = {"Content-Type": "application/json"}
        each.closes_unanswered, each.is_ready = False, True
        each.seen.clear()
    running.wait_until_up(True, True)
    return running


def test_it_stays_within_what_was_promised_for_its_size() -> None:
    code = [
        line
        for path in (PORTAL / "java").rglob("*.java")
        for line in path.read_text().splitlines()
        if line.strip() and not re.match(r"\s*(//|/?\*)", line)
    ]
    assert 100 < len(code) <= LINES_MAX


def test_a_request_goes_on_as_it_came_and_its_answer_comes_back(channel: Channel) -> None:
    for each in channel.services:
        each.status, each.body = 201, '{"名":"青海"}'.encode()
        each.headers = {"Content-Type": "application/json", "Retry-After": "3"}
    extra = {
        "X-Legal-Entity": "QH01",
        "X-Request-Id": "abc-1",
        "X-Forwarded-For": "198.19.0.9",
        "traceparent": "00-1",
    }
    status, body, headers = channel.api(f"{PATH}?a=%E6%B5%B7&b=1", headers={**KEY, **extra, "Cookie": "no"})
    assert (status, body.decode()) == (201, '{"名":"青海"}')
    assert headers["Content-Type"].startswith("application/json")
    assert (headers["Retry-After"], headers["X-Request-Id"]) == ("3", "abc-1")
    [got] = [*channel.services[0].seen, *channel.services[1].seen]
    assert (got.method, got.path, got.body) == ("POST", f"{PATH}?a=%E6%B5%B7&b=1", WRITE)
    assert {**KEY, **extra}.items() <= got.headers.items()
    assert "Cookie" not in got.headers


def test_a_request_without_an_id_or_with_a_bad_one_gets_one(channel: Channel) -> None:
    for sent in ({}, {"X-Request-Id": "two words"}, {"X-Request-Id": "x" * 65}):
        answered = channel.api(headers={**KEY, **sent})[2]["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{1,16}", answered)
    ids = [got.headers["X-Request-Id"] for each in channel.services for got in each.seen]
    assert len(set(ids)) == 3


def test_connections_are_kept(channel: Channel) -> None:
    for _ in range(30):
        channel.api(body=None, method="GET")
    [used] = [each for each in channel.services if each.seen]
    assert len({got.client for got in used.seen}) == 1


def test_a_limits_movements_go_to_one_service_and_limits_to_both(channel: Channel) -> None:
    for limit in range(40):
        for _ in range(3):
            channel.api(f"/v1/limits/{limit}/drawdowns")
    paths = [Counter(got.path for got in each.seen) for each in channel.services]
    assert not paths[0].keys() & paths[1].keys()
    assert min(len(each) for each in paths) >= 10


def test_what_belongs_to_no_limit_is_dealt_out_in_turns(channel: Channel) -> None:
    for _ in range(20):
        channel.api("/v1/products", body=None, method="GET")
    assert channel.seen() == [10, 10]


def test_a_service_gets_nothing_once_it_said_that_it_is_not_ready_and_then_again(channel: Channel) -> None:
    said = channel.services[0].refused
    channel.services[0].is_ready = False
    # It is asked the second time once its first answer was heard.
    channel.installation.wait_for(lambda: channel.services[0].refused >= said + 2)
    before = channel.seen()[0]
    for _ in range(10):
        assert channel.api("/v1/products", body=None, method="GET")[0] == 200
    assert channel.seen()[0] == before
    channel.services[0].is_ready = True
    channel.wait_until_up(True, True)
    for _ in range(10):
        channel.api("/v1/products", body=None, method="GET")
    assert channel.seen()[0] == before + 5


def test_where_nothing_was_sent_another_service_is_asked_even_without_a_key(channel: Channel) -> None:
    channel.services[0].stop()
    for headers in ({}, KEY):
        for limit in range(10):
            assert channel.api(f"/v1/limits/{limit}/drawdowns", headers=headers)[0] == 200
    assert channel.seen()[1] == 20


def test_what_says_that_it_did_nothing_is_asked_for_elsewhere_if_it_has_a_key(channel: Channel) -> None:
    channel.services[0].status = 503
    for limit in range(10):
        assert channel.api(f"/v1/limits/{limit}/drawdowns")[0] == 200
    refused = channel.seen()[0]
    assert refused > 0
    assert channel.seen()[1] == 10
    keyless = [channel.api(f"/v1/limits/{limit}/drawdowns", headers={})[0] for limit in range(10)]
    assert Counter(keyless) == {503: refused, 200: 10 - refused}
    channel.services[1].status = 503
    assert channel.api()[0] == 503, "and never a third time"
    assert sum(channel.seen()) == refused + 10 + 10 + 2


def test_what_was_sent_and_not_answered_is_sent_nowhere_else(channel: Channel) -> None:
    for each in channel.services:
        each.closes_unanswered = True
    status, body, _ = channel.api()
    assert status == 504
    assert b"indeterminate" in body
    assert sum(channel.seen()) == 1


def test_what_takes_too_long_is_indeterminate_and_takes_nobody_out(channel: Channel) -> None:
    for each in channel.services:
        each.may_answer.clear()
    began_s = time.monotonic()
    status, body, _ = channel.api()
    assert time.monotonic() - began_s >= DEADLINE_MS / 1000
    assert status == 504
    assert b"indeterminate" in body
    assert sum(channel.seen()) == 1
    channel.wait_until_up(True, True)


def test_with_no_service_left_the_answer_is_a_definite_no(channel: Channel) -> None:
    for each in channel.services:
        each.stop()
    status, body, headers = channel.api()
    assert (status, headers["Retry-After"]) == (503, "1")
    assert b"nothing was sent" in body
    assert channel.installation.status_of("/portal/healthz") == 503


def test_where_none_is_ready_the_services_themselves_are_asked(channel: Channel) -> None:
    for each in channel.services:
        each.is_ready = False
    channel.wait_until_up(False, False)
    assert channel.api()[0] == 200, "it may know of its database again before it is looked at"
    for each in channel.services:
        each.status = 503
    assert channel.api()[0] == 503
    assert sum(channel.seen()) == 3


def test_a_body_that_is_too_large_goes_nowhere(channel: Channel) -> None:
    assert channel.api(body=b"x" * (BODY_BYTES_MAX + 1))[0] == 413
    assert sum(channel.seen()) == 0
    assert channel.api(body=b"x" * BODY_BYTES_MAX)[0] == 200


def read_late(channel: Channel, by_s: float = 0.0) -> None:
    """Have both services leave bodies unread for so long; over new connections, which take less at once.

    + by_s: 0: until they may read
    """
    for each in channel.services:
        each.stop()
        each.start()
        each.reads_late_s = by_s
        if not by_s:
            each.may_read.clear()
    channel.wait_until_up(True, True)


def test_a_body_arrives_whole_at_a_service_that_reads_late(channel: Channel) -> None:
    body = bytes(range(256)) * (BODY_BYTES_MAX // 256)
    read_late(channel, 0.3)
    assert channel.api(body=body)[0] == 200
    assert [got.body for each in channel.services for got in each.seen] == [body]


def test_a_body_that_a_service_does_not_read_is_given_up_in_time(channel: Channel) -> None:
    read_late(channel)
    assert channel.api(body=b"x" * BODY_BYTES_MAX)[0] == 504
    assert sum(channel.seen()) == 0, "nobody has read it"


def test_out_of_rotation_it_refuses_gateways_and_nobody_else(channel: Channel) -> None:
    reason = channel.out / "upgrade"
    reason.touch()
    try:
        channel.installation.wait_for(lambda: channel.api(headers={**KEY, **GATEWAY})[0] == 429)
        sent = sum(channel.seen())
        status, body, _ = channel.api(headers={**KEY, **GATEWAY})
        assert (status, b"nothing was sent" in body) == (429, True)
        assert sum(channel.seen()) == sent
        assert channel.api()[0] == 200, "the host's own checks get through"
    finally:
        reason.unlink()
    channel.installation.wait_for(lambda: channel.api(headers={**KEY, **GATEWAY})[0] == 200)


@pytest.mark.parametrize("path", ["/metrics", "/data-source", "/api/..;/metrics", "/x/..;/data-source"])
def test_inner_pages_are_for_those_who_come_through_no_gateway(channel: Channel, path: str) -> None:
    ask = channel.installation.ask
    assert ask("GET", f"/portal{path}", headers=GATEWAY)[0] == 404
    assert ask("GET", f"/portal{path}")[0] in (200, 503)
    assert ask("GET", "/portal/healthz", headers=GATEWAY)[0] == 200


def test_the_warm_up_s_question_goes_on_to_a_service(channel: Channel) -> None:
    path = urlsplit(warm_up_url("http://x/portal")).path.removeprefix("/portal/api")
    assert channel.api(path, body=None, method="GET")[0] == 200
    assert [got.path for each in channel.services for got in each.seen] == [path]


@pytest.mark.parametrize(
    "path", [path.removeprefix("/api") for path in HOSTILE_PATHS if path.startswith(("/v1", "/api/v1"))]
)
def test_a_service_is_asked_for_plain_paths_alone(channel: Channel, path: str) -> None:
    status = channel.api(path, body=None, method="GET", headers=GATEWAY)[0]
    paths = [got.path for each in channel.services for got in each.seen]
    assert (status, paths) in [(400, []), (404, []), (200, ["/v1/products"])]


def test_what_happens_is_counted(channel: Channel) -> None:
    before = channel.metrics()
    for _ in range(5):
        channel.api()
    channel.services[0].status = channel.services[1].status = 404
    channel.api()
    after = channel.metrics()

    def more(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert (more('portal_requests_total{status="200"}'), more('portal_requests_total{status="404"}')) == (
        5,
        1,
    )
    assert more("portal_request_microseconds_total") > 0
    assert after["portal_in_flight"] == 0
    requests = [
        f'portal_service_requests_total{{service="127.0.0.1:{each.port}"}}' for each in channel.services
    ]
    assert sum(more(name) for name in requests) == 6


def test_a_head_is_answered_as_its_get_would_be_without_the_body(channel: Channel) -> None:
    status, body, headers = channel.api("/v1/products", body=None, method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "17")
    assert channel.api("/v1/products", body=None, method="GET")[1] == b'{"is":"answered"}'


def test_hundreds_at_once_are_each_answered_with_their_own(channel: Channel) -> None:
    for each in channel.services:
        each.delay_s = 0.02
    with ThreadPoolExecutor(64) as pool:
        ids = [f"request-{n}" for n in range(400)]
        answers = list(pool.map(lambda one: channel.api(headers={**KEY, "X-Request-Id": one}), ids))
    assert [headers["X-Request-Id"] for _, _, headers in answers] == ids
    assert {status for status, _, _ in answers} == {200}


def test_a_data_source_that_leads_nowhere_is_told_and_harms_nobody(channel: Channel) -> None:
    status, body, _ = channel.installation.ask("GET", "/portal/data-source")
    assert (status, b"jdbc/loan" in body) == (503, True), body
    assert channel.api()[0] == 200


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("", "青海农牧区信贷服务"),
        ("index.html", "额度编号"),
        ("bo.html", "མཚོ་སྔོན་"),
        ("mn.html", "ᠬᠥᠬᠡ ᠨᠠᠭᠤᠷ"),
    ],
)
def test_the_pages_are_in_three_scripts_from_the_file_to_the_browser(
    channel: Channel, page: str, text: str
) -> None:
    status, body, headers = channel.installation.ask("GET", f"/portal/{page}")
    assert status == 200
    assert headers["Content-Type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    assert text in body.decode("utf-8")


def test_what_is_under_way_is_answered_before_it_stops(channel: Channel) -> None:
    for each in channel.services:
        each.delay_s = 1.0
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(channel.api()[0]))
    asking.start()
    channel.installation.wait_for(lambda: sum(channel.seen()) == 1)
    try:
        assert channel.installation.script("stopserver.sh", "quick", "20").returncode == 0
        asking.join(240)
        assert answers == [200]
    finally:
        channel.installation.start()


def test_settings_that_make_no_sense_keep_it_from_starting(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path / "tongweb")
    installation = Installation(tmp_path / "tongweb")
    installation.configure()
    options = installation.home / "bin/external.vmoptions"
    options.write_text(f"{options.read_text()}-Dportal.services=app-a\n")
    war.write_war(installation.home / "autodeploy" / war.WAR)
    installation.start()
    try:
        assert installation.status_of("/portal/healthz") == 404
        assert "portal.services: 'app-a'; allowed: host:port or host:port*weight" in installation.log
    finally:
        installation.stop()
