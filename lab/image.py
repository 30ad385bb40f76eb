"""The hosts' image: a Debian 12 userland that stands in for Kylin, built once and kept in the cache.

The key is a hash of the recipe: another package, file or source gives another image. An old image is never
changed while a lab runs on it.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from inventory.model import OsRelease
from lab import kylin_identity
from lab.architecture import NATIVE, Architecture
from lab.commands import isolated, run
from lab.debian import SUITE, sources

_RECIPE_VERSION = 1
"""Raise this number if `build` changes in a way that its data do not show."""
_BUILD_DEADLINE_S = 900
_REGISTER_DEADLINE_S = 180
"""Time limit of a step; it takes seconds natively, and a minute in emulation."""

PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "dnf",
    "gnupg",
    "gzip",
    "hostname",
    "iproute2",
    "iputils-ping",
    "kmod",
    "less",
    "openssh-server",
    "openssl",
    "procps",
    "rpm",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tar",
    "unzip",
    "util-linux",
    "vim-tiny",
    "xz-utils",
)
"""Packages of Kylin's minimal installation that deploys rely on; all others come from the depot."""

_LEFT_OUT = ("doc", "man", "locale", "info", "lintian", "bug")
"""Folders of /usr/share that no lab host reads; they would be half of the image."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built image."""

    key: str
    """First 16 hex digits of its recipe's hash."""
    architecture: Architecture
    root: Path
    """The userland, which is the lower layer of every host's disk; never written to."""
    dpkg_status: Path
    """The Debian packages that it was made from, which the depot need not contain."""


def recipe_key(release: OsRelease, architecture: Architecture = NATIVE) -> str:
    """Return the key of the image that the current recipe gives."""
    recipe = {
        "version": _RECIPE_VERSION,
        "architecture": architecture.debian,
        "suite": SUITE,
        "packages": PACKAGES,
        "left_out": _LEFT_OUT,
        "hidden": kylin_identity.HIDDEN,
        "masked": kylin_identity.MASKED_UNITS,
        "release_spec": kylin_identity.release_spec(release),
        "files": [(f.path, f.text) for f in kylin_identity.identity_files(release, architecture.arch)],
    }
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def image_at(cache: Path, release: OsRelease, architecture: Architecture = NATIVE) -> Image:
    """Return where the image of the current recipe is, or will be."""
    key = recipe_key(release, architecture)
    folder = cache / "images" / key
    return Image(key=key, architecture=architecture, root=folder / "root", dpkg_status=folder / "dpkg-status")


def is_built(image: Image) -> bool:
    """Say whether the complete image is in the cache."""
    return image.dpkg_status.exists()


def build(cache: Path, release: OsRelease, architecture: Architecture = NATIVE) -> Image:
    """Return the image; build it if the cache lacks it. The caller holds the cache's lock.

    + cache: where images are kept
    + release: the operating system that the image shall claim to be
    + architecture: an architecture other than this machine's needs `lab.emulation`

    Raises:
        LabError: the Debian mirror did not answer, or a package could not be installed.
    """
    image = image_at(cache, release, architecture)
    if is_built(image):
        return image
    folder = image.root.parent
    building = folder.with_name(f"building-{image.key}")
    for leftover in (folder, building):
        if leftover.exists():
            shutil.rmtree(leftover)
    building.mkdir(parents=True)
    root = building / "root"
    run(
        _mmdebstrap(root, architecture.debian),
        doing=f"build the hosts' image ({architecture.arch})",
        deadline_s=_BUILD_DEADLINE_S,
    )
    shutil.copyfile(root / "var/lib/dpkg/status", building / "dpkg-status")
    kylin_identity.apply_identity(root, release, architecture.arch)
    _register_base_system(root, release)
    building.rename(folder)
    return image


def _register_base_system(root: Path, release: OsRelease) -> None:
    work = root / "root/release-package"
    work.mkdir()
    (work / "package.spec").write_text(kylin_identity.release_spec(release))
    inside = "/root/release-package"
    build_it = f"rpmbuild -bb --quiet --define '_topdir {inside}/rpmbuild' {inside}/package.spec"
    register = f"rpm --install --justdb --nodeps {inside}/rpmbuild/RPMS/noarch/*.rpm"
    run(
        isolated(["chroot", str(root), "/bin/sh", "-ec", f"{build_it}\n{register}"]),
        doing="register the base system in the image's RPM database",
        deadline_s=_REGISTER_DEADLINE_S,
    )
    shutil.rmtree(work)


def _mmdebstrap(root: Path, architecture: str) -> list[str]:
    options = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    return isolated(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=essential",
            f"--architectures={architecture}",
            "--quiet",
            # The finished folder is renamed into the cache as a whole, so single files need no sync.
            "--dpkgopt=force-unsafe-io",
            '--aptopt=Apt::Install-Recommends "0"',
            *options,
            f"--include={','.join(PACKAGES)}",
            SUITE,
            str(root),
            *sources(architecture),
        ]
    )
