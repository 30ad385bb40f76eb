"""The gateway's TLS settings in handshakes of OpenSSL, with each kind of key that a bank has."""

import re
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from deploys.certificates import utc_now
from deploys.gateway import deploy as gateway
from tests.plan.kit import Site

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def _write(path: Path, certificate: x509.Certificate, key: Key) -> None:
    path.with_suffix(".pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.with_suffix(".key").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))


def _signed(name: str, key: Key, issuer: str, issuer_key: Key, *names: x509.GeneralName) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _of_a_bank(site: Site, kind: str) -> None:
    """Put an authority and the gateway's certificate, both of one kind of key, where a bank puts its own."""

    def key() -> Key:
        if kind == "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return ec.generate_private_key(ec.SECP256R1())

    folder, authority, own = site.env.ca_dir, key(), key()
    folder.mkdir(parents=True)
    root = _signed("a bank", authority, "a bank", authority)
    _write(folder / "ca", root, authority)
    client_names = gateway.certificate_subject(site.env, site.env.host("gw-a")).names
    _write(folder / "gw-a", _signed("gw-a", own, "a bank", authority, *client_names), own)


def _handshake(
    server: ssl.SSLObject, client: ssl.SSLObject, wires: list[tuple[ssl.MemoryBIO, ssl.MemoryBIO]]
) -> None:
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
            for out, into in wires:
                into.write(out.read())


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_connect_with_either_kind_of_key(
    lab_site: Site, tmp_path: Path, kind: str, version: ssl.TLSVersion
) -> None:
    _of_a_bank(lab_site, kind)
    files = {f.path: f.content for f in gateway.files_of(gateway.spec_of(lab_site.context("gw-a")))}
    (ciphers,) = re.findall(r"ssl_ciphers (\S+);", files[gateway.CONFIG])
    for name, path in (("gateway.pem", gateway.CERTIFICATE), ("gateway.key", gateway.PRIVATE_KEY)):
        (tmp_path / name).write_text(files[path])
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.set_ciphers(ciphers)
    serving.load_cert_chain(tmp_path / "gateway.pem", tmp_path / "gateway.key")
    asking = ssl.create_default_context(cafile=str(lab_site.env.ca_dir / "ca.pem"))
    asking.minimum_version = asking.maximum_version = version
    to_server, from_client, to_client, from_server = (ssl.MemoryBIO() for _ in range(4))
    server = serving.wrap_bio(to_server, from_server, server_side=True)
    client = asking.wrap_bio(to_client, from_client, server_hostname=lab_site.env.gateway.server_name)
    _handshake(server, client, [(from_client, to_server), (from_server, to_client)])
    assert client.version() == version.name.replace("_", ".")
    name = (client.cipher() or ("",))[0]
    assert version is ssl.TLSVersion.TLSv1_3 or name.startswith(f"ECDHE-{kind.upper()}-")


def test_old_versions_and_weak_ciphers_are_not_spoken(lab_site: Site) -> None:
    files = {f.path: f.content for f in gateway.files_of(gateway.spec_of(lab_site.context("gw-a")))}
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in files[gateway.CONFIG]
    (ciphers,) = re.findall(r"ssl_ciphers (\S+);", files[gateway.CONFIG])
    strong = re.compile(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)")
    assert all(strong.fullmatch(cipher) for cipher in ciphers.split(":"))
