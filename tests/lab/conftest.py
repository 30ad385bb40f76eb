"""The lab the tests share: brought up once, deployed once, taken down at the end."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inventory import environment, secrets
from inventory.model import DatabaseRole, Environment
from inventory.places import PROJECT_ROOT
from tests import inherited_signals

ORDER = (
    "test_artifacts",
    "test_lab_hosts",
    "test_lab_faults",
    "test_last_words",
    "test_deploy",
    "test_verify",
    "test_attacks",
    "test_alerts",
    "test_services",
    "test_load",
    "test_load_hosts",
    "test_upgrade",
    "test_failover",
    "test_drills",
    "test_deploy_interrupted",
    "test_cross_centre",
    "test_lab_lifecycle",
)
"""Cheap and constructive first; what takes the lab down comes last."""

LOANSTACK = Path(sys.executable).with_name("loanstack")
COMMAND_DEADLINE_S = 420


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def results(self) -> dict[str, Any]:
        """What `--json` printed."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found

    @property
    def output(self) -> str:
        """All that was printed, for messages."""
        return f"exit code {self.exit_code}\n{self.stdout}\n{self.stderr}"


Run = Callable[..., Finished]


def pytest_configure() -> None:
    """Let no ignored signal be inherited by what the tests start."""
    inherited_signals.heard()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files in `ORDER`; one that is not listed is an error, so that none runs by chance."""

    def place(item: pytest.Item) -> int:
        return ORDER.index(item.path.stem) if item.path.parent.name == "lab" else -1

    items.sort(key=place)


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command from the project's root to its end."""

    def run(*command: str, deadline_s: float = COMMAND_DEADLINE_S, stdin: str = "") -> Finished:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=PROJECT_ROOT,
            timeout=deadline_s,
        )
        return Finished(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    return run


@pytest.fixture(scope="session")
def loanstack(run: Run) -> Run:
    """Run `loanstack ...` as a user would."""
    return lambda *arguments, **options: run(str(LOANSTACK), *arguments, **options)


@pytest.fixture(scope="session")
def lab_command(run: Run) -> Run:
    """Run `loanstack lab ...` by its other name, which starts in a third of the time: tests ask often."""
    return lambda *arguments, **options: run(sys.executable, "-m", "lab", *arguments, **options)


@pytest.fixture(scope="session")
def lab(loanstack: Run) -> Iterator[Environment]:
    """The lab, up; a fresh one, and down again afterwards."""
    assert loanstack("lab", "down").exit_code == 0
    up = loanstack("lab", "up", deadline_s=900)
    assert up.exit_code == 0, up.output
    yield environment("lab")
    down = loanstack("lab", "down")
    assert down.exit_code == 0, down.output


@pytest.fixture(scope="session")
def on_host(run: Run, lab: Environment) -> Run:
    """Run one shell command on a host over SSH: `on_host("ob-a", "uptime")`."""
    ssh_config = lab.ssh.key_file.with_name("config")
    return lambda host, command, **options: run("ssh", "-F", str(ssh_config), host, command, **options)


@pytest.fixture(scope="session")
def first_deploy(lab: Environment, loanstack: Run) -> Finished:
    """The first deploy onto the fresh lab."""
    done = loanstack("deploy", "lab", "--json")
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="session")
def deployed(lab: Environment, first_deploy: Finished) -> Environment:
    """The lab with everything deployed."""
    assert first_deploy.exit_code == 0
    return environment("lab")


@pytest.fixture(scope="module")
def at_home(deployed: Environment, loanstack: Run) -> Environment:
    """The lab with the inventory's primary leading, which tests before may have left elsewhere."""
    said = loanstack("failover", "status", "lab", "--json")
    (home,) = (h.name for h in deployed.hosts if h.database_role == DatabaseRole.PRIMARY)
    if said.results["leader"]["host"] != home:
        back = loanstack("failover", "switchover", "lab", "--to", home)
        assert back.exit_code == 0, back.output
    return deployed


@pytest.fixture(scope="session")
def seeded(deployed: Environment, loanstack: Run) -> Environment:
    """The lab with everything deployed, and with the inventory's customers."""
    done = loanstack("seed", "lab", "--json")
    assert done.exit_code == 0, done.output
    return deployed


@dataclass(kw_only=True)
class CrossCentre:
    """Runs `loanstack ...` on the lab as one that acknowledges writes once two centres have them.

    It stays so: modules which need it come last, and the first of them has it deployed for all.
    """

    run: Run
    is_deployed: bool = False

    @property
    def argv(self) -> tuple[str, ...]:
        """What each command begins with."""
        return ("env", "LOANSTACK_LAB_DURABILITY=cross_centre", str(LOANSTACK))

    def __call__(self, *arguments: str) -> Finished:
        """Run one command to its end."""
        return self.run(*self.argv, *arguments)

    def deploy(self) -> Finished:
        """Converge the hosts, and note that they are."""
        done = self("deploy", "lab", "--json")
        self.is_deployed = done.exit_code == 0
        return done


@pytest.fixture(scope="session")
def cross_centre(deployed: Environment, run: Run) -> CrossCentre:
    """What the last modules share; `deploy` it unless `is_deployed`."""
    return CrossCentre(run=run)


@pytest.fixture(scope="session")
def secret_values(lab: Environment) -> dict[str, str]:
    """The real values of this lab's secrets by name: what must not be found anywhere else."""
    return secrets.load(lab.secrets_file).named
