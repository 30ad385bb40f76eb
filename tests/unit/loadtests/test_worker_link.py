"""A worker hears its orders, answers what is asked, and does not begin late."""

import io
import time

import orjson
import pytest

from loadtests.workers.link import Link, MissedStartError


def link(*orders: dict) -> tuple[Link, io.BytesIO]:
    said = io.BytesIO()
    return Link(io.BytesIO(b"".join(orjson.dumps(order) + b"\n" for order in orders)).readline, said), said


def test_the_time_is_told_when_it_is_asked_for_and_the_start_is_handed_on():
    before_s = time.time()
    made, said = link({"order": "clock"}, {"order": "start", "at_s": before_s + 60.0}, {"order": "clock"})
    assert list(made.starts()) == [before_s + 60.0]
    answers = [orjson.loads(line) for line in said.getvalue().splitlines()]
    assert [answer["said"] for answer in answers] == ["clock", "clock"]
    assert all(before_s <= answer["at_s"] <= time.time() for answer in answers)


def test_an_order_that_comes_too_late_starts_nothing():
    made, _ = link({"order": "start", "at_s": time.time() - 0.001})
    with pytest.raises(MissedStartError, match="ms too late"):
        list(made.starts())


def test_telling_somebody_who_is_gone_is_no_error():
    class Gone(io.BytesIO):
        def write(self, _data: object) -> int:
            raise BrokenPipeError

    Link(io.BytesIO().readline, Gone()).tell("status", acknowledged=1)
