"""The lab's authority: issued once, renewed in time, trusted by a strict verifier, and for its use only."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from deploys.certificates import Certificate, Subject, addresses, authority_certificate, certificate

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


def test_what_stands_between_a_certificate_and_the_authority_comes_after_it(tmp_path: Path) -> None:
    """As a bank's authority signs: its root signs another, and that one the hosts' certificates."""
    issued = _issue(tmp_path)
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _signed("root", root_key.public_key(), "root", root_key)
    between_key = serialization.load_pem_private_key((tmp_path / "ca.key").read_bytes(), password=None)
    assert isinstance(between_key, ec.EllipticCurvePrivateKey)
    between = _signed("loanstack lab authority", between_key.public_key(), "root", root_key)
    (tmp_path / "ca.key").unlink()
    (tmp_path / "ca.pem").write_text(root)
    with pytest.raises(FileNotFoundError, match=r"was not issued by ca\.pem"):
        _issue(tmp_path)
    (tmp_path / "gw-a.pem").write_text(issued.certificate + between)
    assert _issue(tmp_path).certificate == issued.certificate + between


def _signed(
    name: str, key: ec.EllipticCurvePublicKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey
) -> str:
    found = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - timedelta(days=1))
        .not_valid_after(_NOW + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return found.public_bytes(serialization.Encoding.PEM).decode()


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
