"""Makes a Debian 12 userland look like Kylin V10 SP3, and lets it be administered like it.

This is a stand-in, because the licensed product is not available here. It has Kylin's identity files, and dnf
as the only package manager, without apt. So deploys and validation take the same path as on a real Kylin.
`/etc/loanstack-stand-in` lists the parts that stay Debian (kernel, glibc, file layout).
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from inventory.model import Arch, OsRelease
from lab.architecture import NATIVE

_OS_RELEASE = """\
NAME="Kylin Linux Advanced Server"
VERSION="{version} ({codename})"
ID="{id}"
VERSION_ID="{version}"
PRETTY_NAME="Kylin Linux Advanced Server {version} ({codename})"
ANSI_COLOR="0;31"
"""
_RELEASE = "Kylin Linux Advanced Server release {version} ({codename})\n"
_PRODUCT_INFO = "Kylin Linux Advanced Server\nrelease {version} (SP3) /({codename})-{arch}-Build23/20230324\n"
_DNF_CONF = """\
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
"""
_SSHD = """\
# Keys only, as a bank's baseline has it; name look-ups would wait for a resolver that is not there.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
MaxStartups 100:30:200
MaxSessions 100
"""
_JOURNALD = """\
[Journal]
Storage=volatile
RuntimeMaxUse=16M
ForwardToSyslog=no
ForwardToConsole=no
"""

HIDDEN = (
    "usr/bin/apt",
    "usr/bin/apt-*",
    "usr/bin/dpkg",
    "usr/bin/dpkg-*",
    "usr/sbin/dpkg-*",
    "usr/lib/apt",
    "usr/libexec/dpkg",
    "etc/apt",
    "etc/dpkg",
    "etc/debian_version",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/cache/apt",
    "var/log/apt",
    "var/log/dpkg.log",
    "etc/cron.daily/*dpkg*",
    "etc/cron.daily/apt*",
    "usr/lib/systemd/system/apt-*",
    "usr/lib/systemd/system/dpkg-*",
    "etc/systemd/system/timers.target.wants/dpkg-*",
)
"""Debian's package management: removed from hosts, so that nothing can fall back on it."""

MASKED_UNITS = (
    "console-getty.service",
    "getty@tty1.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "logrotate.timer",
    "systemd-pstore.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-journal-catalog-update.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-network-generator.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-udevd.service",
    "sys-kernel-debug.mount",
    "dev-hugepages.mount",
    "remote-fs.target",
)
"""Units that a container does not need; each would cost memory and boot time on seven hosts."""


RELEASE_PACKAGE = "kylin-release"
_RELEASE_FILES = (
    "etc/.productinfo",
    "etc/kylin-release",
    "etc/lsb-release",
    "etc/os-release",
    "etc/system-release",
    "usr/lib/os-release",
)
_RELEASE_SPEC = """\
Name: {package}
Version: {version}
Release: 1.lab
Summary: {stand_in}
License: Apache-2.0
BuildArch: noarch
AutoReqProv: no
Provides: system-release = {version}
Provides: system-release(releasever) = {version}
Provides: /bin/sh
%description
The identity of a lab host. Stands for the whole base system in the RPM database.
%install
for file in {files}; do mkdir -p "%{{buildroot}}/$(dirname "$file")"; \
cp -a "/$file" "%{{buildroot}}/$file"; done
%files
{listed}
"""


@dataclass(frozen=True, kw_only=True)
class IdentityFile:
    """A file of the image and its text."""

    path: str
    """Relative to the image's root."""
    text: str


def identity_files(release: OsRelease, arch: str = Arch.X86_64) -> tuple[IdentityFile, ...]:
    """Return the files that make an image look and act like `release`."""
    words = {
        "version": release.version_id,
        "codename": release.codename,
        "id": release.id,
        "arch": str(arch),
    }
    return (
        IdentityFile(path="usr/lib/os-release", text=_OS_RELEASE.format(**words)),
        IdentityFile(path="etc/kylin-release", text=_RELEASE.format(**words)),
        IdentityFile(path="etc/system-release", text=_RELEASE.format(**words)),
        IdentityFile(path="etc/.productinfo", text=_PRODUCT_INFO.format(**words)),
        IdentityFile(path="etc/lsb-release", text="DISTRIB_ID=Kylin\n"),
        IdentityFile(path="etc/issue", text="\nAuthorized users only. All activities may be monitored.\n"),
        IdentityFile(path="etc/loanstack-stand-in", text=f"{release.stand_in}\n"),
        IdentityFile(path="etc/dnf/dnf.conf", text=_DNF_CONF),
        IdentityFile(path="etc/dnf/vars/releasever", text=f"{release.version_id}\n"),
        # Debian's rpm keeps its database in root's home folder; on a server it belongs to the system.
        IdentityFile(path="etc/rpm/macros", text="%_dbpath /var/lib/rpm\n"),
        IdentityFile(path="etc/ssh/sshd_config.d/10-baseline.conf", text=_SSHD),
        IdentityFile(path="etc/systemd/journald.conf.d/10-lab.conf", text=_JOURNALD),
        IdentityFile(
            path="etc/resolv.conf", text="# A host of the bank knows no resolver: see /etc/hosts.\n"
        ),
        IdentityFile(path="etc/nsswitch.conf", text=_NSSWITCH),
        IdentityFile(path="etc/fstab", text=""),
        IdentityFile(path="etc/machine-id", text=""),
        IdentityFile(path="etc/hostname", text="localhost\n"),
        *(() if arch == NATIVE.arch else _WITHOUT_CREDENTIALS),
    )


_WITHOUT_CREDENTIALS = tuple(
    IdentityFile(path=f"etc/systemd/system/{name}.service.d/10-lab.conf", text="[Service]\nLoadCredential=\n")
    for name in ("systemd-sysusers", "systemd-tmpfiles-setup", "systemd-tmpfiles-setup-dev")
)
"""QEMU's user mode cannot mount the file system for a unit's credentials. These three units would load
credentials, although there are none."""

_NSSWITCH = """\
passwd:         files
group:          files
shadow:         files
hosts:          files
networks:       files
protocols:      files
services:       files
ethers:         files
rpc:            files
"""


def release_spec(release: OsRelease) -> str:
    """Return the spec of the package that represents the base system; it is built inside the image.

    Every package with a scriptlet requires `/bin/sh`, which a package provides on a real Kylin.
    """
    return _RELEASE_SPEC.format(
        package=RELEASE_PACKAGE,
        version=release.version_id,
        stand_in=release.stand_in,
        files=" ".join(_RELEASE_FILES),
        listed="\n".join(f"/{name}" for name in _RELEASE_FILES),
    )


def apply_identity(root: Path, release: OsRelease, arch: str = Arch.X86_64) -> None:
    """Turn the userland at `root` into the stand-in.

    + root: root folder of an unpacked Debian 12 userland
    + release: the operating system that it shall claim to be
    + arch: architecture of the hosts
    """
    for pattern in HIDDEN:
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for file in identity_files(release, arch):
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(file.text)
    units = root / "etc/systemd/system"
    for unit in MASKED_UNITS:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    default = units / "default.target"
    default.unlink(missing_ok=True)
    default.symlink_to("/usr/lib/systemd/system/multi-user.target")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/yum.repos.d").mkdir(exist_ok=True)
    yum = root / "usr/bin/yum"
    yum.unlink(missing_ok=True)
    yum.symlink_to("dnf-3")
