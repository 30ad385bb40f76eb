"""The load generator of one host."""

from dataclasses import dataclass

from deploys.artifact import artifact_for
from inventory.model import Artifact, Environment, Host
from inventory.ssh import LOAD_ENVIRONMENT_FILE, LOAD_PORTS, LOAD_UNIT, LOAD_WORKER

ARTIFACT = "load-generator"
FOLDER = "/opt/loanstack/load-generator"


@dataclass(frozen=True, kw_only=True)
class LoadGeneratorSpec:
    """One host of role loadgen."""

    host_name: str
    artifact: Artifact

    command: str = LOAD_WORKER
    unit: str = LOAD_UNIT.format(slot="")
    """Template of the workers' units; the instance is the slot."""
    environment_file: str = LOAD_ENVIRONMENT_FILE.format(slot="%i")
    """The control machine writes it before it starts a worker."""
    port_prefix: str = str(LOAD_PORTS[0])[:-1]
    """With the slot behind it, the port on which its worker reaches the master."""
    folder: str = FOLDER
    records: str = "/var/lib/loanstack-load"
    """Folder of workers' records; each is kept until the next load."""
    user: str = "loadgen"
    open_files: int = 16384
    """Limit of open files; Locust warns if it is below 10,000."""


def load_generator_spec(env: Environment, host: Host) -> LoadGeneratorSpec:
    """Return the load generator of `host`."""
    return LoadGeneratorSpec(host_name=host.name, artifact=artifact_for(env, host, ARTIFACT))
