"""The artifact that a host needs, with the hash it must have."""

from inventory import artifacts
from inventory.model import Artifact, Environment, Host


class ArtifactError(LookupError):
    """An artifact cannot be deployed: it is not listed, or has no hash."""


def artifact_for(env: Environment, host: Host, name: str) -> Artifact:
    """Return the artifact `name` for the architecture of `host`, with its sha256.

    Raises:
        ArtifactError: the inventory or the depot's SHA256SUMS does not list it.
    """
    found = [a for a in env.artifacts if a.name == name and a.arch == host.arch]
    if not found:
        known = ", ".join(f"{a.name} ({a.arch})" for a in env.artifacts) or "none; fill the depot"
        raise ArtifactError(f"{host.name}: no artifact {name!r} for {host.arch}; listed: {known}")
    artifact = found[0]
    if artifact.sha256 is not None:
        return artifact
    file_name = artifact.url.rpartition("/")[2]
    sums_file = env.depot.sums_file
    if sums_file is None or not sums_file.exists():
        raise ArtifactError(f"{file_name} has no sha256, and {sums_file} is missing; copy the depot's there")
    sums = artifacts.parse_sums(sums_file.read_text())
    if file_name not in sums:
        raise ArtifactError(f"{sums_file} lacks {file_name}; fill the depot, then copy its SHA256SUMS")
    return Artifact(
        name=artifact.name,
        version=artifact.version,
        arch=artifact.arch,
        url=artifact.url,
        sha256=sums[file_name],
    )
