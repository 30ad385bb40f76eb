"""Certificates last, and are those of the inventory's authority: on disk, and as clients are shown them."""

import sys
from datetime import UTC, datetime

import pytest
from cryptography import x509

from deploys.derived import footprints
from deploys.gateway.spec import CERTIFICATE
from inventory.model import Environment, Role
from tests.hosts.certificates import problems
from tests.hosts.kit import Control, Machine

_SHOWN = "import ssl, sys; print(ssl.get_server_certificate((sys.argv[1], int(sys.argv[2])), timeout=5))"


def _authorities(env: Environment) -> bytes:
    return (env.ca_dir / "ca.pem").read_bytes()


@pytest.mark.roles(Role.ETCD, Role.GATEWAY, Role.OCEANBASE)
def test_certificates_last_and_are_of_our_authority(machine: Machine, env: Environment) -> None:
    paths = [path for each in footprints(env, machine.spec) for path in each.certificate_files]
    if not paths and not (machine.spec.has(Role.ETCD) or machine.spec.has(Role.GATEWAY)):
        assert not env.database.has_certificate, "a component of this host declares its certificate"
        pytest.skip("the databases of this environment use no TLS")
    assert paths, "a component of this host declares its certificate"
    for path in paths:
        chain = machine.probe.file(path).content
        machine.expect(path, found=problems(chain, _authorities(env), now=datetime.now(UTC)), wanted=[])


@pytest.mark.roles(Role.GATEWAY)
def test_clients_are_shown_the_certificate_on_disk(
    machine: Machine, env: Environment, client: Control
) -> None:
    """nginx goes on with an older one until it is told to read the new one."""
    shown = client.run(sys.executable, "-c", _SHOWN, str(machine.spec.dmz_address), str(env.gateway.port))
    machine.expect("exit status of a TLS client", found=(shown.returncode, shown.stderr), wanted=(0, ""))
    found = x509.load_pem_x509_certificate(shown.stdout.encode())
    on_disk = x509.load_pem_x509_certificate(machine.probe.file(CERTIFICATE).content)
    machine.expect(
        "serial number that clients are shown", found=found.serial_number, wanted=on_disk.serial_number
    )
