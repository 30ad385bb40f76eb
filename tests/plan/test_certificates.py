"""The lab's authority: issued once, renewed in time, trusted by a strict verifier, and for its use only."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from deploys.certificates import Certificate, Subject, addresses, authority_certificate, certificate
from deploys.trust import AuthorityError

_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _issue(
    folder: Path, *, now: datetime = _NOW, name: str = "loan.lab", address: str = "198.19.0.11"
) -> Certificate:
    subject = Subject(file_name="gw-a", names=(x509.DNSName(name), *addresses([address])))
    return certificate(folder, subject, now=now)


def _trusted(folder: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(authority_certificate(folder, now=_NOW).encode())


def _verify(folder: Path, issued: Certificate, subject: x509.GeneralName, when: datetime) -> None:
    leaf = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert isinstance(subject, x509.DNSName | x509.IPAddress)
    PolicyBuilder().store(Store(_trusted(folder))).time(when).build_server_verifier(subject).verify(leaf, [])


def test_clients_may_call_it_by_name_and_by_address(tmp_path: Path) -> None:
    issued = _issue(tmp_path)
    _verify(tmp_path, issued, x509.DNSName("loan.lab"), _NOW)
    _verify(tmp_path, issued, x509.IPAddress(ip_address("198.19.0.11")), _NOW)
    with pytest.raises(VerificationError):
        _verify(tmp_path, issued, x509.DNSName("other.lab"), _NOW)


def test_a_second_deploy_issues_nothing(tmp_path: Path) -> None:
    assert _issue(tmp_path) == _issue(tmp_path, now=_NOW + timedelta(days=300))


def test_it_is_renewed_a_month_before_it_ends(tmp_path: Path) -> None:
    first = _issue(tmp_path)
    later = _NOW + timedelta(days=397 - 29)
    renewed = _issue(tmp_path, now=later)
    assert renewed.certificate != first.certificate
    _verify(tmp_path, renewed, x509.DNSName("loan.lab"), later + timedelta(days=60))


@pytest.mark.parametrize("change", [{"name": "other.lab"}, {"address": "198.19.0.12"}])
def test_another_name_or_address_asks_for_another_certificate(tmp_path: Path, change: dict[str, str]) -> None:
    first = _issue(tmp_path)
    assert _issue(tmp_path, **change).certificate != first.certificate


def test_keys_are_private_and_of_the_curve_that_is_cheap(tmp_path: Path) -> None:
    _issue(tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600, "gw-a.pem": 0o644, "gw-a.key": 0o600}
    leaf = x509.load_pem_x509_certificate((tmp_path / "gw-a.pem").read_bytes())
    assert getattr(leaf.public_key(), "curve", None) is not None


def test_a_bank_s_own_certificate_is_used_as_it_is(tmp_path: Path) -> None:
    issued = _issue(tmp_path)
    (tmp_path / "ca.key").unlink()
    assert _issue(tmp_path) == issued


def test_a_bank_s_expired_certificate_is_named_and_not_replaced(tmp_path: Path) -> None:
    _issue(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r"gw-a\.pem ends on 2027-12-25, and must last 30 days more, .* have your authority issue one "
        r"for loan\.lab, 198\.19\.0\.11 as server",
    ):
        _issue(tmp_path, now=_NOW + timedelta(days=397 - 29))


def _foreign(folder: Path, name: str) -> Certificate:
    """Another authority's certificate for the same gateway, in a folder of its own."""
    return _issue(folder / name)


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    ours, theirs = _issue(tmp_path), _foreign(tmp_path, "theirs")
    (tmp_path / "gw-a.pem").write_text(theirs.certificate)
    (tmp_path / "gw-a.key").write_text(theirs.private_key)
    again = _issue(tmp_path)
    assert again not in (ours, theirs)
    _verify(tmp_path, again, x509.DNSName("loan.lab"), _NOW)


