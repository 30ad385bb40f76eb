"""The disk of one lab host: overlayfs over the image, and memory of its own for a member of the store."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from inventory.model import Environment, Host, Role
from lab.commands import run
from lab.image import Image
from lab.keys import host_key

_DEADLINE_S = 20.0
_NSPAWN_FOLDER = Path("/run/systemd/nspawn/propagate")
"""nspawn makes a folder per container here, and leaves it when it is killed."""
_STORE_MIB_MAX = 768
"""etcd keeps five pieces of its log and makes a sixth, 64 MiB each; its database file is at most 256 MiB."""


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
    return Disk(folder=lab_dir / "hosts" / host)


def names_of_disks(lab_dir: Path) -> list[str]:
    """Return the names of the hosts that have a disk, mounted or not."""
    return sorted(folder.name for folder in (lab_dir / "hosts").glob("*"))


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
    key = host_key(lab_dir, host)
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
    if host.has(Role.ARBITER):
        _mount_memory(host.name, disk.root / environment.store.data_dir.lstrip("/"))


def _mount_memory(host: str, folder: Path) -> None:
    """Give the store's member of `host` storage that no other host writes to, as a server of its own has.

    All hosts of a lab share one disk, and one that flushes a gigabyte makes all others wait for seconds. Like
    a disk it stays when the host loses power: it is the machine's.
    """
    folder.mkdir(parents=True)
    run(
        ["mount", "-t", "tmpfs", "-o", f"size={_STORE_MIB_MAX}m,mode=0700", f"loanstack-{host}", str(folder)],
        doing=f"mount the storage of the store's member on {host}",
        deadline_s=_DEADLINE_S,
    )


def remove_disk(lab_dir: Path, host: str) -> None:
    """Unmount and delete the disk of `host`, if there is one, and what nspawn kept beside it."""
    with contextlib.suppress(FileNotFoundError):
        (_NSPAWN_FOLDER / host).rmdir()
    disk = disk_of(lab_dir, host)
    if os.path.ismount(disk.root):
        run(
            ["umount", "--recursive", str(disk.root)],
            doing=f"unmount the disk of {host}",
            deadline_s=_DEADLINE_S,
        )
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
