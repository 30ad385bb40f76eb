"""Authorities of others that hosts trust: those of the fence devices and of the depot."""

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
    """The file of an authority is missing on the control machine, or holds no certificate."""


def authority(ca_file: Path, *, of: str) -> str:
    """Return the certificates in `ca_file` as they are, as PEM text with a newline at its end.

    + ca_file: PEM file on the control machine; certificates of several authorities may follow each other
    + of: whose certificates they check, and the inventory's field, for the error

    Raises:
        AuthorityError: it cannot be read, or holds something else.
    """
    try:
        pem = ca_file.read_bytes()
        x509.load_pem_x509_certificates(pem)
    except FileNotFoundError:
        raise AuthorityError(f"{of}: {ca_file} is missing; put the authority's certificate there") from None
    except (OSError, ValueError) as wrong:
        raise AuthorityError(f"{of}: {ca_file} is no PEM file of certificates ({wrong})") from None
    return pem.decode().rstrip("\n") + "\n"
