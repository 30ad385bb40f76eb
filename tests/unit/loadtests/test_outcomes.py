"""What an answer, or its absence, says."""

import pytest

from loadtests.transport import outcomes
from proof.record import Outcome


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        (200, False, Outcome.ACKNOWLEDGED),
        (201, False, Outcome.ACKNOWLEDGED),
        (201, True, Outcome.ACKNOWLEDGED),
        (400, False, Outcome.REJECTED),
        (403, False, Outcome.REJECTED),
        (404, False, Outcome.REJECTED),
        (409, False, Outcome.REJECTED),
        (422, False, Outcome.REJECTED),
        (423, False, Outcome.REJECTED),
        (429, False, Outcome.REJECTED),
        (503, True, Outcome.REJECTED),
        # A 503 that does not say "come back" may come from anything between client and services.
        (503, False, Outcome.INDETERMINATE),
        (500, False, Outcome.INDETERMINATE),
        (500, True, Outcome.INDETERMINATE),
        (502, False, Outcome.INDETERMINATE),
        (504, False, Outcome.INDETERMINATE),
        (504, True, Outcome.INDETERMINATE),
        # Never expected, so nothing is known.
        (100, False, Outcome.INDETERMINATE),
        (302, False, Outcome.INDETERMINATE),
    ],
)
def test_of_answer(status, retry_after, outcome):
    assert outcomes.of_answer(status, retry_after=retry_after) is outcome


def test_of_failure():
    assert outcomes.of_failure(sent=False) is Outcome.REJECTED
    assert outcomes.of_failure(sent=True) is Outcome.INDETERMINATE
