"""A certificate that soon ends, or that another authority signed, is found on a host."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.hosts.certificates import problems

NOW = datetime(2026, 12, 1, tzinfo=UTC)


class Authority:
    """Signs certificates; its own is signed by itself, or by another."""

    def __init__(self, name: str, *, above: "Authority | None" = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.pem = (above or self)._sign(self._name, self._key, days=3650)

    def issued(self, *, days: float) -> bytes:
        """Return the certificate of a host, with so many days left."""
        return self._sign(_named("gw-a"), ec.generate_private_key(ec.SECP256R1()), days=days)

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: float) -> bytes:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=300))
            .not_valid_after(NOW + timedelta(days=days))
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@pytest.fixture(scope="module")
def ours() -> Authority:
    return Authority("ours")


def test_one_that_lasts_and_is_ours_has_no_problem(ours: Authority) -> None:
    assert problems(ours.issued(days=397), ours.pem, now=NOW) == []
    assert problems(ours.issued(days=30), ours.pem, now=NOW) == []


@pytest.mark.parametrize(("days", "told"), [(1, "1.0"), (29.9, "29.9"), (-2, "-2.0")])
def test_one_with_fewer_than_thirty_days_left_is_told_with_its_days(
    ours: Authority, days: float, told: str
) -> None:
    found = problems(ours.issued(days=days), ours.pem, now=NOW)
    assert found == [f"CN=gw-a: expected at least 30 days left, found {told}"]


def test_one_of_another_authority_is_told_even_if_that_has_the_same_name(ours: Authority) -> None:
    for name in ("theirs", "ours"):
        (found,) = problems(Authority(name).issued(days=397), ours.pem, now=NOW)
        assert found == f"CN=gw-a: expected a signature of CN=ours, found one that names CN={name}"


def test_a_chain_leads_to_the_authority_link_by_link(ours: Authority) -> None:
    between = Authority("between", above=ours)
    leaf = between.issued(days=397)
    assert problems(leaf + between.pem, ours.pem, now=NOW) == []
    assert problems(leaf, ours.pem, now=NOW) != []
    assert problems(leaf + Authority("between", above=ours).pem, ours.pem, now=NOW) != []


def test_any_certificate_of_the_trusted_file_may_be_the_authority(ours: Authority) -> None:
    next_one = Authority("next")
    assert problems(next_one.issued(days=397), ours.pem + next_one.pem, now=NOW) == []
