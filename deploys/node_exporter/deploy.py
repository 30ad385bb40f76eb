"""The node exporter: figures of the host itself, for Prometheus."""

from pyinfra.api.deploy import deploy

from deploys.component import HostContext
from deploys.content import ConfigFile, Folder, render
from deploys.node_exporter.spec import COLLECTORS, TEXTFILES, NodeExporterSpec, node_exporter_spec
from deploys.operations import files, services


def spec_of(context: HostContext) -> NodeExporterSpec:
    """Return the node exporter of the host of `context`."""
    return node_exporter_spec(context.env, context.host)


def override(spec: NodeExporterSpec) -> str:
    """Return the path of the drop-in file for the packaged unit."""
    return f"/etc/systemd/system/{spec.unit}.d/loanstack.conf"


def files_of(spec: NodeExporterSpec) -> tuple[ConfigFile, ...]:
    """Return the drop-in file."""
    return (
        ConfigFile(
            path=override(spec),
            content=render(
                "node_exporter/node-exporter-override.conf.j2",
                program=spec.platform.node_exporter_program,
                collectors=COLLECTORS,
                textfiles=TEXTFILES,
                listens=spec.listens,
            ),
        ),
    )


@deploy("Node exporter")
def node_exporter(spec: NodeExporterSpec) -> None:
    """Converge the exporter of one host.

    + spec: its unit, and where it listens
    """
    written = files.converge(
        name="Write the exporter's unit", folders=(Folder(path=TEXTFILES),), files=files_of(spec)
    )
    services.service_running(
        name="Keep the node exporter running",
        unit=spec.unit,
        restart_after=(override(spec),),
        written=(written,),
    )
