"""What tells when the certificates of one host end."""

from dataclasses import dataclass

SERVICE = "loanstack-certificates.service"
TIMER = "loanstack-certificates.timer"


@dataclass(frozen=True, kw_only=True)
class CertificateEndsSpec:
    """The certificates of one host."""

    certificates: tuple[str, ...]
    """PEM files."""
    textfiles: str
    """Folder whose files the node exporter serves."""
