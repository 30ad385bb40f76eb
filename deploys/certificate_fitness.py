"""Whether a certificate on the control machine can be used, by whom it is asked for. Reads files only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

DAYS_LEFT_MIN = 30
"""A certificate with fewer days left is not deployed; Prometheus warns of one that is."""


def why_unfit(
    certificate_file: Path,
    key_file: Path,
    *,
    authority_file: Path,
    names: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
) -> str | None:
    """Return what is wrong with the certificate, as the rest of a sentence; None: it can be used.

    + certificate_file: PEM chain, leaf first
    + key_file: its private key
    + authority_file: PEM certificates of the authorities that the others trust
    + names, usages: what it must be for
    + now: aware time
    """
    if not (certificate_file.exists() and key_file.exists()):
        return f"or {key_file.name} is missing"
    try:
        chain = x509.load_pem_x509_certificates(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (TypeError, ValueError) as wrong:
        return f"or {key_file.name} cannot be read ({wrong})"
    leaf = chain[0]
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < begins:
        return f"begins only on {begins:%Y-%m-%d}"
    if ends - now < timedelta(days=DAYS_LEFT_MIN):
        return f"ends on {ends:%Y-%m-%d}, and must last {DAYS_LEFT_MIN} days more"
    if leaf.public_key() != key.public_key():
        return f"does not belong to the key in {key_file.name}"
    if reason := _why_not_issued(chain, authority_file, now):
        return reason
    if not set(names) <= _names_of(leaf):
        return "is for other names"
    if not _may_be_used(leaf, usages):
        return "is for another use"
    return None


def why_no_authority(certificate: x509.Certificate, *, now: datetime) -> str | None:
    """Return why nobody may rely on what this certificate signed, as the rest of a sentence; None: they may.

    + certificate: of an authority, or one between an authority and a host's certificate
    + now: aware time
    """
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        return f"begins only on {begins:%Y-%m-%d}"
    if ends < now:
        return f"ended on {ends:%Y-%m-%d}"
    return None if _may_sign(certificate) else "may not sign certificates"


def _why_not_issued(chain: Sequence[x509.Certificate], authority_file: Path, now: datetime) -> str | None:
    """Return why the chain does not lead to an authority that may be relied on."""
    if not all(_issued_by(one, other) for one, other in pairwise(chain)):
        return "is followed by a certificate that did not issue the one before it"
    authorities = x509.load_pem_x509_certificates(authority_file.read_bytes())
    issuers = [each for each in authorities if _issued_by(chain[-1], each)]
    if not issuers:
        return f"was not issued by {authority_file.name}"
    for between in chain[1:]:
        if reason := why_no_authority(between, now=now):
            return f"is followed by the certificate of {between.subject.rfc4514_string()}, which {reason}"
    reasons = [why_no_authority(each, now=now) for each in issuers]
    return (
        None if None in reasons else f"was issued by an authority in {authority_file.name} that {reasons[0]}"
    )


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as missing:
        # One without a word on its usage may be used for all; one without a word on CA is none.
        return missing.oid == x509.KeyUsage.oid


def _issued_by(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(other)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()


def _may_be_used(certificate: x509.Certificate, usages: Sequence[x509.ObjectIdentifier]) -> bool:
    try:
        allowed = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True  # a certificate without this extension allows every usage
    return set(usages) <= set(allowed)
