"""The depot's yum repository: Debian packages as signed RPMs, built once and kept in the cache."""

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import native_program, rpm_from_deb, scriptlets
from lab.apt import Apt
from lab.architecture import NATIVE
from lab.commands import isolated, run
from lab.image import Image
from lab.rpm_from_deb import DebControl, Entry

_RECIPE_VERSION = 1
"""Raise this number if a change of this module or `lab.rpm_from_deb` changes the content of RPMs."""

ROOTS = (
    "chrony",
    "etcd-client",
    "etcd-server",
    "haproxy",
    "keepalived",
    "mariadb-client-core",
    "mariadb-server-core",
    "nftables",
    "nginx",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-node-exporter",
)
"""Packages that deploys install by name; the repository has these and their dependencies."""

KEY_FILE = "RPM-GPG-KEY-loanstack-lab"
_KEY_OWNER = "loanstack lab depot (stand-in) <depot@lab.loanstack>"
_LEFT_OUT = ("doc", "man", "locale", "info", "lintian", "bug")
_DEADLINE_S = 300


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A built repository."""

    folder: Path
    """Folder with `repo/<arch>/` and the public key."""
    arch: str


def recipe_key(image: Image) -> str:
    """Return the key of the repository that belongs to `image`."""
    chores = {name: repr(chore) for name, chore in scriptlets.CHORES.items()}
    recipe = {"version": _RECIPE_VERSION, "roots": ROOTS, "chores": chores, "image": image.key}
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def repository_at(cache: Path, image: Image) -> Repository:
    """Return where the repository for `image` is, or will be."""
    return Repository(folder=cache / "repositories" / recipe_key(image), arch=image.architecture.arch)


def is_built(repository: Repository) -> bool:
    """Say whether the complete repository is in the cache."""
    return (repository.folder / KEY_FILE).exists()


def build(cache: Path, image: Image, apt: Apt) -> Repository:
    """Return the repository for `image`; build it if the cache lacks it.

    + apt: apt with its lists fetched

    Raises:
        LabError: a download, rpmbuild, gpg or createrepo_c failed; names the package.
    """
    repository = repository_at(cache, image)
    if is_built(repository):
        return repository
    building = repository.folder.with_name(f"building-{repository.folder.name}")
    for leftover in (building, repository.folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    rpms = building / "repo" / repository.arch
    rpms.mkdir(parents=True)
    debs = apt.fetch_closure(ROOTS, dpkg_status=image.dpkg_status, into=cache / "debs" / image.key)
    controls = {deb: _control(deb) for deb in debs}
    depot = {control.name: control for control in controls.values()}
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        jobs = [
            pool.submit(_pack, deb, control, depot, image, building / "work" / control.name, rpms)
            for deb, control in controls.items()
        ]
        for job in jobs:
            job.result()
    shutil.rmtree(building / "work")
    _sign(cache / "gpg", rpms, building / KEY_FILE)
    building.rename(repository.folder)
    return repository


def _control(deb: Path) -> DebControl:
    text = run(["dpkg-deb", "--field", str(deb)], doing=f"read {deb.name}", deadline_s=_DEADLINE_S)
    return rpm_from_deb.parse_control(text)


def _pack(
    deb: Path, control: DebControl, depot: dict[str, DebControl], image: Image, work: Path, rpms: Path
) -> None:
    content = work / "content"
    content.mkdir(parents=True)
    run(["dpkg-deb", "--extract", str(deb), str(content)], doing=f"unpack {deb.name}", deadline_s=_DEADLINE_S)
    chores = scriptlets.CHORES.get(control.name, scriptlets.NONE)
    _arrange(content, chores)
    if image.architecture is not NATIVE:
        for program in chores.not_emulated:
            native_program.put(content, program)
    entries = _entries(content)
    text = rpm_from_deb.spec(
        control,
        needs=rpm_from_deb.requires(control, depot),
        entries=entries,
        base_directories={e.path for e in entries if e.is_directory and (image.root / e.path[1:]).is_dir()},
        content=str(content),
        chores=chores,
    )
    spec_file = work / f"{control.name}.spec"
    spec_file.write_text(text)
    settings = {
        "_topdir": str(work / "rpmbuild"),
        "_rpmdir": str(rpms),
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        # Debian's files are packed unchanged: no stripping, no recompressing, no build ids.
        "__spec_install_post": "%{nil}",
        "_build_id_links": "none",
        "debug_package": "%{nil}",
        "_binary_payload": "w3.zstdio",
    }
    defines = [part for name, value in settings.items() for part in ("--define", f"{name} {value}")]
    run(
        [
            "rpmbuild",
            "-bb",
            "--quiet",
            "--target",
            f"{image.architecture.arch}-linux",
            *defines,
            str(spec_file),
        ],
        doing=f"build the RPM of {control.name}",
        deadline_s=_DEADLINE_S,
    )
    shutil.rmtree(work)


def _arrange(content: Path, chores: scriptlets.Chores) -> None:
    for name in _LEFT_OUT:
        shutil.rmtree(content / "usr/share" / name, ignore_errors=True)
    # Debian 12 ships some files below /lib and /sbin, which are links to /usr on a host.
    for name in ("bin", "sbin", "lib", "lib64"):
        old = content / name
        if old.is_dir() and not old.is_symlink():
            shutil.copytree(old, content / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
    for source, target in chores.copies:
        (content / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(content / source, content / target)


def _entries(content: Path) -> list[Entry]:
    return [
        Entry(path=f"/{path.relative_to(content)}", is_directory=path.is_dir() and not path.is_symlink())
        for path in sorted(content.rglob("*"))
    ]


def _sign(home: Path, rpms: Path, key_file: Path) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def gpg(*arguments: str, doing: str) -> None:
        # gpg starts an agent, which would stay behind; in isolation it ends with the command.
        command = ["gpg", "--batch", "--yes", "--quiet", *arguments]
        run(isolated(command), doing=doing, deadline_s=_DEADLINE_S, environment=environment)

    if not (home / "pubring.kbx").exists():
        make = ("--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", _KEY_OWNER)
        gpg(*make, "rsa3072", "sign", "never", doing="make the depot's signing key")
    packages = sorted(str(path) for path in rpms.glob("*.rpm"))
    # rpm searches gpg at the path of the machine on which rpm was built.
    program = shutil.which("gpg") or "/usr/bin/gpg"
    names = ("--define", f"_gpg_name {_KEY_OWNER}", "--define", f"__gpg {program}")
    sign = ["rpmsign", *names, "--addsign", *packages]
    run(isolated(sign), doing="sign the RPMs", deadline_s=_DEADLINE_S, environment=environment)
    run(
        ["createrepo_c", "--quiet", "--no-database", str(rpms)],
        doing="index the yum repository",
        deadline_s=_DEADLINE_S,
    )
    gpg("--armor", "--detach-sign", str(rpms / "repodata/repomd.xml"), doing="sign the repository's index")
    gpg("--armor", "--output", str(key_file), "--export", doing="export the signing key")
