"""Software comes from the depot: signed packages, and artifacts with the hash that the inventory names."""

from deploys.artifact import artifact_for
from deploys.depot_client.spec import REPOSITORY
from deploys.derived import footprints, packages_for
from deploys.facts.artifacts import HASH_FILE
from inventory.model import Environment
from tests.hosts.kit import Machine


def test_packages_are_installed_and_signed(machine: Machine, env: Environment) -> None:
    wanted = packages_for(env, machine.spec)
    query = r"%{NAME}|%{RSAHEADER:pgpsig}|%{SIGPGP:pgpsig}\n"
    rows = [line.split("|") for line in machine.run(f"rpm -q --qf '{query}' {' '.join(wanted)}").splitlines()]
    assert sorted(name for name, *_ in rows) == sorted(wanted)
    unsigned = [name for name, *signatures in rows if not any("Key ID" in s for s in signatures)]
    assert unsigned == []


def test_the_depot_is_the_only_source(machine: Machine) -> None:
    listed = machine.run("dnf --quiet --cacheonly repolist --enabled || true").splitlines()
    assert [line.split()[0] for line in listed if not line.startswith("repo id")] == [REPOSITORY]
    settings = machine.run("cat /etc/yum.repos.d/*.repo")
    assert "gpgcheck=1" in settings
    assert "gpgcheck=0" not in settings
    assert machine.run("command -v apt apt-get dpkg || true") == ""


def test_artifacts_are_those_of_the_inventory(machine: Machine, env: Environment) -> None:
    for footprint in footprints(env, machine.spec):
        for name, folder in ((each.name, each.folder) for each in footprint.artifacts if each.folder):
            artifact = artifact_for(env, machine.spec, name)
            found = machine.run(f"cat {folder}/current/{HASH_FILE}; readlink {folder}/current").split()
            assert found == [artifact.sha256, artifact.version], name
