"""Install an archive from the depot: download, verify, unpack, switch a link."""

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.artifacts import HASH_FILE, InstalledArtifact

_DOWNLOADS = "/var/cache/loanstack"


@operation()
def installed(url: str, sha256: str, folder: str, version: str) -> Generator[StringCommand, None, None]:
    """Unpack a verified archive into `folder`/`version` and point `folder`/current at it.

    Each step may be repeated: a download is resumed, an archive whose hash differs is deleted and refused, a
    folder counts as unpacked only once its hash file is there, and the link moves last.

    + url: .tar.gz with one top folder
    + sha256: hex digest that the archive must have
    + folder: where versions of this artifact live
    + version: name of the version's folder

    **Example:**

    .. code:: python

        artifacts.installed(
            name="Install seekdb", url=url, sha256=digest, folder="/opt/loanstack/seekdb", version="1.4.0"
        )
    """
    if host.get_fact(InstalledArtifact, folder=folder) == sha256:
        host.noop(f"{folder}/current is {version} ({sha256[:12]})")
        return
    archive = f"{_DOWNLOADS}/{sha256[:16]}-{url.rpartition('/')[2]}"
    unpacking, target = f"{folder}/.unpacking", f"{folder}/{version}"
    link, new_link = f"{folder}/current", f"{folder}/.current-new"
    curl = "curl --fail --silent --show-error --location --connect-timeout 5 --retry 3 --retry-connrefused"
    a, u, t = shlex.quote(archive), shlex.quote(unpacking), shlex.quote(target)
    check = f"printf '%s  %s\\n' {sha256} {a} | sha256sum --check --status"
    yield StringCommand(f"install -d -m 0755 {_DOWNLOADS} {shlex.quote(folder)}")
    # A depot that cannot resume makes curl fail with 33: then from the start.
    yield StringCommand(
        f"{check} 2>/dev/null || {curl} --continue-at - --output {a} {shlex.quote(url)} || "
        f"{{ rm -f {a}; {curl} --output {a} {shlex.quote(url)}; }}"
    )
    refusal = f"{url}: sha256 is not {sha256}; deleted. Fill the depot again, or mend SHA256SUMS"
    yield StringCommand(f"{check} || {{ rm -f {a}; echo {shlex.quote(refusal)} >&2; exit 1; }}")
    yield StringCommand(
        f"rm -rf {u} && install -d -m 0755 {u} && "
        f"tar --extract --gzip --file {a} --directory {u} --strip-components=1 --no-same-owner && "
        f"printf '%s\\n' {sha256} > {u}/{HASH_FILE} && rm -rf {t} && mv -T {u} {t}"
    )
    yield StringCommand(
        f"ln -sfn {shlex.quote(version)} {shlex.quote(new_link)} && "
        f"mv -fT {shlex.quote(new_link)} {shlex.quote(link)} && rm -f {a}"
    )
