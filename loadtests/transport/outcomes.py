"""The outcome of a request, from its answer or from the lack of one. Pure."""

from proof.record import Outcome


def of_answer(status: int, *, retry_after: bool) -> Outcome:
    """Return the outcome for an HTTP answer.

    + status: HTTP status code
    + retry_after: whether the answer has a `Retry-After` header. The services send 503 with it if nothing
      was executed; a 503 without it may come from any server on the path
    """
    if 200 <= status < 300:
        return Outcome.ACKNOWLEDGED
    if 400 <= status < 500 or (status == 503 and retry_after):
        return Outcome.REJECTED
    return Outcome.INDETERMINATE


def of_failure(*, sent: bool) -> Outcome:
    """Return the outcome for a request without an answer.

    + sent: whether at least one byte may have been sent; False if no connection was made
    """
    return Outcome.INDETERMINATE if sent else Outcome.REJECTED
