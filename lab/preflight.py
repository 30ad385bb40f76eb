"""Checks whether this machine can run the lab: `python3 -m lab.preflight`, before anything is installed.

Uses the standard library only. Each problem is one sentence with its remedy. Nothing is installed or changed;
trials run in temporary namespaces and folders.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from inventory import places
from lab.runtime import MODULE

DISK_GIB = 8
MEMORY_GIB = 8
_MEMORY_SLACK = 0.93
"""Tolerance: the kernel and the firmware keep some of a machine's nominal memory."""
_GIB = 1024**3
_DEADLINE_S = 60
_REGISTRY_TIMEOUT_S = 15
_CAP_NET_ADMIN, _CAP_SYS_ADMIN = 12, 21

_TRY_DISKS = """
set -e
truncate -s 16M file
mkfs.ext4 -q -O ^has_journal file
mkdir disk
mount -o loop,nobarrier,noinit_itable file disk
cd disk
mkdir lower upper work root
mount -t overlay overlay -o "lowerdir=$PWD/lower,upperdir=$PWD/upper,workdir=$PWD/work" root
"""
_TRY_NETWORK = """
set -e
ip link add bridge0 type bridge
ip link add veth0 type veth peer name veth1
ip link set veth0 master bridge0
if command -v nft >/dev/null; then
    nft add table inet probe
    nft 'add chain inet probe input { type filter hook input priority 0; }'
fi
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check everything and print the problems; return 0 without problems, 2 with some, 130 if interrupted."""
    parser = argparse.ArgumentParser(prog="python3 -m lab.preflight", description=__doc__)
    parser.add_argument("--no-registries", action="store_true", help="ask no package registry")
    options = parser.parse_args(arguments)
    try:
        problems = machine_problems()
        if not problems and not options.no_registries:
            problems = registry_problems()
    except KeyboardInterrupt:
        # Nothing was changed, and the program that started this one prints a message.
        return 130
    for problem in problems:
        sys.stderr.write(f"preflight: {problem}\n")
    return 2 if problems else 0


def machine_problems() -> list[str]:
    """Return one sentence for each thing that this machine lacks; empty: it can run the lab."""
    if os.geteuid() != 0:
        return [
            f"hosts run in namespaces, which only root makes, not user {os.geteuid()}; run this with sudo"
        ]
    return list(
        _found(
            system_problem(Path("/etc/os-release").read_text(), os.uname().machine),
            capability_problem(Path("/proc/self/status").read_text()),
            cgroup_problem(Path("/proc/self/mounts").read_text()),
            memory_problem(Path("/proc/meminfo").read_text()),
            *(_disk_problem(folder) for folder in (places.cache_dir(), places.state_dir())),
            _host_disks_problem(places.state_dir()),
            _network_problem(),
        )
    )


def registry_problems() -> list[str]:
    """Return one sentence for each package registry that does not answer its ordinary client."""
    return list(_found(_apt_problem(), _pip_problem(), _go_problem()))


def system_problem(os_release: str, architecture: str) -> str | None:
    """Return why this operating system is unsuitable, or None.

    + os_release: text of /etc/os-release
    + architecture: as `uname -m` prints it
    """
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    found = (fields.get("ID", "").strip('"'), fields.get("VERSION_ID", "").strip('"'))
    if found != ("debian", "12"):
        return (
            "the lab makes its hosts from Debian 12 packages, but this is "
            f"{found[0] or 'unknown'} {found[1]}; use a Debian 12 machine"
        )
    if architecture != "x86_64":
        return (
            f"the lab's artifacts are for x86_64, but this machine is {architecture}; use an x86_64 machine"
        )
    return None


def capability_problem(status: str) -> str | None:
    """Return a sentence about capabilities that root lacks (as in a plain container), or None.

    + status: text of /proc/self/status
    """
    line = next((line for line in status.splitlines() if line.startswith("CapEff:")), "CapEff: 0")
    effective = int(line.split()[1], 16)
    wanted = {"CAP_SYS_ADMIN": _CAP_SYS_ADMIN, "CAP_NET_ADMIN": _CAP_NET_ADMIN}
    missing = [name for name, bit in wanted.items() if not effective & (1 << bit)]
    if missing:
        return f"root lacks {' and '.join(missing)} here; use a virtual machine or a privileged container"
    return None


def cgroup_problem(mounts: str) -> str | None:
    """Return a sentence if there is no unified control group hierarchy, or None.

    + mounts: text of /proc/self/mounts
    """
    if any(line.split()[2] == "cgroup2" for line in mounts.splitlines() if len(line.split()) > 2):
        return None
    return (
        "no cgroup2 file system is mounted, in which hosts keep their processes; mount one: "
        "mount -t cgroup2 none /sys/fs/cgroup"
    )


