"""Software comes from the depot: signed packages, and artifacts with the hash that the inventory names."""

import re

from deploys.artifact import artifact_for
from deploys.depot_client.spec import REPOSITORY
from deploys.derived import footprints, packages_for
from deploys.facts.artifacts import HASH_FILE
from inventory.model import Environment
from tests.hosts import facts
from tests.hosts.kit import Machine


def test_packages_are_installed_and_signed(machine: Machine, env: Environment) -> None:
    wanted = packages_for(env, machine.spec)
    signatures = facts.signatures(machine.probe, wanted)
    machine.expect("installed packages", found=set(signatures), wanted=set(wanted))
    unsigned = [name for name, signature in signatures.items() if not signature]
    machine.expect("packages without a signature", found=unsigned, wanted=[])


def test_the_depot_is_the_only_source(machine: Machine) -> None:
    listed = machine.run("dnf --quiet --cacheonly repolist --enabled || true").splitlines()
    enabled = [line.split()[0] for line in listed if not line.startswith("repo id")]
    machine.expect("repositories", found=enabled, wanted=[REPOSITORY])
    settings = machine.run("cat /etc/yum.repos.d/*.repo; cat /etc/dnf/dnf.conf 2>/dev/null || true")
    checks = re.findall(r"^\s*((?:repo_)?gpgcheck)\s*=\s*(\S+)", settings, flags=re.MULTILINE)
    machine.expect(
        "kinds of signatures", found={kind for kind, _ in checks}, wanted={"gpgcheck", "repo_gpgcheck"}
    )
    unchecked = [each for each in checks if each[1].lower() not in ("1", "yes", "true", "on")]
    machine.expect("signatures that are not checked", found=unchecked, wanted=[])
    others = [program for program in ("apt", "apt-get", "dpkg") if machine.probe.exists(program)]
    machine.expect("other package managers", found=others, wanted=[])


def test_artifacts_are_those_of_the_inventory(machine: Machine, env: Environment) -> None:
    for footprint in footprints(env, machine.spec):
        for name, folder in ((each.name, each.folder) for each in footprint.artifacts if each.folder):
            artifact = artifact_for(env, machine.spec, name)
            current = machine.probe.file(f"{folder}/current").linked_to
            found = {
                "version": current.removeprefix(f"{folder}/"),
                "sha256": machine.probe.file(f"{current}/{HASH_FILE}").content_string.strip(),
            }
            wanted = {"version": artifact.version, "sha256": artifact.sha256}
            machine.expect(name, found=found, wanted=wanted)
