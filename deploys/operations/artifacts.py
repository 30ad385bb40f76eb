"""Install an artifact from the depot: download, verify, unpack, switch a link."""

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import OperationMeta, operation
from pyinfra.context import host

from deploys.facts.artifacts import HASH_FILE, InstalledArtifact
from deploys.facts.files import PathStates
from deploys.operations import versions
from deploys.operations.writing import written
from deploys.trust import CURL
from inventory.model import Artifact

_DOWNLOADS = "/var/cache/loanstack"
_PYTHON_LOADS = (
    "bin/python3 -c 'import ctypes, pathlib; "
    '[ctypes.CDLL(str(each.resolve())) for each in sorted(pathlib.Path("lib").rglob("*.so*"))]\''
)
"""Shows that this kernel maps every library of one of our bundles, and that their dependencies exist."""


@operation()
def archive_installed(
    url: str, sha256: str, folder: str, version: str, arch: str, smoke_command: str | None = None
) -> Generator[StringCommand, None, None]:
    """Unpack a verified archive into `folder`/`version` and point `folder`/current at it.

    Each step may be repeated: a download is resumed, an archive whose hash differs is deleted and refused, a
    folder counts as unpacked only once its hash file is there, and the link moves last.

    + url: .tar.gz with one top folder
    + sha256: hex digest that the archive must have
    + folder: where versions of this artifact live
    + version: name of the version's folder
    + arch: architecture that its programs must be built for
    + smoke_command: command in the version's folder that must succeed before anything uses it: an allocator
      built for small pages, or a missing library, shows only when a program starts; None: it has no program

    **Example:**

    .. code:: python

        artifacts.archive_installed(
            name="Install seekdb",
            url=url,
            sha256=digest,
            folder="/opt/loanstack/seekdb",
            version="1.4.0",
            arch="aarch64",
            smoke_command="bin/seekdb --version",
        )
    """
    if host.get_fact(InstalledArtifact, folder=folder) == sha256:
        host.noop(f"{folder}/current is {version} ({sha256[:12]})")
        return
    yield from _unpack(url, sha256, folder, version, arch, owner=None, smoke_command=smoke_command)
    link, remove = versions.linked(folder, version), versions.old_ones_removed(folder, version)
    yield StringCommand(f"{link} && {remove}")


def bundle_installed(name: str, artifact: Artifact, folder: str) -> OperationMeta:
    """Install one of our bundles, which bring their own Python; return the operation that does it.

    + name: name of the operation
    + artifact: the bundle, whose hash is known
    + folder: where its versions live
    """
    assert artifact.sha256 is not None
    return archive_installed(
        name=name,
        url=artifact.url,
        sha256=artifact.sha256,
        folder=folder,
        version=artifact.version,
        arch=artifact.arch,
        smoke_command=_PYTHON_LOADS,
    )


@operation()
def archive_unpacked(
    url: str, sha256: str, folder: str, version: str, arch: str, owner: str, smoke_command: str | None = None
) -> Generator[StringCommand, None, None]:
    """Unpack a verified archive into `folder`/`version`, next to the version in use.

    + url: .tar.gz with one top folder
    + sha256: hex digest that the archive must have
    + folder: where versions of this artifact live
    + version: name of the version's folder
    + arch: architecture that its programs must be built for
    + owner: user and group of the unpacked files, for a server that writes into its own folder
    + smoke_command: command in the version's folder that must succeed before anything uses it; None: none
    """
    if host.get_fact(InstalledArtifact, folder=folder, version=version) == sha256:
        host.noop(f"{folder}/{version} is unpacked ({sha256[:12]})")
        return
    yield from _unpack(url, sha256, folder, version, arch, owner=owner, smoke_command=smoke_command)
    yield StringCommand(versions.old_ones_removed(folder, version))


@operation()
def installer_run(
    url: str, sha256: str, folder: str, version: str, owner: str, properties: str
) -> Generator[StringCommand, None, None]:
    """Run a verified installer that reads its answers from a file, next to the version in use.

    It installs into its final folder, because it may write that path into its files. The hash file is written
    last, so an interrupted installation is begun again.

    + url: the .bin
    + sha256: hex digest that it must have
    + folder: where versions of this artifact live
    + version: name of the version's folder, which `properties` name as well
    + owner: user and group of what is installed
    + properties: text of the file with the answers
    """
    if host.get_fact(InstalledArtifact, folder=folder, version=version) == sha256:
        host.noop(f"{folder}/{version} is installed ({sha256[:12]})")
        return
    installer = _copy(url, sha256)
    answers = f"{installer}.properties"
    i, a, t, o = (shlex.quote(word) for word in (installer, answers, f"{folder}/{version}", owner))
    yield StringCommand(f"install -d -m 0755 {_DOWNLOADS} {shlex.quote(folder)}")
    yield from _download(url, sha256, installer)
    yield StringCommand(f"cat > {a}", _stdin=properties)
    # The hash is renamed into the folder, which is the owner's by then: a link there is replaced.
    yield StringCommand(
        f"rm -rf {t} && sh {i} -i silent -f {a} && chown -R {o}:{o} {t} && rm -f {i} {a} && "
        f"h=$(mktemp {shlex.quote(f'{folder}/.hash.XXXXXXXX')}) && printf '%s\\n' {sha256} > \"$h\" && "
        f'mv -fT "$h" {t}/{HASH_FILE}'
    )
    yield StringCommand(versions.old_ones_removed(folder, version))


