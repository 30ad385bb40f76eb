"""One lab host: its boot (systemd-nspawn), its power and its end."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from inventory.model import Host
from lab import cgroups, keys, locks, network_setup
from lab.commands import run
from lab.disks import disk_of
from lab.errors import LabError
from lab.network import NetworkPlan, namespace_of

_DEADLINE_S = 20.0
_POLL_S = 0.1


def boot(host: str, lab_dir: Path) -> None:
    """Start `host` from its mounted disk in its existing network; return at once."""
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
                # If controllers are still version 1, nspawn must be told to use the unified hierarchy.
                "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            },
        )


def nspawn_command(host: str, root: Path, groups: tuple[Path, ...]) -> list[str]:
    """Return the command that starts the host's systemd-nspawn in its control groups, in the background.

    + root: the mounted disk
    + groups: `cgroup.procs` files to join first, so that every process of the host is in the groups
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
        # A host may set up its own network, but not the machine's clock and modules.
        "--capability=CAP_NET_ADMIN",
        "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE",
    ]


def is_running(host: str) -> bool:
    """Say whether `host` has any process."""
    return bool(cgroups.processes(host))


def end(host: str) -> None:
    """End all processes of `host` at once and remove its control groups."""
    cgroups.kill(host)
    cgroups.remove(host)


def switch_off(host: str, plan: NetworkPlan, lab_dir: Path) -> None:
    """Switch `host` off like a power cut: first its network goes silent, then all its processes end.

    If the processes ended first, the kernel would send resets for them, which a server without power cannot
    do. Returns when nothing of the host is left; does nothing if the host did not run.
    """
    part = plan.host(host)
    with _power_lock(host, lab_dir):
        network_setup.unplug(part)
        end(host)
        network_setup.remove_namespaces([part.namespace])


def switch_on(host: str, plan: NetworkPlan, lab_dir: Path) -> None:
    """Connect `host` and boot it from its disk, unless it runs; return at once."""
    with _power_lock(host, lab_dir):
        if not is_running(host):
            network_setup.lay_host(plan.host(host))
            boot(host, lab_dir)


@contextlib.contextmanager
def _power_lock(host: str, lab_dir: Path) -> Iterator[None]:
    """Hold the lock of the host's power: a command and the power switch's server may act at the same time.

    This is not the machine's lock, because a fence cannot wait for other commands of the lab.
    """
    busy = f"another process has been switching the power of {host} for {_DEADLINE_S:g} s"
    with locks.held(disk_of(lab_dir, host).power_lock, within_s=_DEADLINE_S, refusal=busy):
        yield


def answers_ssh(address: str, *, timeout_s: float = 1.0) -> bool:
    """Say whether an SSH server sends its greeting at `address`."""
    try:
        with socket.create_connection((address, 22), timeout=timeout_s) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_for_ssh(host: Host, lab_dir: Path, *, deadline_s: float) -> None:
    """Wait until `host` accepts the lab's key.

    + deadline_s: seconds from now

    Raises:
        LabError: the host died or did not come up in time; the message has the end of its output.
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
