"""Signatures of agents' answers and of the commands that they take: HMAC-SHA256, with keys that are not sent.

An answer is signed together with the nonce of its question, so that an answer to an earlier question is none
to this one. A command is signed together with its host, its nonce and its time, so that it is carried out
once and by one agent: all agents have one token.

Two keys:

- the agents' token signs what agents believe each other, and commands;
- the reading key signs `GET /primary`, the one answer that the loan services verify. They have no token, so a
  loan host can neither speak for an agent nor give it a command.

A signed answer says which agent gives it: whoever asks compares that with whom it asked, because all agents
have one token.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field

NONCE_HEADER = "Loanstack-Nonce"
SENT_HEADER = "Loanstack-Sent-Ms"
SIGNATURE_HEADER = "Loanstack-Signature"
_NONCE = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys of the agents of one environment."""

    token: str = field(repr=False)
    reading: str = field(repr=False)

    def of_answer(self, path: str) -> str:
        """Return the key that signs an answer to a GET of `path`."""
        return self.reading if path == "/primary" else self.token


def fresh_nonce() -> str:
    """Return a nonce that nobody can foresee."""
    return secrets.token_hex(16)


def is_nonce(text: str) -> bool:
    """Say whether `text` has the form of a nonce."""
    return _NONCE.fullmatch(text) is not None


def of_answer(key: str, *, nonce: str, target: str, status: int, body: bytes) -> str:
    """Return the signature of an answer.

    Args:
        key: as `Keys.of_answer` says.
        nonce: of the question.
        target: path and query of the question, as they were sent.
        status: of the answer.
        body: of the answer.
    """
    # The separator can be in none of the parts before the body, so no two answers are signed as one text.
    return _signed(key, f"answer\n{nonce}\n{target}\n{status}\n".encode() + body)


def of_command(key: str, *, host: str, nonce: str, sent_ms: str, target: str, body: bytes) -> str:
    """Return the signature of a command.

    Args:
        key: the agents' token.
        host: whose agent carries it out.
        nonce: of this command alone.
        sent_ms: the steady clock of its host when it was sent, as text.
        target: path of the command.
        body: its fields.
    """
    return _signed(key, f"order\n{host}\n{nonce}\n{sent_ms}\n{target}\n".encode() + body)


def is_equal(given: str, expected: str) -> bool:
    """Compare two signatures in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode())


def _signed(key: str, content: bytes) -> str:
    return hmac.digest(key.encode(), content, "sha256").hex()
