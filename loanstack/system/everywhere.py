"""Runs commands on many hosts at once, each over its own SSH session."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from chaos.system.remote import ssh_argv
from inventory.model import Environment, Host


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Output of a command on one host."""

    printed: str
    complained: str
    """Standard error of the command, or why SSH could not reach the host."""


def ask(
    env: Environment, commands: Iterable[tuple[Host, str]], *, within_s: float
) -> list[tuple[Host, Answer | None]]:
    """Run one command on each host, all at once, and return their outputs; None: the command timed out.

    + commands: (host, shell command)
    + within_s: timeout per host; hosts are awaited one after another, so n hosts may take n times as long
    """
    running = [
        (
            host,
            subprocess.Popen(
                ssh_argv(env, host, command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
        )
        for host, command in commands
    ]
    found: list[tuple[Host, Answer | None]] = []
    for host, process in running:
        try:
            printed, complained = process.communicate(timeout=within_s)
            found.append((host, Answer(printed=printed, complained=complained)))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            found.append((host, None))
    return found
