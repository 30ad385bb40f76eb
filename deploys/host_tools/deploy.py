"""The tools of hosts: one bundle; each component writes the command of its own tool."""

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.host_tools.spec import HostToolsSpec, host_tools_spec
from deploys.operations import artifacts


def spec_of(context: HostContext) -> HostToolsSpec:
    """Return the tools of the host of `context`."""
    return host_tools_spec(context.env, context.host)


@deploy("Tools of hosts")
def host_tools(spec: HostToolsSpec) -> None:
    """Converge the tools of one host.

    + spec: artifact and folder of this host
    """
    artifacts.bundle_installed("Install the tools of hosts", spec.artifact, spec.folder)
