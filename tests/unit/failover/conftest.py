"""What the failover agent's tests share."""

from pathlib import Path

import pytest

from tests.unit.failover.fake_etcd import write_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of the fake etcd, which is its own authority."""
    path = tmp_path_factory.mktemp("tls") / "etcd.pem"
    write_certificate(path)
    return path
