"""What is wrong with the certificate of a host. Pure."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from deploys.certificate_fitness import DAYS_LEFT_MIN


def problems(chain: bytes, authorities: bytes, *, now: datetime) -> list[str]:
    """Return what is wrong with a certificate; empty: nothing is.

    + chain: PEM, the host's certificate first, then those between it and the authority, if any
    + authorities: PEM of what is trusted, `ca.pem` of the inventory
    + now: aware time
    """
    certificates = x509.load_pem_x509_certificates(chain)
    trusted = x509.load_pem_x509_certificates(authorities)
    return [*_soon_over(certificates, now), *_not_issued(certificates, trusted)]


def _soon_over(certificates: list[x509.Certificate], now: datetime) -> list[str]:
    return [
        f"{_name(each)}: expected at least {DAYS_LEFT_MIN} days left, found {left / timedelta(days=1):.1f}"
        for each in certificates
        if (left := each.not_valid_after_utc - now) < timedelta(days=DAYS_LEFT_MIN)
    ]


def _not_issued(certificates: list[x509.Certificate], trusted: list[x509.Certificate]) -> list[str]:
    """Return the first break between the host's certificate and one that is trusted."""
    for each, above in zip(certificates, (*([one] for one in certificates[1:]), trusted), strict=True):
        if not any(_is_issued(each, by) for by in above):
            expected, found = " or ".join(_name(by) for by in above), each.issuer.rfc4514_string()
            return [f"{_name(each)}: expected a signature of {expected}, found one that names {found}"]
    return []


def _is_issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()
