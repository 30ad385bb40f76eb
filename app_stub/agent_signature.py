"""The signature of a failover agent's answer, as `failover.signature` makes it, which is on no loan host.

The key is the agents' reading key, which signs `GET /primary` alone: with it nobody speaks for an agent to
another agent, or gives one an order.
"""

import hmac
import secrets

NONCE_HEADER = "Loanstack-Nonce"
SIGNATURE_HEADER = "loanstack-signature"
"""In lower case, as `http_get` has the names of headers."""


def fresh_nonce() -> str:
    """Return a nonce that nobody can foresee: an answer to an earlier question is none to this one."""
    return secrets.token_hex(16)


def is_signed(given: str, key: str, *, nonce: str, target: str, status: int, body: bytes) -> bool:
    """Say whether `given` is the signature of this answer.

    Args:
        given: what came with the answer; empty if nothing did.
        key: the agents' reading key.
        nonce: of the question.
        target: path and query of the question.
        status: of the answer.
        body: of the answer.
    """
    content = f"answer\n{nonce}\n{target}\n{status}\n".encode() + body
    expected = hmac.digest(key.encode(), content, "sha256").hex()
    return hmac.compare_digest(given.encode(), expected.encode())
