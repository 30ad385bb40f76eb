"""Asking a worker for its time, through its connection to the master."""

import time
from collections.abc import Mapping
from typing import Any

from gevent.event import AsyncResult

from loadtests.workers import messages
from loadtests.workers.master import Master
from proof import clocks
from proof.clocks import ClockReading, Offset

_QUESTIONS = 7
ANSWER_WITHIN_S = 2.0


class ClockQuestions:
    """The questions of one load, of which one at a time is open."""

    def __init__(self, master: Master) -> None:
        """Prepare to ask the workers of `master`."""
        self._master = master
        self._question = 0
        self._asked_s = 0.0
        self._answer: AsyncResult[ClockReading] = AsyncResult()

    def offset(self, place: str) -> Offset | None:
        """Return what the clock at `place` is ahead of ours; None if a question was not answered in time."""
        found: list[ClockReading] = []
        for _ in range(_QUESTIONS):
            self._question, self._answer = self._question + 1, AsyncResult()
            self._asked_s = time.time()
            self._master.tell(place, messages.CLOCK, {"question": self._question})
            answer = self._answer.wait(timeout=ANSWER_WITHIN_S)
            if answer is None:
                return None
            found.append(answer)
        return clocks.offset(found)

    def answered(self, data: Mapping[str, Any], received_s: float) -> None:
        """Take an answer; one that comes after we gave up on it is no answer to a later question.

        + data: what the message carries
        + received_s: when it came, unix seconds
        """
        if data["question"] == self._question:
            self._answer.set(ClockReading(self._asked_s, data["at_s"], received_s))
