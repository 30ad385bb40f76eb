"""The SSH command line of all parts: with the inventory's key, and only to hosts with a known key."""

from inventory.model import Environment, Host

WHILE_CONNECTED = 'kill -0 "$PPID" 2>/dev/null'
"""Condition of a loop on a host: true as long as the session lives that its shell was started in. A loop that
writes to a client does not end by itself: the mariadb client does not mind that nobody reads what it says."""

LOAD_WORKER = "/usr/local/sbin/loanstack-load-worker"
"""The command of a host of role loadgen: the deploy writes it, loads start it."""

LOAD_UNIT = "loanstack-load@{slot}.service"
"""A worker of a load on a host of role loadgen; its slot counts from 1."""

LOAD_TOKEN_VARIABLE = "LOANSTACK_LOAD_TOKEN"  # noqa: S105 - its name
"""In the environment of a worker: what it shows to the master of its load, which knows it by that."""

LOAD_ENVIRONMENT_FILE = "/run/loanstack-load-{slot}.env"
"""On such a host, for root alone: the variables of the load under way, which systemd gives to the worker."""

LOAD_PORTS = range(5571, 5579)
"""On such a host, loopback only: where the worker of slot 1, 2 ... reaches the master of its load, through
the SSH session that the control machine opened."""


def ssh_argv(
    env: Environment,
    host: Host,
    command: str,
    *,
    patient: bool = False,
    reverse: tuple[int, int] | None = None,
) -> list[str]:
    """Return the command line that runs `command` (for the remote shell) on `host`.

    + patient: keep the session to a host that says nothing, so that it goes on the moment the host does
    + reverse: (port there, port here), loopback on both sides: what connects there is connected here
    """
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(env.ssh.known_hosts_file),
        "ConnectTimeout": "3",
        "ServerAliveInterval": "0" if patient else "2",
        "ServerAliveCountMax": "2",
        "LogLevel": "ERROR",
    }
    pairs = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    if reverse is not None:
        there, here = reverse
        pairs += ["-o", "ExitOnForwardFailure=yes", "-R", f"127.0.0.1:{there}:127.0.0.1:{here}"]
    target = f"{env.ssh.user}@{host.management_address}"
    return ["ssh", "-T", "-i", str(env.ssh.key_file), *pairs, target, command]
