"""The ends of certificates: a timer writes them where the node exporter serves them."""

from pyinfra.api.deploy import deploy

from deploys import derived
from deploys.certificate_ends.spec import SERVICE, TIMER, CertificateEndsSpec
from deploys.component import HostContext
from deploys.content import TEMPLATES, ConfigFile, render
from deploys.node_exporter.spec import TEXTFILES
from deploys.operations import files, services

TOOL = "/usr/local/sbin/loanstack-certificates"
_UNITS = "/etc/systemd/system"


def spec_of(context: HostContext) -> CertificateEndsSpec:
    """Return the certificates of all components on the host of `context`."""
    certificates = derived.certificates_on(context.env, context.host)
    return CertificateEndsSpec(certificates=certificates, textfiles=TEXTFILES)


def files_of(spec: CertificateEndsSpec) -> tuple[ConfigFile, ...]:
    """Return the tool, and the units that run it."""
    tool = (TEMPLATES / "certificate_ends" / "loanstack-certificates").read_text()
    service = render(
        f"certificate_ends/{SERVICE}.j2",
        tool=TOOL,
        textfiles=spec.textfiles,
        certificates=spec.certificates,
    )
    return (
        ConfigFile(path=TOOL, content=tool, mode=0o755),
        ConfigFile(path=f"{_UNITS}/{SERVICE}", content=service),
        ConfigFile(path=f"{_UNITS}/{TIMER}", content=render(f"certificate_ends/{TIMER}.j2")),
    )


@deploy("Ends of certificates")
def certificate_ends(spec: CertificateEndsSpec) -> None:
    """Converge what reads when the certificates of one host end.

    + spec: its certificates
    """
    files.converge(name="Write what reads them", files=files_of(spec))
    services.service_running(
        name="Have them read again and again",
        unit=TIMER,
        restart_after=(f"{_UNITS}/{TIMER}",),
        starts=(SERVICE,),
    )
