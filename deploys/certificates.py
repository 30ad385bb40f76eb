"""The lab's certificate authority, and the certificates of gateways, store members and databases.

Runs on the control machine. In production a bank's own authority signs: put `ca.pem`, and for each gateway
`<host>.pem` and `<host>.key`, for each member `<host>-store.pem` and `<host>-store.key`, for each database
`<host>-database.pem` and `<host>-database.key` into `ca_dir`. They are used unchanged as long as they are
valid, name the right host and allow its usage.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CA_DAYS = 3650
_LEAF_DAYS = 397
_RENEW_BEFORE_DAYS = 30
_CLOCK_SKEW = timedelta(hours=1)
_USAGE_WORDS = {ExtendedKeyUsageOID.SERVER_AUTH: "server", ExtendedKeyUsageOID.CLIENT_AUTH: "client"}


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate and its key, as PEM text."""

    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _Holder:
    """Names and allowed usages of a certificate."""

    file_name: str
    """Without its ending."""
    names: tuple[x509.GeneralName, ...]
    usages: tuple[x509.ObjectIdentifier, ...]


def authority_certificate(ca_dir: Path, *, now: datetime) -> str:
    """Return what hosts trust: `ca.pem` as it is, with its headers and all certificates; make one if none is.

    + ca_dir: where authority and certificates live; keys there are 0600
    + now: aware time
    """
    ca_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    _authority(ca_dir, now)
    return _text(ca_dir / "ca.pem")


def gateway_certificate(
    ca_dir: Path, *, host_name: str, server_name: str, addresses: Sequence[str], now: datetime
) -> Certificate:
    """Return the certificate of a gateway; issue one if none fits.

    + ca_dir: where authority and certificates live; keys there are 0600
    + host_name: host of the certificate
    + server_name, addresses: names by which clients reach it (subject alternative names)
    + now: aware time, for the check of validity
    """
    holder = _Holder(
        file_name=host_name,
        names=(x509.DNSName(server_name), *_addresses(addresses)),
        usages=(ExtendedKeyUsageOID.SERVER_AUTH,),
    )
    return _certificate(ca_dir, holder, now)


def store_certificate(
    ca_dir: Path, *, host_name: str, addresses: Sequence[str], now: datetime
) -> Certificate:
    """Return the certificate of a member of the store; issue one if none fits.

    A member serves clients and members, and opens connections to other members, so it needs more usages than
    a gateway's certificate has.

    + ca_dir: where authority and certificates live; keys there are 0600
    + host_name: host of the certificate
    + addresses: addresses of the member (subject alternative names)
    + now: aware time, for the check of validity
    """
    holder = _Holder(
        file_name=f"{host_name}-store",
        names=_addresses(addresses),
        usages=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    )
    return _certificate(ca_dir, holder, now)


def database_certificate(
    ca_dir: Path, *, host_name: str, addresses: Sequence[str], now: datetime
) -> Certificate:
    """Return the certificate of a database; issue one if none fits.

    A standby opens connections to its primary with it, and the two change roles.

    + ca_dir: where authority and certificates live; keys there are 0600
    + host_name: host of the certificate
    + addresses: addresses of the database (subject alternative names)
    + now: aware time, for the check of validity
    """
    holder = _Holder(
        file_name=f"{host_name}-database",
        names=_addresses(addresses),
        usages=(ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    )
    return _certificate(ca_dir, holder, now)


def _addresses(addresses: Sequence[str]) -> tuple[x509.GeneralName, ...]:
    return tuple(x509.IPAddress(ip_address(address)) for address in addresses)


def _certificate(ca_dir: Path, holder: _Holder, now: datetime) -> Certificate:
    ca_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    authority, authority_key = _authority(ca_dir, now)
    certificate_file, key_file = ca_dir / f"{holder.file_name}.pem", ca_dir / f"{holder.file_name}.key"
    if not (key_file.exists() and _fits(certificate_file, holder, now)):
        _issue(certificate_file, key_file, holder, authority, authority_key, now)
    return Certificate(certificate=_text(certificate_file), private_key=_text(key_file))


def _text(file: Path) -> str:
    """Return the text of a PEM file byte for byte, with a newline at its end, which files on hosts have."""
    text = file.read_bytes().decode()
    return text if text.endswith("\n") else f"{text}\n"


def _authority(ca_dir: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey | None]:
    """Return the authority; its key is None if only a bank's own authority has it."""
    certificate_file, key_file = ca_dir / "ca.pem", ca_dir / "ca.key"
    if certificate_file.exists():
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        if not key_file.exists():
            return certificate, None
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loanstack lab authority")])
    certificate = (
        _builder(name, name, key, now, days=_CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_key(key_file, key)  # the key first: a certificate without it could not be used
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return certificate, key


def _issue(
    certificate_file: Path,
    key_file: Path,
    holder: _Holder,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey | None,
    now: datetime,
) -> None:
    if authority_key is None:
        wanted = ", ".join(str(name.value) for name in holder.names)
        uses = " and ".join(_USAGE_WORDS[usage] for usage in holder.usages)
        raise FileNotFoundError(
            f"{certificate_file} is missing, expired or not for {wanted} as {uses}, and there is no "
            f"{certificate_file.parent}/ca.key to sign another; have your authority issue it"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(holder.names[0].value))])
    certificate = (
        _builder(subject, authority.subject, key, now, days=_LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(holder.usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(holder.names), critical=False)
        .add_extension(_authority_identifier(authority), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(key_file, key)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _fits(certificate_file: Path, holder: _Holder, now: datetime) -> bool:
    if not certificate_file.exists():
        return False
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    if certificate.not_valid_after_utc - now < timedelta(days=_RENEW_BEFORE_DAYS):
        return False
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return set(holder.names) <= set(alternatives) and _may_be_used(certificate, holder.usages)


def _may_be_used(certificate: x509.Certificate, usages: Sequence[x509.ObjectIdentifier]) -> bool:
    try:
        allowed = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True  # a certificate without this extension allows every usage
    return set(usages) <= set(allowed)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, *, days: int
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(identifier, critical=False)
    )


def _authority_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, pem, mode=0o600)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file atomically."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    unfinished.rename(path)


def utc_now() -> datetime:
    """Return the current time; this is the only function here that reads the clock."""
    return datetime.now(UTC)
