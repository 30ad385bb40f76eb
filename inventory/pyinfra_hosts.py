"""The inventory in pyinfra's form: names, data and groups of hosts."""

from typing import NamedTuple

from inventory.model import Environment

CONNECTOR = "loanstack"
"""Name of the connector `deploys.connector` among pyinfra's (entry point in pyproject.toml)."""


class PyinfraHost(NamedTuple):
    """One host, as pyinfra's connectors name it."""

    name: str
    data: dict[str, str]
    """Settings of the SSH connection, and the environment's name. Deploys read all other values from the
    inventory itself, so that these have one source."""
    groups: list[str]
    """Its roles, and its centre as `centre_NAME`: for `--limit`, and for `group_data/GROUP.py`."""


def named(environment: Environment) -> list[str]:
    """Return what an inventory script gives pyinfra: one name, from which the connector makes all hosts."""
    return [f"@{CONNECTOR}/{environment.name}"]


def of(environment: Environment) -> list[PyinfraHost]:
    """Return the hosts of `environment`, in the order of the inventory."""
    return [
        PyinfraHost(
            name=host.name,
            data={
                "environment": environment.name,
                "ssh_hostname": host.management_address,
                "ssh_user": environment.ssh.user,
                "ssh_key": str(environment.ssh.key_file),
                "ssh_known_hosts_file": str(environment.ssh.known_hosts_file),
                "ssh_strict_host_key_checking": "yes",
            },
            groups=[*host.roles, f"centre_{host.centre}"],
        )
        for host in environment.hosts
    ]
