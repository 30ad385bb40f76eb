"""What an answer, or the lack of one, says about a request. Pure."""

from proof.record import Outcome


def of_answer(status: int, *, retry_after: bool) -> Outcome:
    """Return what an HTTP answer says.

    + status: HTTP status code
    + retry_after: the answer has a `Retry-After` header. The services send 503 with it when nothing was
      executed; a 503 without it may come from anything on the way
    """
    if 200 <= status < 300:
        return Outcome.ACKNOWLEDGED
    if 400 <= status < 500 or (status == 503 and retry_after):
        return Outcome.REJECTED
    return Outcome.INDETERMINATE


def of_failure(*, sent: bool) -> Outcome:
    """Return what a request without an answer says.

    + sent: at least one byte may have left; False if not even the connection came about
    """
    return Outcome.INDETERMINATE if sent else Outcome.REJECTED
