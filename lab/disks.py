"""The hosts' disks: for each an overlay over its image, all on one file system in a file of this machine.

That file system has no journal and asks for no barrier: what a host syncs is done once it is in the machine's
memory, as on a server whose disks have a write cache with a battery, and the machine's disk gets it later. A
lab never outlives the machine's boot (`lab.state`), so nothing would be gained by more; and all hosts would
wait, for up to two seconds (measured), whenever the one disk that they share does.
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
"""nspawn makes a folder per container here, and leaves it when it is killed."""
_SIZE_MAX = 64 * 1024**3
"""Bytes; the file is as large as what was written to it, and never larger than what is free."""


def _hosts_dir(lab_dir: Path) -> Path:
    return lab_dir / "hosts"


def _file_of(lab_dir: Path) -> Path:
    return lab_dir / "hosts.ext4"


def make_room(lab_dir: Path) -> None:
    """Make the empty file system that the disks of all hosts are on, and mount it."""
    file, hosts_dir = _file_of(lab_dir), _hosts_dir(lab_dir)
    hosts_dir.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(min(_SIZE_MAX, shutil.disk_usage(lab_dir).free))
    make = ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", "-E", "nodiscard", str(file)]
    run(make, doing="make the file system of the hosts' disks", deadline_s=_DEADLINE_S)
    # The inode tables of a new sparse file are zero as they are.
    mount = ["mount", "-o", "loop,nobarrier,noatime,noinit_itable", str(file), str(hosts_dir)]
    run(mount, doing="mount the file system of the hosts' disks", deadline_s=_DEADLINE_S)
    (hosts_dir / "lost+found").rmdir()


def remove_room(lab_dir: Path) -> None:
    """Unmount and delete that file system, if there is one, once the disks on it are gone."""
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
        """What the host wrote; survives a power cut."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """The overlay's own scratch folder."""
        return self.folder / "work"

    @property
    def root(self) -> Path:
        """Where the whole is mounted."""
        return self.folder / "root"

    @property
    def console(self) -> Path:
        """What the host printed while booting."""
        return self.folder / "console.log"

    @property
    def power_lock(self) -> Path:
        """Held by whoever switches the host on or off."""
        return self.folder / "power.lock"


def disk_of(lab_dir: Path, host: str) -> Disk:
    """Return the disk of `host`."""
    return Disk(folder=_hosts_dir(lab_dir) / host)


def names_of_disks(lab_dir: Path) -> list[str]:
    """Return the names of the hosts that have a disk, mounted or not."""
    return sorted(folder.name for folder in _hosts_dir(lab_dir).glob("*"))


def has_disk(lab_dir: Path, host: str) -> bool:
    """Say whether the disk of `host` is there to boot from."""
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
    """Unmount and delete the disk of `host`, if there is one, and what nspawn kept beside it."""
    with contextlib.suppress(FileNotFoundError):
        (_NSPAWN_FOLDER / host).rmdir()
    disk = disk_of(lab_dir, host)
    if os.path.ismount(disk.root):
        run(["umount", str(disk.root)], doing=f"unmount the disk of {host}", deadline_s=_DEADLINE_S)
    if disk.folder.exists():
        shutil.rmtree(disk.folder)


def hosts_file(environment: Environment) -> str:
    """Return /etc/hosts: the only name service of the lab."""
    lines = ["127.0.0.1 localhost"]
    lines += [f"{h.address} {h.name}" for h in environment.hosts]
    return "".join(f"{line}\n" for line in lines)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
