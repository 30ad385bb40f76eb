"""What tests of several verbs begin with."""

from pathlib import Path

import pytest

from inventory import environment
from loanstack.runs.console import Console
from loanstack.runs.folder import RunFolder
from loanstack.runs.task import Task
from processes.group import Processes


@pytest.fixture
def task(tmp_path: Path) -> Task:
    folder = tmp_path / "run"
    folder.mkdir()
    return Task(
        env=environment("lab"),
        folder=RunFolder(path=folder),
        processes=Processes(),
        console=Console(machine_readable=True),
    )