def test_a_key_of_another_certificate_is_no_key_of_this_one(tmp_path: Path) -> None:
    ours, theirs = _issue(tmp_path), _foreign(tmp_path, "theirs")
    (tmp_path / "gw-a.key").write_text(theirs.private_key)
    again = _issue(tmp_path)
    assert again.private_key not in (ours.private_key, theirs.private_key)
    assert again.certificate != ours.certificate


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ("gw-a.key", "gw-a.pem or gw-a.key is missing"),
        ("gw-a.pem", "gw-a.pem or gw-a.key is missing"),
        ("key of others", "gw-a.pem does not belong to the key in gw-a.key"),
        ("authority of others", "gw-a.pem was not issued by ca.pem"),
        ("nonsense", "gw-a.pem or gw-a.key cannot be read"),
        ("not yet", "gw-a.pem begins only on 2026-11-23"),
        ("names", "gw-a.pem is for other names"),
    ],
)
def test_a_bank_is_told_why_its_certificate_is_not_used(tmp_path: Path, spoilt: str, reason: str) -> None:
    authority_certificate(tmp_path, now=_NOW - timedelta(days=2))
    _issue(tmp_path)
    (tmp_path / "ca.key").unlink()
    theirs = _foreign(tmp_path, "theirs")
    match spoilt:
        case "gw-a.key" | "gw-a.pem":
            (tmp_path / spoilt).unlink()
        case "key of others":
            (tmp_path / "gw-a.key").write_text(theirs.private_key)
        case "authority of others":
            (tmp_path / "theirs" / "ca.pem").replace(tmp_path / "ca.pem")
        case "nonsense":
            (tmp_path / "gw-a.pem").write_text("nonsense")
    now = _NOW - timedelta(days=1) if spoilt == "not yet" else _NOW
    name = "other.lab" if spoilt == "names" else "loan.lab"
    with pytest.raises(FileNotFoundError, match=reason):
        _issue(tmp_path, now=now, name=name)


