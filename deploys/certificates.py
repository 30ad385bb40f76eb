"""Certificates of hosts: issued by the lab's authority, or by a bank's own, and then used as they are.

Runs on the control machine. In production a bank's own authority signs: put `ca.pem` into `ca_dir`, and
`<file name>.pem` with `<file name>.key` for each certificate that a component asks for. A file may also hold
the certificates that stand between its first one and `ca.pem`. What `certificate_fitness` finds no fault with
is used unchanged.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploys.certificate_fitness import why_no_authority, why_unfit
from deploys.trust import AuthorityError, public_text

_CA_DAYS = 3650
_LEAF_DAYS = 397
_CLOCK_SKEW = timedelta(hours=1)
_USAGE_WORDS = {ExtendedKeyUsageOID.SERVER_AUTH: "server", ExtendedKeyUsageOID.CLIENT_AUTH: "client"}


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate and its key, as PEM text."""

    certificate: str
    private_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who shows a certificate, and for what; each component asks for its own."""

    file_name: str
    """Name of its files in the folder of the authority, without their ending."""
    names: tuple[x509.GeneralName, ...]
    """Subject alternative names, by which others reach it; the first is also its common name."""
    is_client: bool = False
    """Whether it also opens connections with this certificate; otherwise it only serves."""

    @property
    def usages(self) -> tuple[x509.ObjectIdentifier, ...]:
        """Return the usages that its certificate must allow."""
        server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
        return (server, client) if self.is_client else (server,)


def authority_certificate(ca_dir: Path, *, now: datetime) -> str:
    """Return what hosts trust: `ca.pem` as it is, with its headers and all certificates; make one if none is.

    + ca_dir: where authority and certificates live; keys there are 0600
    + now: aware time

    Raises:
        FileExistsError: the authority's key is there without its certificate.
        AuthorityError: none of the certificates is of an authority, or all have ended.
    """
    _authority(ca_dir, now)
    return public_text(ca_dir / "ca.pem")


def addresses(of: Sequence[str]) -> tuple[x509.GeneralName, ...]:
    """Return IP addresses as subject alternative names."""
    return tuple(x509.IPAddress(ip_address(address)) for address in of)


def certificate(ca_dir: Path, subject: Subject, *, now: datetime) -> Certificate:
    """Return the certificate of `subject`; issue one if none fits.

    + ca_dir: where authority and certificates live; keys there are 0600
    + subject: names and usages that the certificate must have
    + now: aware time, for the check of validity

    Raises:
        FileNotFoundError: none fits, and the authority's key is not there to issue another.
        FileExistsError: the authority's key is there without its certificate.
        AuthorityError: none of the authority's certificates may be relied on.
    """
    authority, authority_key = _authority(ca_dir, now)
    certificate_file, key_file = ca_dir / f"{subject.file_name}.pem", ca_dir / f"{subject.file_name}.key"
    if reason := why_unfit(
        certificate_file,
        key_file,
        authority_file=ca_dir / "ca.pem",
        names=subject.names,
        usages=subject.usages,
        now=now,
    ):
        if authority_key is None:
            wanted = ", ".join(str(name.value) for name in subject.names)
            uses = " and ".join(_USAGE_WORDS[usage] for usage in subject.usages)
            raise FileNotFoundError(
                f"{certificate_file} {reason}, and there is no {ca_dir}/ca.key to sign another; have your "
                f"authority issue one for {wanted} as {uses}"
            )
        _issue(certificate_file, key_file, subject, authority, authority_key, now)
    return Certificate(certificate=public_text(certificate_file), private_key=_text(key_file))


def _text(file: Path) -> str:
    """Return the text of a key byte for byte, with a newline at its end, which files on hosts have."""
    text = file.read_bytes().decode()
    return text if text.endswith("\n") else f"{text}\n"


def _authority(
    ca_dir: Path, now: datetime
) -> tuple[x509.Certificate, CertificateIssuerPrivateKeyTypes | None]:
    """Return the authority, which is made if there is none; its key is None if only a bank's own has it.

    Raises:
        FileExistsError: its key is there without its certificate.
        AuthorityError: none of its certificates may be relied on, or a private key is among them.
    """
    ca_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    certificate_file, key_file = ca_dir / "ca.pem", ca_dir / "ca.key"
    if certificate_file.exists():
        authorities = x509.load_pem_x509_certificates(public_text(certificate_file).encode())
        reasons = [why_no_authority(each, now=now) for each in authorities]
        if None not in reasons:
            raise AuthorityError(
                f"{certificate_file} {reasons[0]}; allowed: at least one authority that hosts may rely on"
                " today. Put the present one there, and the certificates that it issued; without ca.pem and"
                " ca.key, new ones are made"
            )
        if not key_file.exists():
            return authorities[0], None
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        # Of whatever kind a bank's authority has: one that cannot sign fails when it should.
        return authorities[0], cast(CertificateIssuerPrivateKeyTypes, key)
    if key_file.exists():
        # Overwriting it could cost a bank its authority, whose certificate somebody has mislaid.
        raise FileExistsError(
            f"{key_file} is there without {certificate_file}; allowed: both, or neither. Bring the "
            "certificate back, or move the key away to have a new authority made"
        )
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
    subject: Subject,
    authority: x509.Certificate,
    authority_key: CertificateIssuerPrivateKeyTypes,
    now: datetime,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(subject.names[0].value))])
    certificate = (
        _builder(name, authority.subject, key, now, days=_LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(subject.usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(subject.names), critical=False)
        .add_extension(_authority_identifier(authority), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(key_file, key)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


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
