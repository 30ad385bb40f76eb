"""Which commands an agent takes: signed for its host with the agents' token, just now, and not taken before.

What was accepted before a restart is forgotten. So a command that was sent before this agent started is not
taken: it may have been carried out.
"""

from collections.abc import Callable, Mapping

from failover import clock, signature
from failover.api import problems
from failover.api.problems import ProblemError

VALID_MS = 10_000
"""How old a command may be when it arrives: it comes from this host."""


class CommandCheck:
    """Checks commands, and remembers those that it accepted for as long as they could be sent again."""

    def __init__(self, token: str, host: str, now_ms: Callable[[], int] = clock.steady_ms) -> None:
        """Accept what is signed with `token` for this `host`, from now on by `now_ms`, its steady clock."""
        self._token = token
        self._host = host
        self._now_ms = now_ms
        self._started_ms = now_ms()
        self._accepted_at_ms: dict[str, int] = {}

    def check(self, headers: Mapping[str, str], *, target: str, body: bytes) -> None:
        """Accept a command, once.

        Args:
            headers: of the request.
            target: its path, as it was sent.
            body: its body.

        Raises:
            ProblemError: it is not signed for this host, or is too old, or was accepted before.
        """
        nonce, sent_ms = (headers.get(n, "") for n in (signature.NONCE_HEADER, signature.SENT_HEADER))
        expected = signature.of_command(
            self._token, host=self._host, nonce=nonce, sent_ms=sent_ms, target=target, body=body
        )
        if not signature.is_equal(headers.get(signature.SIGNATURE_HEADER, ""), expected):
            raise ProblemError(problems.not_signed())
        # Who signed it has the token, so both are what our client writes.
        now_ms = self._now_ms()
        self._accepted_at_ms = {n: at for n, at in self._accepted_at_ms.items() if now_ms - at <= VALID_MS}
        # Its clock is this host's: a command from the future would be one for the next agent as well.
        earliest_ms = max(self._started_ms, now_ms - VALID_MS)
        if not earliest_ms <= int(sent_ms) <= now_ms or nonce in self._accepted_at_ms:
            raise ProblemError(problems.stale_command(VALID_MS))
        self._accepted_at_ms[nonce] = now_ms
