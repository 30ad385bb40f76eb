"""The load generator: bundle with its own runtime, and the command that a control machine starts over SSH.

No service: it runs while a load does, and nothing connects to it.
"""

from pathlib import PurePosixPath

from pyinfra.api.deploy import deploy
from pyinfra.operations import server

from deploys.content import AUTHORITY, ConfigFile, Folder, render
from deploys.operations import artifacts, files
from deploys.specs.load_generator import LoadGeneratorSpec


def files_of(spec: LoadGeneratorSpec) -> tuple[ConfigFile, ...]:
    """Return the command, and the authority that vouches for the gateways."""
    return (
        ConfigFile(path=AUTHORITY, content=spec.authority),
        ConfigFile(
            path=spec.command,
            content=render(
                "load_generator/loanstack-load-worker.j2",
                folder=spec.folder,
                records=spec.records,
                ca_dir=PurePosixPath(AUTHORITY).parent,
                user=spec.user,
                open_files=spec.open_files,
            ),
            mode=0o755,
        ),
    )


@deploy("Load generator")
def load_generator(spec: LoadGeneratorSpec) -> None:
    """Converge the load generator of one host.

    + spec: artifact and places of this host
    """
    assert spec.artifact.sha256 is not None
    server.user(  # noqa: S604 - a login shell, not a subprocess
        name="Know the load generator's user",
        user=spec.user,
        system=True,
        shell="/usr/sbin/nologin",
        home=spec.records,
        ensure_home=False,
    )
    artifacts.installed(
        name="Install the load generator",
        url=spec.artifact.url,
        sha256=spec.artifact.sha256,
        folder=spec.folder,
        version=spec.artifact.version,
        arch=spec.artifact.arch,
        shown_by=artifacts.PYTHON_LOADS,
    )
    files.converge(
        name="Write the load generator's command",
        folders=(Folder(path=spec.records, mode=0o700, user=spec.user, group=spec.user),),
        files=files_of(spec),
    )