@dataclass(frozen=True)
class Bank:
    """A bank's authority: its root signs another, and that one the hosts' certificates."""

    folder: Path
    leaf: str
    between_key: ec.EllipticCurvePublicKey
    root_key: ec.EllipticCurvePrivateKey

    def gives(self, between: x509.CertificateBuilder, root: x509.CertificateBuilder | None = None) -> str:
        """Put its certificates in place; return the chain."""
        trusted = root or _authority("root", self.root_key.public_key())
        (self.folder / "ca.pem").write_text(self._signed(trusted))
        chain = self.leaf + self._signed(between)
        (self.folder / "gw-a.pem").write_text(chain)
        return chain

    def between(self, **changed: Any) -> x509.CertificateBuilder:
        return _authority("loanstack lab authority", self.between_key, **changed)

    def root(self, **changed: Any) -> x509.CertificateBuilder:
        return _authority("root", self.root_key.public_key(), **changed)

    def _signed(self, builder: x509.CertificateBuilder) -> str:
        signed = builder.sign(self.root_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    issued = _issue(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "ca.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    (tmp_path / "ca.key").unlink()
    root_key = ec.generate_private_key(ec.SECP256R1())
    return Bank(tmp_path, issued.certificate, key.public_key(), root_key)


def _authority(
    name: str,
    key: ec.EllipticCurvePublicKey,
    *,
    is_ca: bool | None = True,
    signs: bool | None = None,
    days: tuple[int, int] = (-1, 3650),
) -> x509.CertificateBuilder:
    """A certificate that root signs; what is None is not said in it."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW + timedelta(days=days[0]))
        .not_valid_after(_NOW + timedelta(days=days[1]))
    )
    if is_ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    if signs is not None:
        usage = dict.fromkeys(_OTHER_USES, False) | {"digital_signature": True, "key_cert_sign": signs}
        builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    return builder


_OTHER_USES = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_NO_AUTHORITY: tuple[tuple[dict[str, Any], str], ...] = (
    ({"is_ca": False}, "may not sign certificates"),
    ({"is_ca": None}, "may not sign certificates"),
    ({"signs": False}, "may not sign certificates"),
    ({"days": (-700, -1)}, r"ended on 2026-11-22"),
    ({"days": (1, 700)}, r"begins only on 2026-11-24"),
)


def test_what_stands_between_a_certificate_and_the_authority_comes_after_it(bank: Bank) -> None:
    chain = bank.gives(bank.between(signs=True))
    (bank.folder / "gw-a.pem").write_text(bank.leaf)
    with pytest.raises(FileNotFoundError, match=r"was not issued by ca\.pem"):
        _issue(bank.folder)
    (bank.folder / "gw-a.pem").write_text(chain)
    assert _issue(bank.folder).certificate == chain
    (bank.folder / "gw-a.pem").write_text(chain + bank.leaf)
    with pytest.raises(
        FileNotFoundError, match="followed by a certificate that did not issue the one before"
    ):
        _issue(bank.folder)


@pytest.mark.parametrize(("changed", "reason"), _NO_AUTHORITY)
def test_who_may_not_sign_stands_in_no_chain(bank: Bank, changed: dict[str, Any], reason: str) -> None:
    bank.gives(bank.between(**changed))
    with pytest.raises(FileNotFoundError, match=f"certificate of CN=loanstack lab authority, which {reason}"):
        _issue(bank.folder)


@pytest.mark.parametrize(("changed", "reason"), _NO_AUTHORITY)
def test_hosts_are_given_an_authority_that_they_may_rely_on(
    bank: Bank, changed: dict[str, Any], reason: str
) -> None:
    bank.gives(bank.between(), bank.root(**changed))
    for read in (_issue, _trusted):
        with pytest.raises(AuthorityError, match=rf"ca\.pem {reason}; allowed: at least one authority"):
            read(bank.folder)
    another = authority_certificate(bank.folder / "another", now=_NOW)
    with (bank.folder / "ca.pem").open("a") as file:
        file.write(another)
    assert len(_trusted(bank.folder)) == 2
    with pytest.raises(FileNotFoundError, match=rf"issued by an authority in ca\.pem that {reason}"):
        _issue(bank.folder)


def test_the_private_key_is_not_in_repr(tmp_path: Path) -> None:
    issued = _issue(tmp_path)
    assert issued.private_key.splitlines()[1] not in repr(issued)


def _issue_for_etcd(folder: Path, *, now: datetime = _NOW) -> Certificate:
    names = addresses(["198.18.1.13", "127.0.0.1"])
    return certificate(folder, Subject(file_name="ob-a-etcd", names=names, is_client=True), now=now)


def _verify_as_client(folder: Path, issued: Certificate) -> None:
    leaf = x509.load_pem_x509_certificate(issued.certificate.encode())
    PolicyBuilder().store(Store(_trusted(folder))).time(_NOW).build_client_verifier().verify(leaf, [])


def test_members_of_etcd_know_each_other_by_it_on_both_ends(tmp_path: Path) -> None:
    issued = _issue_for_etcd(tmp_path)
    for address in ("198.18.1.13", "127.0.0.1"):
        _verify(tmp_path, issued, x509.IPAddress(ip_address(address)), _NOW)
    _verify_as_client(tmp_path, issued)
    assert _issue_for_etcd(tmp_path) == issued


def test_a_gateway_does_not_pass_for_a_member_of_etcd(tmp_path: Path) -> None:
    with pytest.raises(VerificationError):
        _verify_as_client(tmp_path, _issue(tmp_path))


def test_a_certificate_for_another_use_is_replaced(tmp_path: Path) -> None:
    gateway = _issue(tmp_path, name="ob-a", address="198.18.1.13")
    (tmp_path / "ob-a-etcd.pem").write_text(gateway.certificate)
    (tmp_path / "ob-a-etcd.key").write_text(gateway.private_key)
    _verify_as_client(tmp_path, _issue_for_etcd(tmp_path))


_HEADER = "Subject: CN=Bank Root CA\r\nIssuer: CN=Bank Root CA\r\n"


def test_a_bank_s_authority_reaches_hosts_byte_for_byte(tmp_path: Path) -> None:
    """With its headers and line ends, and with every certificate: hosts may trust an old and a new one."""
    for name in ("old", "new"):
        authority_certificate(tmp_path / name, now=_NOW)
    given = "".join(_HEADER + (tmp_path / name / "ca.pem").read_text() for name in ("old", "new"))
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank/ca.pem").write_bytes(given.encode())
    assert authority_certificate(tmp_path / "bank", now=_NOW) == given
    assert len(_trusted(tmp_path / "bank")) == 2


def test_the_key_of_an_authority_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("the bank's")
    with pytest.raises(FileExistsError, match=r"ca\.key is there without .*allowed: both, or neither"):
        authority_certificate(tmp_path, now=_NOW)
    assert (tmp_path / "ca.key").read_text() == "the bank's"


def test_an_authority_without_a_last_newline_gets_one(tmp_path: Path) -> None:
    given = authority_certificate(tmp_path, now=_NOW)
    (tmp_path / "ca.pem").write_text(given.rstrip("\n"))
    assert authority_certificate(tmp_path, now=_NOW) == given
