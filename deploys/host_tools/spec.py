"""The tools of one host, and how a component has the command of its own tool."""

from dataclasses import dataclass

from deploys.artifact import artifact_for
from deploys.content import ConfigFile, render
from inventory.model import Artifact, Environment, Host

ARTIFACT = "host-tools"
FOLDER = "/opt/loanstack/host-tools"


@dataclass(frozen=True, kw_only=True)
class HostToolsSpec:
    """The tools of one host."""

    artifact: Artifact
    folder: str = FOLDER


def host_tools_spec(env: Environment, host: Host) -> HostToolsSpec:
    """Return the tools of `host`."""
    return HostToolsSpec(artifact=artifact_for(env, host, ARTIFACT))


def command(path: str, package: str) -> ConfigFile:
    """Return the command that starts one of the tools.

    + path: path of the command, such as `/usr/local/sbin/loanstack-etcd`
    + package: package of the tool in `hosttools`
    """
    content = render("host_tools/command.j2", folder=FOLDER, package=package)
    return ConfigFile(path=path, content=content, mode=0o755)