def memory_problem(meminfo: str) -> str | None:
    """Return a sentence if the machine has too little memory, or None.

    + meminfo: text of /proc/meminfo
    """
    line = next((line for line in meminfo.splitlines() if line.startswith("MemTotal:")), "MemTotal: 0 kB")
    total_gib = int(line.split()[1]) * 1024 / _GIB
    if total_gib < MEMORY_GIB * _MEMORY_SLACK:
        return f"the lab needs {MEMORY_GIB} GiB of memory, but here are {total_gib:.1f} GiB; use a larger one"
    return None


def _found(*problems: str | None) -> Iterable[str]:
    return dict.fromkeys(problem for problem in problems if problem is not None)


def _disk_problem(folder: Path) -> str | None:
    there = _nearest(folder)
    free_gib = shutil.disk_usage(there).free / _GIB
    # Space that the lab already uses there counts as free.
    if free_gib >= DISK_GIB or (folder.exists() and any(folder.iterdir()) and free_gib >= DISK_GIB / 2):
        return None
    name = "LOANSTACK_CACHE" if folder == places.cache_dir() else "LOANSTACK_STATE"
    return (
        f"the lab needs {DISK_GIB} GiB free at {folder}, but {there} has {free_gib:.1f} GiB; "
        f"free some, or point {name} to a larger disk"
    )


def _host_disks_problem(folder: Path) -> str | None:
    if shutil.which("mkfs.ext4") is None:
        # The set-up installs e2fsprogs; `lab up` checks again.
        return None
    with tempfile.TemporaryDirectory(dir=_nearest(folder), prefix=".loanstack-preflight-") as name:
        said = _tried(["unshare", "--mount", "/bin/sh", "-c", _TRY_DISKS], folder=Path(name))
    if said is None:
        return None
    return (
        "hosts' disks are overlay file systems in a loop-mounted ext4 file, which cannot be made below "
        f"{folder} ({said}); load the kernel's modules (modprobe -a loop ext4 overlay), or use a virtual "
        "machine"
    )


def _network_problem() -> str | None:
    if shutil.which("ip") is None:
        # The set-up installs iproute2; `lab up` checks again.
        return None
    said = _tried(["unshare", "--net", "/bin/sh", "-c", _TRY_NETWORK], folder=Path("/"))
    if said is None:
        return None
    return (
        "hosts are wired with network namespaces, bridges, veth pairs and nftables, which this kernel "
        f"refuses ({said}); load its modules (modprobe -a bridge veth nf_tables) or use another kernel"
    )


def _apt_problem() -> str | None:
    listing = subprocess.run(
        ["apt-get", "update", "--print-uris"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_DEADLINE_S,
    ).stdout
    uris = [line.split("'")[1] for line in listing.splitlines() if line.startswith("'")]
    debian = [uri for uri in uris if uri.endswith("/dists/bookworm/InRelease")]
    if not debian:
        return "apt has no source for Debian 12 (bookworm); add one to /etc/apt/sources.list"
    with tempfile.TemporaryDirectory(prefix="loanstack-preflight-") as name:
        timeouts = [f"-oAcquire::{kind}::Timeout={_REGISTRY_TIMEOUT_S}" for kind in ("http", "https")]
        fetch = ["/usr/lib/apt/apt-helper", *timeouts, "-oAcquire::Retries=0", "download-file"]
        said = _tried([*fetch, debian[0], f"{name}/InRelease"], folder=Path(name))
    if said is None:
        return None
    return (
        f"Debian's package registry does not answer apt ({said}); check apt's sources, proxy and the network"
    )


def _pip_problem() -> str | None:
    venv_python = places.PROJECT_ROOT / ".venv" / "bin" / "python"
    python = next((p for p in (str(venv_python), sys.executable) if _has_pip(p)), None)
    if python is None:
        # The set-up installs pip, and then contacts the index itself.
        return None
    ask = [
        python,
        "-m",
        "pip",
        "index",
        "versions",
        "click",
        f"--timeout={_REGISTRY_TIMEOUT_S}",
        "--retries=0",
    ]
    said = _tried(ask, folder=Path("/"))
    if said is None:
        return None
    return f"the Python package index does not answer pip ({said}); check pip's index, proxy and the network"


def _go_problem() -> str | None:
    if shutil.which("go") is None:
        # The set-up installs it.
        return None
    with tempfile.TemporaryDirectory(prefix="loanstack-preflight-") as name:
        ask = ["env", f"GOMODCACHE={name}", "GOFLAGS=-modcacherw", "go", "list", "-m", "-json", MODULE]
        said = _tried(ask, folder=Path(name))
    if said is None:
        return None
    return (
        f"the proxy of Go's modules does not answer go ({said}); check go env GOPROXY, proxy and the network"
    )


def _has_pip(python: str) -> bool:
    return Path(python).exists() and _tried([python, "-m", "pip", "--version"], folder=Path("/")) is None


def _tried(command: Sequence[str], *, folder: Path) -> str | None:
    """Run `command`; return None if it succeeded, else its last output."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, timeout=_DEADLINE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    words = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return words[-1] if words else f"{command[0]} ended with status {done.returncode}"


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())


if __name__ == "__main__":
    sys.exit(main())
