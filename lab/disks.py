"""The hosts' disks: each is an overlay over the host's image; all are on one file system in a file.

That file system has no journal and uses no barriers: a host's sync returns when the data are in the machine's
memory, as on a server whose disk cache has a battery, and the machine's disk gets them later. A lab never
survives a restart of the machine (`lab.state`), so real syncs would have no use. With them, all hosts would
wait whenever their one shared disk is slow, for up to two seconds (measured).
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from inventory.model import Environment, Host
from lab import keys
from lab.commands import run
from lab.image import Image

_DEADLINE_S = 20.0
_NSPAWN_FOLDER = Path("/run/systemd/nspawn/propagate")
"""nspawn makes a folder for each container here, and leaves it there when it is killed."""
_SIZE_MAX = 64 * 1024**3
"""Bytes of the sparse file, which uses only the space that was written; never more than the free space."""


def _hosts_dir(lab_dir: Path) -> Path:
    return lab_dir / "hosts"


def _file_of(lab_dir: Path) -> Path:
    return lab_dir / "hosts.ext4"


def make_room(lab_dir: Path) -> None:
    """Make and mount the empty file system for the disks of all hosts."""
    file, hosts_dir = _file_of(lab_dir), _hosts_dir(lab_dir)
    hosts_dir.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(min(_SIZE_MAX, shutil.disk_usage(lab_dir).free))
    make = ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-E", "nodiscard", str(file)]
    run(make, doing="make the file system of the hosts' disks", deadline_s=_DEADLINE_S)
    # The inode tables of a new sparse file are already zero.
    mount = ["mount", "-o", "loop,nobarrier,noatime,noinit_itable", str(file), str(hosts_dir)]
    run(mount, doing="mount the file system of the hosts' disks", deadline_s=_DEADLINE_S)
    (hosts_dir / "lost+found").rmdir()


def remove_room(lab_dir: Path) -> None:
    """Unmount and delete that file system, if there is one; the disks on it must be deleted before."""
    hosts_dir = _hosts_dir(lab_dir)
    if os.path.ismount(hosts_dir):
        run(["umount", str(hosts_dir)], doing="unmount the hosts' disks", deadline_s=_DEADLINE_S)
    _file_of(lab_dir).unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Folders of a host's disk."""

    folder: Path

    @property
    def upper(self) -> Path:
        """Files that the host wrote; they survive a power cut."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """The overlay's work folder."""
        return self.folder / "work"

    @property
    def root(self) -> Path:
        """Mount point of the overlay."""
        return self.folder / "root"

    @property
    def console(self) -> Path:
        """Console output of the host's boot."""
        return self.folder / "console.log"

    @property
    def power_lock(self) -> Path:
        """Lock file of a process that switches the host on or off."""
        return self.folder / "power.lock"


def disk_of(lab_dir: Path, host: str) -> Disk:
    """Return the disk of `host`."""
    return Disk(folder=_hosts_dir(lab_dir) / host)


def names_of_disks(lab_dir: Path) -> list[str]:
    """Return the names of the hosts that have a disk, mounted or not."""
    return sorted(folder.name for folder in _hosts_dir(lab_dir).glob("*"))


def has_disk(lab_dir: Path, host: str) -> bool:
    """Say whether the disk of `host` is mounted, so that it can boot."""
    return disk_of(lab_dir, host).root.is_mount()


def make_disk(environment: Environment, host: Host, image: Image, lab_dir: Path) -> None:
    """Make an empty disk for `host` with its own name, keys and host table, and mount it."""
    disk = disk_of(lab_dir, host.name)
    for folder in (disk.upper, disk.work, disk.root):
        folder.mkdir(parents=True)
    _write(disk.upper / "etc/hostname", f"{host.name}\n")
    _write(disk.upper / "etc/machine-id", f"{os.urandom(16).hex()}\n")
    _write(disk.upper / "etc/hosts", hosts_file(environment))
    key = keys.host_key(lab_dir, host)
    _write(disk.upper / "etc/ssh" / key.name, key.read_text(), mode=0o600)
    _write(disk.upper / "etc/ssh" / f"{key.name}.pub", key.with_suffix(".pub").read_text())
    (disk.upper / "root").mkdir(mode=0o700)
    (disk.upper / "root/.ssh").mkdir(mode=0o700)
    login = environment.ssh.key_file.with_suffix(".pub").read_text()
    _write(disk.upper / "root/.ssh/authorized_keys", login, mode=0o600)
    layers = f"lowerdir={image.root},upperdir={disk.upper},workdir={disk.work}"
    run(
        ["mount", "-t", "overlay", f"loanstack-{host.name}", "-o", layers, str(disk.root)],
        doing=f"mount the disk of {host.name}",
        deadline_s=_DEADLINE_S,
    )


def remove_disk(lab_dir: Path, host: str) -> None:
    """Unmount and delete the disk of `host`, if there is one, and nspawn's folder for it."""
    with contextlib.suppress(FileNotFoundError):
        (_NSPAWN_FOLDER / host).rmdir()
    disk = disk_of(lab_dir, host)
    if os.path.ismount(disk.root):
        run(["umount", str(disk.root)], doing=f"unmount the disk of {host}", deadline_s=_DEADLINE_S)
    if disk.folder.exists():
        shutil.rmtree(disk.folder)


def hosts_file(environment: Environment) -> str:
    """Return the text of /etc/hosts, the lab's only name service."""
    lines = ["127.0.0.1 localhost"]
    lines += [f"{h.address} {h.name}" for h in environment.hosts]
    return "".join(f"{line}\n" for line in lines)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
