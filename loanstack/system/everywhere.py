"""Commands on many hosts at once, each over an SSH session of its own."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from chaos.system.remote import ssh_argv
from inventory.model import Environment, Host


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command said on one host."""

    printed: str
    complained: str
    """Its standard error, or why SSH did not get there."""


def ask(
    env: Environment, commands: Iterable[tuple[Host, str]], *, within_s: float
) -> list[tuple[Host, Answer | None]]:
    """Run one command on each host, all at once, and return what they said; None: no end in time.

    + commands: (host, shell command)
    + within_s: seconds that each of them has, from when the one before has ended
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