@operation()
def version_linked(folder: str, version: str, sha256: str) -> Generator[StringCommand, None, None]:
    """Point `folder`/current at an unpacked version.

    + folder: where versions of this artifact live
    + version: the one to be in use
    + sha256: hex digest of its archive
    """
    if host.get_fact(InstalledArtifact, folder=folder) == sha256:
        host.noop(f"{folder}/current is {version} ({sha256[:12]})")
        return
    yield StringCommand(versions.linked(folder, version))


@operation()
def file_installed(url: str, sha256: str, path: str, owner: str) -> Generator[StringCommand, None, None]:
    """Put one verified file in its place, atomically.

    + url: the file
    + sha256: hex digest that it must have
    + path: path of the file
    + owner: its user and group, to whom its folder belongs; others may not read it
    """
    found = host.get_fact(PathStates, paths=(path,)).get(path)
    if found is not None and (found.sha256, found.user, found.mode) == (sha256, owner, 0o640):
        host.noop(f"{path} is there ({sha256[:12]})")
        return
    copy = _copy(url, sha256)
    yield StringCommand(f"install -d -m 0755 {_DOWNLOADS}")
    yield from _download(url, sha256, copy)
    write = written(path, digest=sha256, mode=0o640, user=owner, group=owner, by=owner)
    yield StringCommand(f"{{ {write}; }} < {shlex.quote(copy)} && rm -f {shlex.quote(copy)}")


def _copy(url: str, sha256: str) -> str:
    """Return where a download is kept until it is installed."""
    return f"{_DOWNLOADS}/{sha256[:16]}-{url.rpartition('/')[2]}"


def _download(url: str, sha256: str, path: str) -> Generator[StringCommand, None, None]:
    curl = f"{CURL} --show-error --retry 3 --retry-connrefused"
    p, u = shlex.quote(path), shlex.quote(url)
    check = f"printf '%s  %s\\n' {sha256} {p} | sha256sum --check --status"
    # If the depot cannot resume, curl fails with 33: then download from the start.
    yield StringCommand(
        f"umask 077; {check} 2>/dev/null || {curl} --continue-at - --output {p} {u} || "
        f"{{ rm -f {p}; {curl} --output {p} {u}; }}"
    )
    refusal = f"{url}: sha256 is not {sha256}; deleted. Fill the depot again, or mend SHA256SUMS"
    yield StringCommand(f"{check} || {{ rm -f {p}; echo {shlex.quote(refusal)} >&2; exit 1; }}")


def _unpack(
    url: str,
    sha256: str,
    folder: str,
    version: str,
    arch: str,
    *,
    owner: str | None,
    smoke_command: str | None,
) -> Generator[StringCommand, None, None]:
    archive = _copy(url, sha256)
    a, u, t = (shlex.quote(path) for path in (archive, f"{folder}/.unpacking", f"{folder}/{version}"))
    yield StringCommand(f"install -d -m 0755 {_DOWNLOADS} {shlex.quote(folder)}")
    yield from _download(url, sha256, archive)
    given = "" if owner is None else f"chown -R {shlex.quote(owner)}:{shlex.quote(owner)} {u} && "
    yield StringCommand(
        f"{versions.fits(archive, arch=arch, url=url)} && rm -rf {u} && install -d -m 0755 {u} && "
        f"tar --extract --gzip --file {a} --directory {u} --strip-components=1 --no-same-owner && "
        f"{_smoke_tested(url, u, smoke_command)}"
        f"printf '%s\\n' {sha256} > {u}/{HASH_FILE} && {given}rm -rf {t} && mv -T {u} {t} && rm -f {a}"
    )


def _smoke_tested(url: str, quoted_folder: str, smoke_command: str | None) -> str:
    """Return the part of a shell command that deletes files that do not run here, and prints the output."""
    if smoke_command is None:
        return ""
    refusal = shlex.quote(f"what is in {url} does not run on this host; it was deleted, and nothing uses it")
    return (
        f"{{ said=$(cd {quoted_folder} && {smoke_command} 2>&1) || "
        f"{{ printf '%s\\n' \"$said\" {refusal} | tail -n 3 >&2; rm -rf {quoted_folder}; exit 1; }}; }} && "
    )
