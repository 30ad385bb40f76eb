"""Runs one command on a host to collect evidence; a missing answer does not fail a probe."""

import subprocess

from chaos.system.remote import ssh_argv
from inventory.model import Environment, Host


def ask(env: Environment, host: Host, command: str, *, within_s: float) -> str | None:
    """Return the output of `command` on `host`, whatever its status; None if it did not end in time."""
    try:
        done = subprocess.run(
            ssh_argv(env, host, command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout
