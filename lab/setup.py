"""Prepare a machine: Debian packages and the project's virtual environment.

Standard library only, because it runs before anything is installed: `python3 -m lab.setup --venv .venv`.
Each step does nothing if its work is already done, so the next run completes an interrupted set-up.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from inventory.places import PROJECT_ROOT

PACKAGES_FILE = Path(__file__).with_name("debian-packages.txt")
OLDEST_PYTHON = (3, 11)
_UNLESS_FOUND = {"golang-go": "go"}
"""Packages that a machine does not need if it has their program from elsewhere: this one takes 450 MB."""
_INTERRUPTED = 130
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=120", "-q", "-y", "--no-install-recommends")


class SetupError(RuntimeError):
    """A step of the set-up failed; the message says what to do about it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the set-up.

    Returns:
        The exit code; 2: the machine lacks something, which one sentence names; 130: interrupted.
    """
    parser = argparse.ArgumentParser(prog="python3 -m lab.setup", description=__doc__)
    parser.add_argument(
        "--venv", type=Path, default=PROJECT_ROOT / ".venv", help="virtual environment to fill"
    )
    parser.add_argument("--uv-version", required=True, help="version of uv that installs the lock file")
    options = parser.parse_args(arguments)
    try:
        _check_python()
        _step("Check this machine", _check_machine)
        _step("Install Debian packages", lambda: install_packages(wanted_packages()))
        _step("Create the virtual environment", lambda: create_environment(options.venv, options.uv_version))
    except SetupError as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        _say("interrupted; the next run completes the set-up")
        return _INTERRUPTED
    return 0


def wanted_packages() -> list[str]:
    """Return the names in `debian-packages.txt`, without those whose program is here from elsewhere."""
    names = PACKAGES_FILE.read_text().split()
    return [name for name in names if name not in _UNLESS_FOUND or not shutil.which(_UNLESS_FOUND[name])]


def missing_packages(wanted: Sequence[str]) -> list[str]:
    """Return those of `wanted` that dpkg does not list as fully installed."""
    listing = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def install_packages(wanted: Sequence[str]) -> str:
    """Install the packages of `wanted` that are missing; return a sentence about what was done.

    Raises:
        SetupError: dpkg or the Debian registry reported an error.
    """
    missing = missing_packages(wanted)
    if not missing:
        return "all there"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # A killed apt-get leaves packages unpacked but not configured; this finishes them first.
    _run(["dpkg", "--configure", "-a"], "repair dpkg by hand: dpkg --configure -a", environment)
    _run([*APT, "update"], "check apt's sources and the network, then run this again", environment)
    _run([*APT, "install", *missing], "check apt's sources and the network, then run this again", environment)
    return f"{len(missing)} installed"


def create_environment(venv: Path, uv_version: str) -> str:
    """Fill `venv` with exactly the packages of requirements.lock, and this project; return what was done.

    Raises:
        SetupError: venv or a package index reported an error.
    """
    again = "check pip's index and the network, then run this again"
    python = venv / "bin" / "python"
    if not (venv / "bin" / "pip").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(venv)], "install python3-venv")
    _run([str(python), "-m", "pip", "install", "--quiet", f"uv=={uv_version}"], again)
    uv = [str(venv / "bin" / "uv"), "pip"]
    target = ["--python", str(python), "--quiet"]
    lock = str(PROJECT_ROOT / "requirements.lock")
    _run([*uv, "install", *target, "--require-hashes", "-r", lock], again)
    _run([*uv, "install", *target, "--no-deps", "--no-build-isolation", "-e", str(PROJECT_ROOT)], again)
    return str(venv)


def _check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"Python {found} is too old; set PYTHON to a Python >= 3.11, as in: make PYTHON=python3.12"
        )


def _check_machine() -> str:
    checked = subprocess.run([sys.executable, "-m", "lab.preflight"], check=False, cwd=PROJECT_ROOT)
    if checked.returncode != 0:
        raise SetupError("this machine cannot run the lab yet; nothing was changed")
    return "fit for the lab"


def _step(title: str, work: Callable[[], str]) -> None:
    started = time.monotonic()
    done = work()
    _say(f"{title}: {done} ({time.monotonic() - started:.1f} s)")


def _say(message: str) -> None:
    sys.stderr.write(f"setup: {message}\n")


def _run(command: Sequence[str], remedy: str, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = lines[-1] if lines else "no message"
        raise SetupError(f"{' '.join(command[:4])} ... failed ({last}); {remedy}")


if __name__ == "__main__":
    sys.exit(main())
