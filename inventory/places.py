"""Folders for data that outlive a command: the cache, and the state of the running lab."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """Return the folder of images, packages and bundles that may be reused (``LOANSTACK_CACHE``)."""
    return Path(os.environ.get("LOANSTACK_CACHE", "/var/cache/loanstack"))


def state_dir() -> Path:
    """Return the folder with the state of running environments (``LOANSTACK_STATE``)."""
    return Path(os.environ.get("LOANSTACK_STATE", "/var/lib/loanstack"))


def lab_dir() -> Path:
    """Return the folder of the one lab that this machine can run: keys, secrets, depot, disks."""
    return state_dir() / "lab"
