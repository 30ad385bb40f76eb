"""Software comes from the depot: signed packages, and artifacts with the hash that the inventory names."""

import pytest

from deploys.facts.artifacts import HASH_FILE
from deploys.specs.artifact import artifact_for
from deploys.specs.baseline import packages_for
from deploys.specs.depot_client import REPOSITORY
from inventory.model import Environment, Role
from tests.hosts.kit import Machine


def test_packages_are_installed_and_signed(machine: Machine) -> None:
    asked = " ".join(packages_for(machine.spec))
    query = r"%{NAME}|%{RSAHEADER:pgpsig}|%{SIGPGP:pgpsig}\n"
    rows = [line.split("|") for line in machine.run(f"rpm -q --qf '{query}' {asked}").splitlines()]
    assert sorted(name for name, *_ in rows) == sorted(packages_for(machine.spec))
    unsigned = [name for name, *signatures in rows if not any("Key ID" in s for s in signatures)]
    assert unsigned == []


def test_the_depot_is_the_only_source(machine: Machine) -> None:
    listed = machine.run("dnf --quiet --cacheonly repolist --enabled || true").splitlines()
    assert [line.split()[0] for line in listed if not line.startswith("repo id")] == [REPOSITORY]
    settings = machine.run("cat /etc/yum.repos.d/*.repo")
    assert "gpgcheck=1" in settings
    assert "gpgcheck=0" not in settings
    assert machine.run("command -v apt apt-get dpkg || true") == ""


_ARTIFACTS = {
    Role.OCEANBASE: {
        "seekdb": "/opt/loanstack/seekdb",
        "failover-agent": "/opt/loanstack/failover",
    },
    Role.LOAN: {"loan-services": "/opt/loanstack/loan"},
    Role.LOADGEN: {"load-generator": "/opt/loanstack/load-generator"},
}


@pytest.mark.roles(*_ARTIFACTS)
def test_artifacts_are_those_of_the_inventory(machine: Machine, env: Environment) -> None:
    for role, folders in _ARTIFACTS.items():
        for name, folder in folders.items() if machine.spec.has(role) else ():
            artifact = artifact_for(env, machine.spec, name)
            found = machine.run(f"cat {folder}/current/{HASH_FILE}; readlink {folder}/current").split()
            assert found == [artifact.sha256, artifact.version]
