"""The load generator: bundle with its own runtime, a unit for each worker, and what a control machine asks.

Nothing is kept running: a worker runs while a load does, and connects to the master of that load.
"""

from pathlib import PurePosixPath

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.content import AUTHORITY, ConfigFile, Folder, render
from deploys.load_generator.spec import LoadGeneratorSpec, load_generator_spec
from deploys.operations import artifacts, files, services, users
from inventory.artifacts import BUNDLE_LIBRARIES
from inventory.ssh import LOAD_UNIT

LOCUSTFILE = f"{{folder}}/current/{BUNDLE_LIBRARIES}/loadtests/locustfile.py"
"""Where the artifact has it."""


def spec_of(context: HostContext) -> LoadGeneratorSpec:
    """Return the load generator of the host of `context`."""
    return load_generator_spec(context.env, context.host)


def unit_path(spec: LoadGeneratorSpec) -> str:
    """Return where the template of the workers' units is."""
    return f"/etc/systemd/system/{spec.unit}"


def files_of(spec: LoadGeneratorSpec) -> tuple[ConfigFile, ...]:
    """Return the command and the workers' unit."""
    return (
        ConfigFile(
            path=spec.command,
            content=render(
                "load_generator/loanstack-load-worker.j2",
                folder=spec.folder,
                records=spec.records,
                user=spec.user,
            ),
            mode=0o755,
        ),
        ConfigFile(
            path=unit_path(spec),
            content=render(
                "load_generator/loanstack-load@.service.j2",
                host_name=spec.host_name,
                folder=spec.folder,
                records=spec.records,
                locustfile=LOCUSTFILE.format(folder=spec.folder),
                port_prefix=spec.port_prefix,
                environment_file=spec.environment_file,
                ca_dir=PurePosixPath(AUTHORITY).parent,
                user=spec.user,
                open_files=spec.open_files,
            ),
        ),
    )


@deploy("Load generator")
def load_generator(spec: LoadGeneratorSpec) -> None:
    """Converge the load generator of one host.

    + spec: artifact and places of this host
    """
    users.without_login(name="Know the load generator's user", user=spec.user, home=spec.records)
    artifacts.bundle_installed("Install the load generator", spec.artifact, spec.folder)
    written = files.converge(
        name="Write the load generator's command and unit",
        folders=(Folder(path=spec.records, mode=0o700, user=spec.user, group=spec.user),),
        files=files_of(spec),
    )
    services.unit_loaded(
        name="Have systemd know the workers' unit",
        unit=LOAD_UNIT.format(slot=1),
        written=(written,),
    )
