"""One lab host: its disk (overlayfs over the image), its boot (systemd-nspawn) and its end."""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inventory.model import Environment, Host
from lab import cgroups, keys, wiring
from lab.commands import run
from lab.errors import LabError
from lab.image import Image
from lab.network import NetworkPlan, namespace_of

_DEADLINE_S = 20.0
_NSPAWN_FOLDER = Path("/run/systemd/nspawn/propagate")
"""nspawn makes a folder per container here, and leaves it when it is killed."""
_POLL_S = 0.1


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


def boot(host: str, lab_dir: Path) -> None:
    """Start `host` from its mounted disk in its laid network; returns at once."""
    disk = disk_of(lab_dir, host)
    cgroups.kill(host)
    cgroups.remove(host)
    groups = cgroups.make(host)
    with disk.console.open("ab") as console:
        subprocess.run(
            nspawn_command(host, disk.root, groups),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=_DEADLINE_S,
            cwd="/",
            env={
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                # Where controllers are still version 1, nspawn must be told to use the unified tree.
                "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            },
        )


def nspawn_command(host: str, root: Path, groups: tuple[Path, ...]) -> list[str]:
    """Return the command that starts the host's systemd-nspawn in its control groups, on its own.

    + root: the mounted disk
    + groups: `cgroup.procs` files to join first, so that no process of the host is ever outside
    """
    return [
        *cgroups.joining(groups),
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        f"--directory={root}",
        f"--machine={host}",
        f"--network-namespace-path=/run/netns/{namespace_of(host)}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--private-users=no",
        "--console=read-only",
        # Its own network is a host's to set up; the machine's clock and modules are not.
        "--capability=CAP_NET_ADMIN",
        "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
    ]


def is_running(host: str) -> bool:
    """Say whether any process of `host` is there."""
    return bool(cgroups.processes(host))


def end(host: str) -> None:
    """End all processes of `host` at once and remove its control groups."""
    cgroups.kill(host)
    cgroups.remove(host)


def switch_off(host: str, plan: NetworkPlan, lab_dir: Path) -> None:
    """Pull the plug: the network goes silent first, as it does when a server loses power, then all ends.

    Ending the processes first would let the kernel send resets on their behalf, which no dead server does.
    Returns once nothing of the host is left, also where nothing was.
    """
    part = plan.host(host)
    with _power_lock(host, lab_dir):
        wiring.unplug(part)
        end(host)
        wiring.remove_namespaces([part.namespace])


def switch_on(host: str, plan: NetworkPlan, lab_dir: Path) -> None:
    """Plug `host` in and boot it from the disk it had, unless it runs; returns at once."""
    with _power_lock(host, lab_dir):
        if not is_running(host):
            wiring.lay_host(plan.host(host))
            boot(host, lab_dir)


@contextlib.contextmanager
def _power_lock(host: str, lab_dir: Path) -> Iterator[None]:
    """Hold the lock of the host's power: a command and the power switch's server may come at once.

    Not the machine's lock: a fence cannot wait for whatever else is done to the lab.
    """
    with disk_of(lab_dir, host).power_lock.open("w") as file:
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"the power of {host} is being switched by another for {_DEADLINE_S:g} s"
                    ) from None
                time.sleep(_POLL_S)
            else:
                break
        yield


def answers_ssh(address: str, *, timeout_s: float = 1.0) -> bool:
    """Say whether an SSH server greets at `address`."""
    try:
        with socket.create_connection((address, 22), timeout=timeout_s) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_for_ssh(host: Host, lab_dir: Path, *, deadline_s: float) -> None:
    """Wait until `host` lets the lab's key in.

    + deadline_s: seconds from now

    Raises:
        LabError: it died or did not come up in time; holds the end of what it printed.
    """
    deadline = time.monotonic() + deadline_s
    while not answers_ssh(host.management_address):
        if not is_running(host.name):
            raise LabError(
                f"host {host.name} died while booting; its last words:\n{_last_words(lab_dir, host)}"
            )
        if time.monotonic() > deadline:
            raise LabError(
                f"host {host.name} did not accept SSH at {host.management_address} within {deadline_s:g} s; "
                f"its last words:\n{_last_words(lab_dir, host)}"
            )
        time.sleep(_POLL_S)
    run(
        keys.ssh_command(
            lab_dir, host.name, "true", options=("-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
        ),
        doing=f"log in on {host.name} with the lab's key",
        deadline_s=max(10.0, deadline - time.monotonic()),
    )


def _last_words(lab_dir: Path, host: Host) -> str:
    console = disk_of(lab_dir, host.name).console
    if not console.exists():
        return "  (nothing)"
    lines = console.read_text(errors="replace").splitlines()[-8:]
    return "\n".join(f"  {line}" for line in lines)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
