"""Finds remains of a lab on this machine, independently of any record."""

from pathlib import Path

from lab import cgroups, network_setup
from lab.network import NetworkPlan


def mounts_below(folder: Path, mounts: str) -> list[str]:
    """Return the mount points below `folder` in the text of /proc/self/mounts, innermost first."""
    prefix = f"{folder}/"
    points = [line.split()[1] for line in mounts.splitlines() if len(line.split()) > 1]
    return sorted((p for p in points if p.startswith(prefix)), key=len, reverse=True)


def find(plan: NetworkPlan, lab_dir: Path) -> list[str]:
    """Return a description of everything of a lab that exists; empty: the machine is clean.

    + plan: network whose names are searched
    + lab_dir: the lab's state folder
    """
    found = [f"process {pid}" for pid in sorted(cgroups.processes())]
    found += cgroups.leftovers()
    found += [f"mount {point}" for point in mounts_below(lab_dir, Path("/proc/self/mounts").read_text())]
    return found + network_setup.leftovers(plan)
