"""A host that answers from a table; a command that it was not told is an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from testinfra.backend.base import BaseBackend, CommandResult

from inventory import environment
from inventory.model import Environment
from tests.hosts.connection import probe_of
from tests.hosts.kit import Machine

LAB: Environment = environment("lab")


@dataclass
class Answers:
    """What a host answers, and what it was asked."""

    by_command: Mapping[str, tuple[int, str]]
    """Status and stdout for each command."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Commands with their stdin."""


class FakeBackend(BaseBackend):
    """testinfra's way to a host that is not there."""

    NAME = "fake"

    def __init__(self, answers: Answers) -> None:
        super().__init__("fake")
        self._answers = answers

    def run(self, command: str, *args: str, stdin: str = "", **_: object) -> CommandResult:
        asked = self.get_command(command, *args)
        self._answers.asked.append((asked, stdin))
        assert asked in self._answers.by_command, f"the fake host was not told what to answer to: {asked}"
        status, stdout = self._answers.by_command[asked]
        return self.result(status, asked.encode(), stdout, "its last words" if status else "")


def fake(name: str, by_command: Mapping[str, tuple[int, str]]) -> tuple[Machine, Answers]:
    """Return the lab's host `name` as a fake, and what it is asked."""
    answers = Answers(by_command)
    spec = next(host for host in LAB.hosts if host.name == name)
    return Machine(spec=spec, probe=probe_of(FakeBackend(answers))), answers
