"""Authorities of others that hosts trust: those of the fence devices and of the depot."""

from datetime import datetime
from pathlib import Path

from cryptography import x509

DEPOT_AUTHORITY = "/etc/loanstack/depot-ca.pem"
"""Path on hosts of the depot's authority; there is no such file if hosts trust the depot's without it."""
CURL = (
    f"curl $(test ! -e {DEPOT_AUTHORITY} || echo --cacert {DEPOT_AUTHORITY}) "
    "--silent --fail --location --connect-timeout 5"
)
"""Shell words that fetch from the depot. The host is asked for the file, so that no caller can forget it."""


class AuthorityError(ValueError):
    """A file of certificates is missing on the control machine, or holds something else."""


def authority(ca_file: Path, *, of: str, now: datetime) -> str:
    """Return the certificates in `ca_file` as they are, as PEM text with a newline at its end.

    + ca_file: PEM file on the control machine; certificates of several authorities may follow each other
    + of: whose certificates they check, and the inventory's field, for the error
    + now: aware time

    Raises:
        AuthorityError: it cannot be read, holds something else, or all of them have ended.
    """
    try:
        pem = ca_file.read_bytes()
        found = x509.load_pem_x509_certificates(pem)
        text = public_text(ca_file)
    except FileNotFoundError:
        raise AuthorityError(f"{of}: {ca_file} is missing; put the authority's certificate there") from None
    except (OSError, ValueError) as wrong:
        raise AuthorityError(f"{of}: {ca_file} is no PEM file of certificates ({wrong})") from None
    last = max(each.not_valid_after_utc for each in found)
    if last < now:
        raise AuthorityError(
            f"{of}: {ca_file} ended on {last:%Y-%m-%d}; put the authority's present one there"
        )
    return text


def public_text(file: Path) -> str:
    """Return a PEM file that everybody on a host may read, byte for byte, with a newline at its end.

    Raises:
        AuthorityError: there is a private key in it, which must not become public.
        ValueError: it is no text.
    """
    text = file.read_bytes().decode()
    if "PRIVATE KEY" in text:
        raise AuthorityError(f"{file} has a private key; leave certificates alone in it, the key goes beside")
    return text if text.endswith("\n") else f"{text}\n"
