"""The channel portal's WAR: our Java code for the servlet API, and the pages."""

import sys
import tempfile
import tomllib
from pathlib import Path

from inventory.places import PROJECT_ROOT
from lab import tarballs
from lab.tongweb.javac import SERVLET_API, archive, compile_into, files_below

NAME = "channel-portal"
WAR = "portal.war"
SOURCES = PROJECT_ROOT / "app_stub/portal"
_RECIPE_VERSION = 1
"""Raise this number if a change of this module changes the content of the WAR."""


def version(sources: Path = SOURCES) -> str:
    """Return the project's version, and 12 hex digits of a hash of everything the WAR is made from."""
    base = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"{base}+{tarballs.digest_of(_RECIPE_VERSION, files_below(sources))}"


def write_war(target: Path, sources: Path = SOURCES) -> None:
    """Compile the portal and write its WAR.

    + sources: folder with java/ and web/

    Raises:
        LabError: the portal does not compile; has the compiler's output.
    """
    with tempfile.TemporaryDirectory(prefix="loanstack-portal-") as name:
        classes = Path(name) / "WEB-INF/classes"
        classes.mkdir(parents=True)
        compile_into(classes, sources / "java", classpath=(SERVLET_API,))
        (classes.parent / "version").write_text(f"{version(sources)}\n")
        archive(target, Path(name), sources / "web")


def build(cache: Path, sources: Path = SOURCES) -> Path:
    """Return the WAR in a tarball for hosts; build it if the cache lacks it."""

    def fill(content: Path) -> None:
        write_war(content / WAR, sources)

    return tarballs.cached(cache / "artifacts", NAME, version(sources), fill)


if __name__ == "__main__":
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    write_war(Path(sys.argv[1]))
