"""The inventory in pyinfra's form: (name, data) pairs with the SSH settings."""

from inventory.model import Environment


def of(environment: Environment) -> list[tuple[str, dict[str, str | bool | list[str]]]]:
    """Return pyinfra's host list for `environment`.

    The data hold only the settings of the SSH connector and the environment's name. Deploys read the typed
    values from the inventory itself, so that these have one source.
    """
    return [
        (
            host.name,
            {
                "environment": environment.name,
                "ssh_hostname": host.management_address,
                "ssh_user": environment.ssh.user,
                "ssh_key": str(environment.ssh.key_file),
                "ssh_known_hosts_file": str(environment.ssh.known_hosts_file),
                "ssh_strict_host_key_checking": "yes",
            },
        )
        for host in environment.hosts
    ]
